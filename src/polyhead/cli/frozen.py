"""``polyhead train`` with the plan frozen: nothing is trained, and what the encoder gives as it is, measured."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from polyhead.cli.common import note_cut, out, print_json
from polyhead.errors import UserError
from polyhead.folder.files import write_json
from polyhead.printing import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polyhead.recipe import FrozenResult, Recipe


def frozen(recipe: "Recipe", output: Path | None, *, start: str | None, device: str | None, json: bool) -> None:
    """Measure it and show a table; the whole reports are written as JSON to ``output``, if that is given.

    Raises:
        UserError: the recipe's data or backbone does not work out, or the file is there already or cannot be written.
    """
    from polyhead.cli.watch import watch
    from polyhead.recipe import evaluate_frozen

    if output is not None and output.exists():
        raise UserError(f"{output}: is there already; with the plan frozen, --output names a new file for the figures")
    lines: list[str] = []
    with watch(quiet=json) as watcher:
        watcher = replace(watcher, on_note=lines.append) if json else watcher
        found = evaluate_frozen(recipe, start=start, device=device, watcher=watcher)
    figures: dict[str, Any] = {
        each.name: {
            "score": each.score if math.isfinite(each.score) else None,
            **{split: report.as_dict() for split, report in each.reports.items()},
        }
        for each in found.results
    }
    if output is not None:
        write_json(output, figures)
    if json:
        print_json({"plan": "frozen", "warnings": lines, "results": figures})
        return
    out.print(_table(found.results))
    note_cut(sum(report.truncated for report in found.results[0].reports.values()), found.model.max_length)
    kept = f"Figures: {printable(str(output))}\n" if output is not None else ""
    out.print(
        f"{kept}Nothing was trained. Next: polyhead train with another plan, such as probe; in your program,"
        " EmbeddingClassifier of polyhead.sklearn is this one",
        markup=False,
    )


def _table(results: "Sequence[FrozenResult]") -> Table:
    """A row a classifier and split, a column a task's first metric, in per cent."""
    reports = [(each.name, split, report) for each in results for split, report in each.reports.items()]
    columns = list(
        dict.fromkeys(
            (name, f"{name} {next(iter(task.metrics))}")
            for _, _, report in reports
            for name, task in report.tasks.items()
        )
    )
    table = Table(title="Frozen encoder, in per cent", title_justify="left")
    table.add_column("classifier", no_wrap=True)
    table.add_column("split")
    for _, head in columns:
        table.add_column(Text(printable(head)), justify="right")
    for classifier, split, report in reports:
        cells = [
            f"{100 * next(iter(report.tasks[name].metrics.values())):.2f}" if name in report.tasks else "–"
            for name, _ in columns
        ]
        table.add_row(classifier, split, *cells)
    return table
