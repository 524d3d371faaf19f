"""The head of a multilabel task: one logit a label, each decided by itself."""

from polyhead.modeling.heads.sentence import SentenceHead


class MultilabelHead(SentenceHead):
    """A ``SentenceHead`` with a yes or no for each label (``losses.BinaryLoss``)."""
