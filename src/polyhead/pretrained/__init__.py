"""From a folder or a Hub name to a model, and back: where the disk meets the networks."""

from polyhead.pretrained.find import DEFAULT_BACKBONE, find
from polyhead.pretrained.hub import push
from polyhead.pretrained.load import load
from polyhead.pretrained.pretrained import Head, Pretrained
from polyhead.pretrained.save import save

__all__ = ["DEFAULT_BACKBONE", "Head", "Pretrained", "find", "load", "push", "save"]
