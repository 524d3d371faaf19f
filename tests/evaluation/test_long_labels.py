"""Reports with long labels, in a real browser: matrices and tables stay readable, and no word is cut in two."""

from pathlib import Path
from typing import Any

import pytest

from browser import stands, tab
from polyhead.evaluation import markup
from polyhead.page import offline

LONG = ("a" * 120, "word " * 24 + '"><b>', "negative", "technology")
TEXT = "Some words of a text that goes on for a while, as they do. " * 5


def page(folder: Path, labels: tuple[str, ...]) -> str:
    """A report of the parts that show labels."""
    counts = [[3 if row == column else 1 for column in range(len(labels))] for row in range(len(labels))]
    wrong = [
        {"confidence": 0.9, "gold": gold, "predicted": labels[place - 1], "text": TEXT}
        for place, gold in enumerate(labels)
    ]
    scores = [(label, "0.912", "0.845", "0.877", "12") for label in labels]
    body = markup.card(
        "topic",
        markup._matrix(labels, counts),
        markup._worst(wrong),
        markup.table(("label", "precision", "recall", "F1", "gold"), scores, numbers=range(1, 5)),
        markup.table(("task", "label", "train"), [("topic", label, "1,234") for label in labels], numbers=(2,)),
    )
    (folder / "page.html").write_text(offline("A report", "report.js", {"history": []}, body), encoding="utf-8")
    return (folder / "page.html").as_uri()


@pytest.mark.parametrize("width", [1280, 390])
def test_long_labels(browser: Any, tmp_path: Path, width: int) -> None:
    with tab(browser, page(tmp_path, LONG), offline=True) as shown:
        shown.set_viewport_size({"width": width, "height": 800})
        heads = shown.locator(".matrix th").evaluate_all("all => all.map((each) => each.getBoundingClientRect())")
        assert max(box["width"] for box in heads) <= (250 if width > 640 else 140)
        assert max(box["height"] for box in heads) < 170
        assert shown.locator(".matrix th span").first.get_attribute("title") == LONG[0]
        rows = shown.locator(".worst tbody tr").evaluate_all("all => all.map((each) => each.offsetHeight)")
        assert max(rows) < (200 if width > 640 else 380)
        assert shown.locator(".worst .wide").evaluate("each => each.scrollWidth <= each.clientWidth")
        stands(shown)


def test_a_matrix_names_its_rows_wherever_it_is_moved(browser: Any, tmp_path: Path) -> None:
    labels = (*(f"label number {number}" for number in range(24)), LONG[0])
    with tab(browser, page(tmp_path, labels), offline=True) as shown:
        wide = shown.locator(".wide", has=shown.locator(".matrix"))
        wide.evaluate("each => { each.scrollLeft = 1000; }")
        assert wide.evaluate("each => each.scrollLeft") > 200
        name = shown.locator(".matrix tbody th").first.bounding_box()
        assert name["x"] == pytest.approx(wide.bounding_box()["x"], abs=3)


def test_no_word_is_cut_in_two_on_a_phone(browser: Any, tmp_path: Path) -> None:
    with tab(browser, page(tmp_path, LONG), offline=True) as shown:
        shown.set_viewport_size({"width": 390, "height": 800})
        for word in ("negative", "technology"):
            cells = shown.locator("table.facts td", has_text=word)
            lines = cells.evaluate_all(
                """(all, word) => all.filter((each) => each.textContent === word).map((each) => {
                  const range = document.createRange();
                  range.selectNodeContents(each);
                  return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
                })""",
                word,
            )
            assert len(lines) == 4
            assert set(lines) == {1}
