"""The quickstart for real, on MiniLM: it learns, answers, draws, and its folder opens elsewhere."""

import json
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from polyhead import Polyhead
from polyhead.cli.quickstart import SENTENCES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_quickstart(tmp_path: Path) -> None:
    run = tmp_path / "quickstart"
    arguments = [sys.executable, "-m", "polyhead", "quickstart", "--json", "--output", str(run)]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    metrics = {name: task["metrics"] for name, task in summary["test"]["tasks"].items()}
    assert metrics["topic"]["accuracy"] > 0.75  # a guess is right once in four times
    assert metrics["sentiment"]["accuracy"] > 0.85
    assert metrics["entities"]["span_f1"] > 0.75
    assert [answer["text"] for answer in summary["answers"]] == list(SENTENCES)
    found = {
        entity["word"]: entity["entity_group"]
        for answer in summary["answers"]
        for entity in answer["entities"]["entities"]
    }
    assert found["Paris"] == "LOC"
    assert found["Elon Musk"] == "PERSON"
    assert found["Google"] == "ORG"
    for picture in ("curves.png", "embeddings.png"):
        pixels = matplotlib.image.imread(run / picture)
        assert pixels.shape[0] > 300
        assert len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)) > 50
    theirs = SentenceTransformer(str(run / "model"), device="cpu").encode(list(SENTENCES))
    ours = Polyhead.from_pretrained(run, dtype="float32").encode(list(SENTENCES))
    assert np.abs(theirs - ours).max() <= 1e-5
