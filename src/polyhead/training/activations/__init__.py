"""What a frozen part of the encoder gives, computed once and kept on the disk."""

from polyhead.training.activations.feed import Feed

__all__ = ["Feed"]
