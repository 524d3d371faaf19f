"""A training under way: its steps, its evaluations, its stages, and what a checkpoint must remember of them."""

import shutil
import time
from collections.abc import Mapping, Sequence
from itertools import chain
from math import nan
from pathlib import Path
from typing import Any, NamedTuple

import torch

from polyhead.data.example import DataSet
from polyhead.errors import UserError, shown
from polyhead.evaluation import Report, evaluate
from polyhead.evaluation.embeddings import EmbeddingReport
from polyhead.pretrained import save
from polyhead.training.activations.lower import Reading
from polyhead.training.checkpoint import Checkpoint, write_checkpoint
from polyhead.training.embedding import Keeping
from polyhead.training.embedding.mixtures import START, keep_weights
from polyhead.training.embedding.monitor import Monitor
from polyhead.training.embedding.originals import Originals
from polyhead.training.forward import Answers
from polyhead.training.history import History
from polyhead.training.keep import MODEL, as_trained
from polyhead.training.optimizer import planned_rates
from polyhead.training.plans import Lora, apply
from polyhead.training.plans.lora import ADAPTER, save_adapter
from polyhead.training.prepare import Prepared, feed_of
from polyhead.training.result import Callbacks, EvaluationReport, StepReport
from polyhead.training.sampling import Draw
from polyhead.training.selection import Selection, score_of
from polyhead.training.settings import TrainingSettings
from polyhead.training.staging import Staging
from polyhead.training.step import StepResult, seed_step
from polyhead.training.subject import Subject, encoder_learns

ACTIVATIONS, ORIGINALS = "activations", "originals"
_MOST_IN_A_ROW = 5
"""Steps without a finite loss after which a run is given up."""


class Diverged(UserError):
    """Losses were not finite several times in a row: to go on with the same recipe would end in the same way."""


class Scores(NamedTuple):
    """An evaluation's report, losses, their weighted sum, the score that selects, and the embedding's report."""

    report: Report
    losses: dict[str, float]
    loss: float
    score: float
    embedding: EmbeddingReport | None


