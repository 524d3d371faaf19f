"""How alike two texts are: the cosine of their embeddings, taught by people's scores."""

from typing import ClassVar, Literal

from pydantic import Field

from polyhead.documents import Document
from polyhead.kinds.base import FloatArray, Level
from polyhead.kinds.numbers import NumberTask
from polyhead.predictions import Similarity


class SimilarityTask(NumberTask):
    """Gold: a number, the greater the more alike. Logits: the cosine. The head has no weights: the encoder learns."""

    metrics: ClassVar[tuple[str, ...]] = ("spearman", "pearson")

    kind: Literal["similarity"] = "similarity"
    loss: Literal["cosent", "mse"] = Field(
        "cosent",
        description="cosent: pairs that people found more alike get a greater cosine (a ranking over the batch); mse: "
        "the cosine is the score's share of the range",
    )
    scale: float = Field(20.0, gt=0, description="cosent: what differences of cosines are multiplied with")

    @property
    def level(self) -> Level:
        """Two texts."""
        return "pair"

    def decode(self, logits: FloatArray, document: Document) -> Similarity:
        """The cosine, from −1 to 1. *Shape:* (1,)."""
        return Similarity(float(logits[0]))
