"""The heads: one file a kind of task, each a network and a loss."""

from polyhead.modeling.heads.base import Head
from polyhead.modeling.heads.classification import ClassificationHead
from polyhead.modeling.heads.tagging import TaggingHead

__all__ = ["ClassificationHead", "Head", "TaggingHead"]
