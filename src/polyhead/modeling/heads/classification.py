"""The head of a classification task: one logit a label, of which one is right."""

from polyhead.modeling.heads.sentence import SentenceHead


class ClassificationHead(SentenceHead):
    """A ``SentenceHead`` with cross-entropy (``losses.ClassLoss``)."""
