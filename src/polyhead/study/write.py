"""A study's reports, written anew after every job, so that one that is under way can be looked at."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from polyhead.folder.files import write_json, write_text
from polyhead.study.design import Design
from polyhead.study.page import page
from polyhead.study.report import markdown
from polyhead.study.summary import summarize


def write_reports(
    folder: Path,
    name: str,
    design: Design,
    results: Sequence[Mapping[str, Any]],
    said: Sequence[str] = (),
    failed: Sequence[str] = (),
) -> None:
    """``study.html``, ``study.md`` and ``results.json``.

    ``said`` is what else must be known of it, ``failed`` why jobs have no result.

    Raises:
        UserError: the place cannot be written.
    """
    if not results:
        return
    summary = summarize(results, failed)
    limit = (
        "the rows that the recipe takes" if design.rows is None else f"at most {design.rows:,} rows of each data set"
    )
    seeds = sorted({each["seed"] for each in results})
    about = [
        f"{len(results)} results, seeds {', '.join(map(str, seeds))}, trained on {limit}",
        *(f"failed: {line}" for line in failed),
        *said,
        *(f"tried: {key} {', '.join(values)}" for key, values in design.grid.items()),
    ]
    title = f"What to freeze: {name}"
    write_text(folder / "study.html", page(summary, title, about))
    write_text(folder / "study.md", markdown(summary, title, about))
    write_json(folder / "results.json", {"results": list(results), "failed": list(failed)})
