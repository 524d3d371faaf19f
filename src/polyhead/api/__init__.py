"""Folder, networks and prediction behind one object."""

from polyhead.api.model import Polyhead

__all__ = ["Polyhead"]
