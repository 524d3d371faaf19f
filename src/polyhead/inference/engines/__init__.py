"""Engines: what runs the model's forward pass."""
