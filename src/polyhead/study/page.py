"""A study as one HTML page that needs no network: the recommendation, the table, and two pictures."""

import io
import math
from collections.abc import Sequence
from html import escape

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from polyhead.evaluation.pictures import colours
from polyhead.study.report import NOTE, columns, table
from polyhead.study.summary import Summary

_STYLE = """
:root { color-scheme: light dark; --line: #d6d6d6; --soft: #f5f6f8; --ink: #1c2330; --mark: #3b6fb6; --page: #ffffff }
@media (prefers-color-scheme: dark) { :root { --line: #3a4150; --soft: #1d222c; --ink: #e4e7ec; --mark: #8ab4f0;
  --page: #14181f } figure { background: #ffffff; border-radius: 6px } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 92rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink);
  background: var(--page) }
h1 { font-size: 1.5rem; margin-bottom: .3rem } h2 { font-size: 1.1rem; margin-top: 2rem }
ul.about { color: color-mix(in srgb, var(--ink) 70%, transparent); padding-left: 1.1rem; margin: 0 0 1.5rem }
.advice { border-left: 4px solid var(--mark); background: var(--soft); padding: .8rem 1.2rem; margin: 1rem 0 }
.advice p { margin: .25rem 0 } .advice p:first-child { font-weight: 600; font-size: 1.1rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: right }
th:first-child, td:first-child { text-align: left } thead th { background: var(--soft) }
tbody tr:first-child td:first-child { font-weight: 600 }
figure { margin: 1rem 0 } figure svg { max-width: 100%; height: auto }
p.note { font-size: .85rem; color: color-mix(in srgb, var(--ink) 70%, transparent) }
"""


def page(summary: Summary, title: str, about: Sequence[str]) -> str:
    """The whole page. All text of users is escaped; there is no script in it."""
    head, rows = table(summary)
    cells = "".join(f"<th scope=col>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    advice = "".join(f"<p>{escape(line)}</p>" for line in summary.recommendation)
    facts = "".join(f"<li>{escape(line)}</li>" for line in about)
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{escape(title)}</title>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1><ul class=about>{facts}</ul>"
        f"<h2>What to do</h2><div class=advice>{advice}</div>"
        f"<h2>Plans</h2><div class=wide><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"
        f"<p class=note>{escape(NOTE)}</p>"
        f"<h2>Test metrics</h2><figure>{metrics_picture(summary)}</figure>"
        f"<h2>Validation score over time</h2><figure>{curves_picture(summary)}</figure></body></html>\n"
    )


def metrics_picture(summary: Summary) -> str:
    """A panel a metric: each plan's mean and interval; as SVG."""
    metrics = columns(summary)
    picture = Picture(figsize=(11, 0.9 + 0.38 * len(summary.lines)), layout="constrained")
    panels = picture.subplots(1, max(1, len(metrics)), sharey=True, squeeze=False)[0]
    names = [line.name for line in summary.lines]
    for axes, metric in zip(panels, metrics, strict=False):
        for place, line in enumerate(summary.lines):
            if metric in line.test:
                figure = line.test[metric]
                half = 0.0 if math.isnan(figure.half) else 100 * figure.half
                axes.errorbar(100 * figure.mean, place, xerr=half, fmt="o", color="#3b6fb6", capsize=3, markersize=5)
        if metric in summary.alone:
            axes.axvline(100 * summary.alone[metric].mean, color="#d1603d", linestyle="--", linewidth=1)
            axes.set_title(f"{_plain(metric)}, in per cent\n(dashed: trained alone)", loc="left", fontsize=9)
        else:
            axes.set_title(f"{_plain(metric)}, in per cent", loc="left", fontsize=9)
        axes.set_yticks(range(len(names)), [_plain(name) for name in names], fontsize=8)
        axes.invert_yaxis() if axes is panels[0] else None
        _tidy(axes)
    return _svg(picture)


def curves_picture(summary: Summary) -> str:
    """The validation score over seconds, each seed a line, each plan a colour; as SVG."""
    picture = Picture(figsize=(11, 4.2), layout="constrained")
    axes = picture.subplots()
    drawn = [line for line in summary.lines if any(len(curve) for curve in line.curves)]
    for line, colour in zip(drawn, colours(len(drawn)), strict=True):
        for number, curve in enumerate(line.curves):
            times = [seconds for seconds, score in curve if score is not None]
            scores = [100 * score for _, score in curve if score is not None]
            label = _plain(line.name) if number == 0 else None
            axes.plot(times, scores, color=colour, marker="o", markersize=3, linewidth=1.2, alpha=0.8, label=label)
    axes.set_xlabel("seconds")
    axes.set_ylabel("validation score, per cent")
    if drawn:
        axes.set_xscale("log")
        axes.legend(fontsize=8, frameon=False)
    _tidy(axes)
    return _svg(picture)


def _tidy(axes: Axes) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _plain(text: str) -> str:
    """Dollar signs would be read as mathematics."""
    return text.replace("$", r"\$")


def _svg(picture: Picture) -> str:
    file = io.StringIO()
    picture.savefig(file, format="svg")
    text = file.getvalue()
    return text[text.index("<svg") :]