class Run:
    """A training under way: everything that changes from step to step, and is in a checkpoint."""

    def __init__(
        self,
        subject: Subject,
        prepared: Prepared,
        data: Sequence[DataSet],
        settings: TrainingSettings,
        folder: Path,
        callbacks: Callbacks,
        checkpoint: Checkpoint | None,
        cache: Path | None,
        keeping: Keeping,
    ) -> None:
        self.subject = subject
        self.model = subject.view.model
        self.keeping = keeping.settings
        self._clock = time.perf_counter()
        self.prepared = prepared
        self.settings = settings
        self.folder = folder
        self.callbacks = callbacks
        self.steps = len(prepared.sampler) * settings.epochs
        state: Mapping[str, Any] = {} if checkpoint is None else checkpoint.state
        self.step: int = state.get("step", 0)
        self.skipped = state.get("skipped", 0)
        self.in_a_row = state.get("in_a_row", 0)
        self.cut = list(state.get("cut", (0, 0)))
        self.selection = Selection(settings.early_stopping_patience, state.get("selection"))
        every, on_log = settings.logging_steps, callbacks.on_log
        self.history = History(folder, every=every, on_log=on_log, state=state.get("history"))
        self.evaluations = [EvaluationReport.from_dict(row) for row in state.get("evaluations", ())]
        self.staging = Staging(prepared.stages, settings, epoch=len(prepared.sampler), state=state.get("stage"))
        apply(prepared.parts, self.staging.stage.learns)
        self.monitor = Monitor(
            subject.whole.model,
            Reading.of(subject.whole),
            keeping,
            data,
            dtype=prepared.forward.dtype or torch.float32,
            constant=subject.branch is not None or not encoder_learns(prepared.stages[-1].learns),
        )
        own = cache or folder / ACTIVATIONS
        originals = self._originals(cache or folder) if prepared.anchored else None
        if checkpoint is not None:
            checkpoint.restore(self.model, prepared.optimizer)
            prepared.scaler.load_state_dict(state["scaler"])
        private = cache is None
        self.feed = feed_of(subject.view, prepared, data, settings, own, private=private, originals=originals)
        before = state.get("kept")
        self._begin_stage(before)
        if before is not None and self.feed.kept != before:
            raise UserError(f"training.cache: the run kept activations of {', '.join(before)}; make room on the disk")

    @property
    def epoch(self) -> int:
        """The epoch of the next step, from 1."""
        return self.step // len(self.prepared.sampler) + 1

    def advance(self, draws: Sequence[Draw]) -> None:
        """One optimizer step."""
        epoch = self.epoch
        batches = [self.feed.batch(draw) for draw in draws]
        seed_step(self.prepared.device, seed=self.settings.seed, step=self.step)
        factor = self.staging.factor(self.step)
        result = self.prepared.step(batches, factor=factor)
        self.step += 1
        self.cut = [count + sum(batch.cut[kind] for batch in batches) for kind, count in enumerate(self.cut)]
        loss = self.prepared.step.weighted_sum(result.losses)
        rate = factor * self._greatest_rate
        report = StepReport(self.step, self.steps, epoch, loss, result.losses, rate, skipped=not result.applied)
        self.history.step(report)
        self.callbacks.on_step(report)
        self._note_skip(result, draws)

    def _rate(self) -> float:
        """The greatest rate within the backbone, or that of the heads while they learn alone."""
        rates = planned_rates(self.prepared.parts, self.settings)
        backbone = [rates[name] for name in self.staging.stage.learns if name.startswith("backbone.")]
        return max(backbone, default=self.settings.head_learning_rate)

    def _note_skip(self, result: StepResult, draws: Sequence[Draw]) -> None:
        self.skipped += not result.applied
        scaler = self.prepared.scaler
        expected = result.finite and scaler.is_enabled() and scaler.get_scale() >= 1  # it is looking for its scale
        self.in_a_row = 0 if result.applied or expected else self.in_a_row + 1
        if self.in_a_row >= _MOST_IN_A_ROW:
            losses = ", ".join(f"{name} {loss:g}" for name, loss in result.losses.items())
            examples = list(chain.from_iterable(draw.examples(self.prepared.sets) for draw in draws))
            self.clear()
            where = shown(", ".join(example.source for example in examples[:4]), 160)
            raise Diverged(
                f"training: losses or gradients of {self.in_a_row} steps in a row were not finite, last in step"
                f" {self.step} ({losses}), rows {where} … ({len(examples)} in all); lower the rates, look at these rows"
            )

    def evaluate(self) -> None:
        """Score the model on validation data; keep it if it is the best."""
        prepared = self.prepared
        scores = self.scored()
        beyond = self.beyond(scores.embedding)
        worse = None if self.keeping.interpolate else beyond  # mixtures are chosen later
        best = self.selection.update(scores.score, waits=self.staging.last, worse=worse)
        if best:
            save(as_trained(self.subject, prepared, scores.report, scores.embedding), self.folder / MODEL)
            if self.settings.plan.name == "lora":
                save_adapter(self.model, self.settings.plan.lora or Lora(), self.folder / ADAPTER)
        apply(prepared.parts, self.staging.stage.learns)
        now = time.perf_counter()
        report = EvaluationReport(
            epoch=(self.step - 1) // len(prepared.sampler) + 1,
            epochs=self.settings.epochs,
            step=self.step,
            train_losses=self.history.losses_since_evaluation(),
            best=best,
            seconds=now - self._clock,
            cut_texts=self.cut[0],
            cut_words=self.cut[1],
            skipped=self.skipped,
            held=beyond is None,
            **scores._asdict(),
        )
        self.cut, self._clock = [0, 0], now
        self.evaluations.append(report)
        self.history.evaluation(report)
        self.callbacks.on_evaluation(report)

    def scored(self) -> Scores:
        """The model on validation data, and its embedding, as they are now."""
        prepared = self.prepared
        self.model.eval()
        answers = Answers(prepared.forward, prepared.collate, self.feed.sources)
        scored = evaluate(prepared.tasks, answers, reliability=False)
        losses = answers.losses()
        loss = prepared.step.weighted_sum(losses) if losses else nan
        score = score_of(self.settings.score, prepared.tasks, scored, loss)
        return Scores(scored, losses, loss, score, self.monitor.measure(self.subject.whole.model))

    def beyond(self, embedding: EmbeddingReport | None) -> float | None:
        """By how much the embedding is worse than the original, where that is more than is allowed."""
        if self.keeping.max_drop is None or embedding is None or embedding.drop is None:
            return None
        return embedding.drop if not embedding.drop <= self.keeping.max_drop else None

    def _originals(self, folder: Path) -> Originals:
        """What the embeddings of all training texts are before the first step."""
        return Originals(
            self.model,
            Reading.of(self.subject.view),
            self.prepared.sets,
            dtype=self.prepared.forward.dtype or torch.float32,
            folder=folder / ORIGINALS,
            limit=self.settings.cache_bytes,
            advance=self.callbacks.on_cached,
            note=self.callbacks.on_note,
        )

    def clear(self) -> None:
        """Take away what was kept for this run alone."""
        self.feed.clear()
        shutil.rmtree(self.folder / ORIGINALS, ignore_errors=True)

    def end_epoch(self) -> None:
        """Go on to the plan's next stage, if it is time."""
        if self.step < self.steps and self.staging.epoch_ended(self.step, self.evaluations[-1].score):
            self._begin_stage()

    def _begin_stage(self, only: Sequence[str] | None = None) -> None:
        """Let the current stage's parameters learn, on what is kept of all below them; ``only`` of these data sets."""
        learns = self.staging.stage.learns
        earlier = any(encoder_learns(stage.learns) for stage in self.prepared.stages[: self.staging.number])
        begins = self.step == self.staging.began and not earlier and encoder_learns(learns)
        if self.keeping.interpolate and begins:
            keep_weights(self.subject.trained(), self.folder / START)
        self.feed.begin(
            learns,
            self.prepared.parts,
            epochs=self.staging.epochs,
            only=only,
            advance=self.callbacks.on_cached,
            note=self.callbacks.on_note,
        )
        apply(self.prepared.parts, learns)
        self._greatest_rate = self._rate()

    def save(self) -> None:
        """Write a checkpoint."""
        state = {
            "skipped": self.skipped,
            "in_a_row": self.in_a_row,
            "cut": self.cut,
            "selection": self.selection.state(),
            "stage": self.staging.state(),
            "kept": self.feed.kept,
            "history": self.history.state(),
            "scaler": self.prepared.scaler.state_dict(),
            "evaluations": [each.as_dict() for each in self.evaluations],
        }
        write_checkpoint(
            self.folder,
            step=self.step,
            model=self.model,
            optimizer=self.prepared.optimizer,
            state=state,
            keep=self.settings.save_total_limit,
        )
