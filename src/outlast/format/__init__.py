"""Bytes to values and back, pure: no file, no network, no clock. `spec/` is its text."""
