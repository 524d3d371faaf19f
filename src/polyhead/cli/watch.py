"""Showing a training while it runs: what was read, a bar with losses and time left, a table with a row an epoch."""

import contextlib
from collections.abc import Iterator

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from polyhead.cli.common import notes
from polyhead.printing import printable
from polyhead.recipe.data import Data
from polyhead.recipe.run import Watcher
from polyhead.training import EvaluationReport, StepReport


@contextlib.contextmanager
def watch(*, quiet: bool = False) -> Iterator[Watcher]:
    """A watcher that draws on standard error while the block runs."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
        console=notes,
        transient=True,
        disable=quiet or not notes.is_terminal,
    )
    view = _View(bar, quiet=quiet)
    with bar:
        yield Watcher(
            on_step=view.step,
            on_evaluation=view.evaluation,
            on_cached=view.cached,
            on_data=view.data,
            on_note=view.note,
        )


class _View:
    def __init__(self, bar: Progress, *, quiet: bool) -> None:
        self._bar = bar
        self._quiet = quiet
        self._task: TaskID | None = None
        self._smooth: dict[str, float] = {}
        self._header: list[str] = []
        self._skipped = self._told = 0
        self._cache: TaskID | None = None

    def note(self, line: str) -> None:
        """A line by itself."""
        if not self._quiet:
            notes.print(f"  {printable(line, 600)}", markup=False)

    def data(self, data: Data) -> None:
        """What was read."""
        if self._quiet:
            return
        for each in data.sets:
            notes.print(f"  {each.name}: {len(each.train):,} rows to train on, {len(each.validation):,} to validate on")
        for name, task in data.tasks.items():
            shown = printable(", ".join(task.labels[:12]) + (" …" if len(task.labels) > 12 else ""))
            notes.print(f"  {name} ({task.kind}): {shown}", markup=False)
        for line in data.log.lines():
            notes.print(f"  ! {printable(line)}", markup=False)

    def step(self, report: StepReport) -> None:
        """Move the bar; losses are running means."""
        if self._task is None:
            self._task = self._bar.add_task("", total=report.steps, losses="")
        self._skipped += report.skipped
        for name, loss in report.losses.items() if not report.skipped else ():
            self._smooth[name] = 0.9 * self._smooth.get(name, loss) + 0.1 * loss
        losses = "  ".join(f"{name} {loss:.3f}" for name, loss in self._smooth.items())
        skipped = f"  ({self._skipped} steps skipped)" if self._skipped else ""
        self._bar.update(
            self._task, completed=report.step, description=f"epoch {report.epoch}", losses=losses + skipped
        )

    def cached(self, done: int, total: int) -> None:
        """A bar for the frozen layers' one pass over the texts; gone when it is done."""
        if self._cache is None:
            self._cache = self._bar.add_task("frozen layers", total=total, losses="texts")
        self._bar.update(self._cache, completed=done)
        if done == total:
            self._bar.remove_task(self._cache)
            self._cache = None

    def evaluation(self, report: EvaluationReport) -> None:
        """A row of the table: losses on training and validation data, each task's metrics."""
        if self._quiet:
            return
        if report.cut_texts:
            words = f", {report.cut_words:,} of their words were not read" if report.cut_words else ""
            notes.print(f"! {report.cut_texts:,} training texts were longer than the limit{words}")
        if report.skipped > self._told:
            notes.print(f"! {report.skipped:,} steps were skipped so far: their losses or gradients were not finite")
            self._told = report.skipped
        cells = {"step": f"{report.step:,}", "epoch": f"{report.epoch}/{report.epochs}"}
        for name in report.train_losses.keys() - report.losses.keys():
            cells[f"{name} loss"] = f"{report.train_losses[name]:.3f}"
        for name, loss in report.losses.items():
            cells[f"{name} loss"] = f"{report.train_losses.get(name, float('nan')):.3f} → {loss:.3f}"
            task = report.report.tasks[name]
            for metric in list(task.metrics)[:1] + (["token_accuracy"] if "token_accuracy" in task.metrics else []):
                cells[f"{name} {metric}"] = f"{100 * task.metrics[metric]:.2f}"
        if report.embedding is not None:
            name = "cosine" if report.embedding.spearman is None else "spearman"
            value = report.embedding.metrics().get(name)
            if value is not None:
                cells[f"embedding {name}"] = f"{100 * value:.2f}" + ("" if report.held else " !")
        right, rows = report.report.exact_rows
        if rows:
            cells["exact rows"] = f"{100 * right / rows:.2f}"
        cells["seconds"] = f"{report.seconds:.0f}"
        cells[""] = "best" if report.best else ""
        widths = [max(len(head), 14 if "→" in cell else len(cell)) for head, cell in cells.items()]
        if not self._header:
            self._header = list(cells)
            notes.print("\nloss: training → validation; metrics on validation data, in per cent")
            notes.print("  ".join(head.rjust(width) for head, width in zip(cells, widths, strict=True)), style="bold")
        notes.print("  ".join(cell.rjust(width) for cell, width in zip(cells.values(), widths, strict=True)))
