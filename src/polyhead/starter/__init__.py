"""The starter data: sentences written for this project, with topic, sentiment and entities; and a recipe for them."""

from pathlib import Path

FOLDER = Path(__file__).parent
RECIPE = FOLDER / "quickstart.yaml"
