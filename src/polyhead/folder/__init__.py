"""The model folder on disk: its layout, hashes, atomic writes. No torch."""
