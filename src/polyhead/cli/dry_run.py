"""``polyhead train --dry-run``: what a training would do, and nothing done."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table

from polyhead.cli.common import notes, out, print_json

if TYPE_CHECKING:
    from polyhead.recipe import Recipe


def dry_run(recipe: "Recipe", again: str, *, start: str | None, device: str | None, json: bool) -> None:
    """Read the data, build the model, show which of its components learn, how fast and from when on.

    ``again`` is the command without ``--dry-run``.

    Raises:
        UserError: as the training itself would.
    """
    from polyhead.recipe.announce import fallback_notes, plan_notes
    from polyhead.recipe.start import begin
    from polyhead.training import check_settings
    from polyhead.training.optimizer import planned_rates
    from polyhead.training.plans import stages
    from polyhead.training.plans.overview import beginnings, overview
    from polyhead.training.prepare import planned_components

    recipe, data, pretrained = begin(recipe, start)
    settings = recipe.training
    subject = check_settings(pretrained, data.sets, settings, device, data.keeping)
    parts = planned_components(subject.view.model, settings)
    planned, rates = stages(settings.plan, parts), planned_rates(parts, settings)
    rows, begins = overview(parts, planned, rates), beginnings(planned)
    if json:
        learns = planned[-1].learns if planned else frozenset()
        parameters = {
            name: {"size": parameter.numel(), "learns": name in learns, "rate": rates[name]}
            for part in parts
            for name, parameter in part.parameters.items()
        }
        print_json({"components": [asdict(row) for row in rows], "stages": begins, "parameters": parameters})
        return
    table = Table(title=f"Plan: {settings.plan.name}", title_justify="left")
    table.add_column("component")
    for name in ("parameters", "trainable", "rate"):
        table.add_column(name, justify="right")
    table.add_column("from")
    for row in rows:
        low, high = row.rates or (0.0, 0.0)
        rate = "" if row.rates is None else f"{low:.2g}" if low == high else f"{low:.2g} … {high:.2g}"
        since = "" if row.begins is None else begins[row.begins - 1]
        table.add_row(row.component, f"{row.parameters:,}", f"{row.learning:,}" if row.learning else "no", rate, since)
    out.print(table)
    total, learning = sum(row.parameters for row in rows), sum(row.learning for row in rows)
    epochs = f", {settings.epochs} epochs at most" if planned else ""
    out.print(f"{learning:,} of {total:,} parameters learn ({learning / total:.1%}){epochs}")
    for line in (*fallback_notes(recipe), *plan_notes(subject, settings)[1:]):
        notes.print(line, markup=False)
    out.print(f"Nothing was trained. Next: {again}", markup=False)
