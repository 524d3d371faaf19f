"""What a training does for the embedding: measure it, hold it, or leave it alone by learning on a fork."""

from polyhead.training.embedding.settings import EmbeddingSettings, Keeping

__all__ = ["EmbeddingSettings", "Keeping"]
