"""Serving: one HTTP server for a model's embeddings and heads, in the shapes that existing clients speak."""

from polyhead.serving.app import create_app
from polyhead.serving.models import Served
from polyhead.serving.server import listen, serve
from polyhead.serving.settings import ServingSettings

__all__ = ["Served", "ServingSettings", "create_app", "listen", "serve"]
