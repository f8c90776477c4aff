"""outlast demo."""
