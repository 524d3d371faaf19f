"""The best model of a training: kept in the run's folder as it is found, put back in the end."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from polyhead.evaluation import Report
from polyhead.evaluation.embeddings import EmbeddingReport
from polyhead.pretrained import Pretrained, load, save
from polyhead.training.activations.rows import Source
from polyhead.training.calibrate import calibrated
from polyhead.training.plans.lora import remove_adapters
from polyhead.training.prepare import Prepared
from polyhead.training.subject import Subject

MODEL = "model"


def restore_best(subject: Subject, folder: Path) -> None:
    """Put the weights of the best evaluation back."""
    best = load(folder, allow_mismatch=True)
    remove_adapters(subject.view.model)
    whole = subject.whole
    whole.model.load_state_dict(best.model.state_dict())
    whole.heads, whole.origin, whole.embedding = best.heads, best.origin, best.embedding
    whole.model.eval().requires_grad_(True)


def calibrate(subject: Subject, prepared: Prepared, validation: Iterable[Source], folder: Path) -> None:
    """Fit the heads' temperatures and thresholds on validation data, and keep them with the model in ``folder``."""
    whole = subject.whole
    tasks = calibrated(prepared, whole.tasks, validation)
    if tasks != whole.tasks:
        whole.heads = {name: replace(head, task=tasks[name]) for name, head in whole.heads.items()}
        save(whole, folder)


def as_trained(subject: Subject, prepared: Prepared, report: Report, embedding: EmbeddingReport | None) -> Pretrained:
    """The whole model with each head's record brought up to date, and what its embedding was measured to be.

    What is known of an embedding that stays, since nothing of its encoder learns, goes on to hold.
    """
    whole = subject.whole
    moved = any(parameter.requires_grad for parameter in subject.view.model.encoder.parameters())
    heads = {}
    for name, head in whole.heads.items():
        below = head.branch == subject.branch and moved
        trained = name in prepared.taught or (head.trained and not below)
        evaluation = evaluated(report, name) or (None if below else head.evaluation)
        belongs = None if below else head.encoder_hash
        heads[name] = replace(head, encoder_hash=belongs, trained=trained, evaluation=evaluation)
    kept = None if embedding is None else embedding.as_dict()
    if whole.embedding is not None and (not moved or subject.branch is not None):
        kept = dict(whole.embedding)
    return replace(whole, model=subject.trained(), heads=heads, embedding=kept)


def evaluated(report: Report, task: str) -> dict[str, Any] | None:
    """What is noted of a task's metrics with its head."""
    found = report.tasks.get(task)
    return None if found is None else {"rows": found.rows, "metrics": dict(found.metrics)}
