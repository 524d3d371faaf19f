"""A study as Markdown: tables, and the recommendation."""

import math
from collections.abc import Iterator, Sequence

from polyhead.printing import duration, size
from polyhead.study.design import settings_of
from polyhead.study.lines import Figure, Line, is_share, number, shown
from polyhead.study.summary import Summary, Tried


def columns(summary: Summary) -> list[str]:
    """The metrics of the table: the first of each task, and rows of which all is right."""
    found: dict[str, str] = {}
    for line in summary.lines:
        for metric in line.test:
            found.setdefault(metric.partition(".")[0], metric)
    return list(found.values())


def table(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of plans, as text."""
    metrics = columns(summary)
    alone = any(line.alone for line in summary.lines)
    behind = any(line.behind for line in summary.lines)
    pairs = any(line.pairs for line in summary.lines)
    grid = any(line.settings for line in summary.lines)
    frozen = list(dict.fromkeys(name for line in summary.lines for name in line.drift))
    head = ["plan", *(["settings"] if grid else []), "validation score", *(["Δ best"] if behind else [])]
    for metric in metrics:
        head += [metric, *(["Δ alone"] if alone else [])]
    head += [f"{name} frozen: answers changed" for name in frozen]
    head += [*(["pairs, before → after"] if pairs else []), "learns", "seconds", "memory", "epochs"]
    rows = []
    for line in summary.lines:
        row = [line.name, *([_settings(line)] if grid else []), shown(line.score, line.shares)]
        if behind:
            row.append(difference(line.behind, line.shares) if line.behind else "–")
        for metric in metrics:
            row.append(shown(line.test[metric], is_share(metric)) if metric in line.test else "–")
            if alone:
                row.append(difference(line.alone[metric], is_share(metric)) if metric in line.alone else "–")
        row += [shown(line.drift[name]) if name in line.drift else "–" for name in frozen]
        if pairs:
            row.append(f"{number(line.pairs[0])} → {shown(line.pairs[1])}" if line.pairs else "–")
        share = line.learning / line.parameters if line.parameters else 0.0
        row += [f"{line.learning:,} ({share:.1%})", _seconds(line.seconds), size(line.memory), f"{line.epochs:.1f}"]
        rows.append(row)
    return head, rows


def settings_table(tried: Sequence[Tried]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of all settings, by validation score alone: nothing is chosen by test data."""
    rows = [[each.name, _settings(each), shown(each.score, each.shares), str(each.score.seeds)] for each in tried]
    return ["plan", "settings", "validation score", "seeds"], rows


def brief(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """The same for a terminal: what fits beside each other, the score first."""
    metrics = columns(summary)
    pairs = any(line.pairs for line in summary.lines)
    head = ["plan", "validation", *(metric.replace(".", " ") for metric in metrics)]
    rows = []
    for line in summary.lines:
        test = line.test
        cells = [shown(test[metric], is_share(metric)) if metric in test else "–" for metric in metrics]
        after = [shown(line.pairs[1]) if line.pairs else "–"] if pairs else []
        rows.append([line.name, shown(line.score, line.shares), *cells, *after, _seconds(line.seconds)])
    return [*head, *(["pairs"] if pairs else []), "time"], rows


def difference(figure: Figure, share: bool = True) -> str:
    """A signed difference, of shares in points; * where 0 is not in its interval."""
    star = "*" if figure.exceeds else ""
    half = "" if math.isnan(figure.half) else f" ± {number(figure.half, share)}"
    return f"{number(figure.mean, share, sign=True)}{half}{star}"


def markdown(summary: Summary, title: str, about: Sequence[str]) -> str:
    """The whole report."""
    return "\n".join(_lines(summary, title, about)) + "\n"


def _lines(summary: Summary, title: str, about: Sequence[str]) -> Iterator[str]:
    yield f"# {escaped(title)}\n"
    yield from (f"- {escaped(line)}" for line in about)
    yield "\n## What to do\n"
    yield from (escaped(line) for line in summary.recommendation)
    yield "\n## Plans\n"
    yield from _table_lines(*table(summary))
    yield f"\n{NOTE}"
    if summary.tried:
        yield "\n## Settings\n"
        yield from _table_lines(*settings_table(summary.tried))
    if summary.alone:
        yield "\n## Each task alone, by `full`\n"
        yield from _table_lines(
            ["metric", "test"], [[name, shown(figure, is_share(name))] for name, figure in summary.alone.items()]
        )


def _table_lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(map(escaped, row))} |"


NOTE = (
    "Test data, shares in per cent: mean over seeds ± half the 95 % interval (Student's t). Settings, epochs and the"
    " recommended plan were chosen by validation score. Δ best: validation score less that of the best plan; Δ alone:"
    " difference from the task trained alone by full; both seed by seed, * where 0 is not in its interval. What frozen"
    " layers give is computed by the first run that needs it and kept for the others: its time is in that run's. The"
    " embedding is measured on the pairs given, and chooses nothing."
)


def escaped(text: str) -> str:
    """Text of users in a cell of a table: no bars, no line breaks, no markup."""
    flat = " ".join(text.split())
    return "".join(f"\\{character}" if character in "|*_`<>[]\\" else character for character in flat)


def _settings(line: Line | Tried) -> str:
    return settings_of(line.settings) or "–"


def _seconds(figure: Figure) -> str:
    return duration(figure.mean)
