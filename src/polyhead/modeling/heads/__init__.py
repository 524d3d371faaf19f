"""The heads: one file a kind of task, each a network and a loss."""

from polyhead.modeling.heads.base import Head
from polyhead.modeling.heads.classification import ClassificationHead
from polyhead.modeling.heads.multilabel import MultilabelHead
from polyhead.modeling.heads.pairs import PairsHead
from polyhead.modeling.heads.regression import RegressionHead
from polyhead.modeling.heads.similarity import SimilarityHead
from polyhead.modeling.heads.tagging import TaggingHead

__all__ = [
    "ClassificationHead",
    "Head",
    "MultilabelHead",
    "PairsHead",
    "RegressionHead",
    "SimilarityHead",
    "TaggingHead",
]
