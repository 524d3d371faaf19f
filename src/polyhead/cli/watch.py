"""Showing a training while it runs: what was read, a bar with losses and time left, a table with a row an epoch."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from polyhead.cli.common import notes
from polyhead.data.example import DataSet
from polyhead.data.faults import FaultLog
from polyhead.kinds import Task
from polyhead.printing import printable
from polyhead.recipe.run import Watcher
from polyhead.training import EpochReport, StepReport


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
        yield Watcher(view.data, view.step, view.epoch)


class _View:
    def __init__(self, bar: Progress, *, quiet: bool) -> None:
        self._bar = bar
        self._quiet = quiet
        self._task: TaskID | None = None
        self._smooth: dict[str, float] = {}
        self._header: list[str] = []

    def data(self, data: Sequence[DataSet], tasks: Mapping[str, Task], log: FaultLog) -> None:
        """What was read."""
        if self._quiet:
            return
        for each in data:
            notes.print(f"  {each.name}: {len(each.train):,} rows to train on, {len(each.validation):,} to validate on")
        for name, task in tasks.items():
            shown = printable(", ".join(task.labels[:12]) + (" …" if len(task.labels) > 12 else ""))
            notes.print(f"  {name} ({task.kind}): {shown}", markup=False)
        for line in log.lines():
            notes.print(f"  ! {printable(line)}", markup=False)

    def step(self, report: StepReport) -> None:
        """Move the bar; losses are running means."""
        if self._task is None:
            self._task = self._bar.add_task("", total=report.steps, losses="")
        for name, loss in report.losses.items():
            self._smooth[name] = 0.9 * self._smooth.get(name, loss) + 0.1 * loss
        losses = "  ".join(f"{name} {loss:.3f}" for name, loss in self._smooth.items())
        self._bar.update(self._task, completed=report.step, description=f"epoch {report.epoch}", losses=losses)

    def epoch(self, report: EpochReport) -> None:
        """A row of the table: losses on training and validation data, each task's metrics."""
        if self._quiet:
            return
        cells = {"epoch": f"{report.epoch}/{report.epochs}"}
        for name, loss in report.losses.items():
            cells[f"{name} loss"] = f"{report.train_losses.get(name, float('nan')):.3f} → {loss:.3f}"
            task = report.report.tasks[name]
            for metric in list(task.metrics)[:1] + (["token_accuracy"] if "token_accuracy" in task.metrics else []):
                cells[f"{name} {metric}"] = f"{100 * task.metrics[metric]:.2f}"
        cells["seconds"] = f"{report.seconds:.0f}"
        cells[""] = "best" if report.best else ""
        widths = [max(len(head), 14 if "→" in cell else len(cell)) for head, cell in cells.items()]
        if not self._header:
            self._header = list(cells)
            notes.print("\nloss: training → validation; metrics on validation data, in per cent")
            notes.print("  ".join(head.rjust(width) for head, width in zip(cells, widths, strict=True)), style="bold")
        notes.print("  ".join(cell.rjust(width) for cell, width in zip(cells.values(), widths, strict=True)))
