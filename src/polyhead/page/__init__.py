"""Pages: one look for what is served and for what lies in a file. ``offline`` makes one file that needs no network."""

from polyhead.page.files import PARTS
from polyhead.page.offline import offline

__all__ = ["PARTS", "offline"]
