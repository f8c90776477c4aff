"""A folder's files as entries, and as one ordered stream of bytes."""
