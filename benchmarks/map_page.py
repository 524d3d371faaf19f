"""The page of ``polyhead map`` at fifty thousand texts: opening it, hovering, a lasso, another colouring.

Random points and made-up texts, headless Chromium by Playwright, medians of three rounds. From the repository's root:

    python -m benchmarks.map_page
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import add_arguments, console, machine, show_machine, write_json
from polyhead.evaluation.maps import Colouring, map_page

_MEASURE = """() => {
  const canvas = document.getElementById("points"), colour = document.getElementById("colour");
  const box = canvas.getBoundingClientRect();
  canvas.setPointerCapture = () => {};
  const timed = (act) => { const began = performance.now(); act(); return performance.now() - began; };
  const event = (kind, x, y) => new PointerEvent(kind, { clientX: box.x + x, clientY: box.y + y, pointerId: 1 });
  const send = (kind, x, y) => timed(() => canvas.dispatchEvent(event(kind, x, y)));
  const median = (all) => all.sort((one, other) => one - other)[all.length >> 1];
  const many = (each) => median(Array.from({ length: 40 }, (_, n) => each(n)));
  const hover = many((n) => send("pointermove", 50 + 5 * n, 100 + 4 * n));
  send("pointerdown", 20, 20);
  const lasso = many((n) => send("pointermove", 20 + 9 * n, 20 + (n * n) / 5));
  const chosen = send("pointerup", 30, 400);
  const paint = (name) => timed(() => { colour.value = name; colour.dispatchEvent(new Event("change")); });
  const painted = median(["one", "two", "one"].map(paint));
  return { "hover, a move": hover, "lasso, a move": lasso, "lasso, its end": chosen, "another colouring": painted };
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=50_000)
    add_arguments(parser, rounds=3)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    draw = np.random.default_rng(5)
    texts = [
        f"a made-up text of some length, number {number}, to be read under the pointer"
        for number in range(options.texts)
    ]
    groups = {
        "one": [f"group {number % 9}" for number in range(options.texts)],
        "two": [str(n % 4) for n in range(options.texts)],
    }
    points = {"PCA": draw.normal(size=(options.texts, 2)).astype(np.float32)}
    page = map_page("Many", "made up", texts, points, {name: Colouring.of(own) for name, own in groups.items()})
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "map.html"
        file.write_text(page, encoding="utf-8")
        found = [measured(file) for _ in range(options.rounds)]
    console.print(f"{options.texts:,} texts, {len(page) / 1e6:.1f} MB", highlight=False)
    for name in found[0]:
        values = [each[name] for each in found]
        console.print(
            f"{name}: {statistics.median(values):.1f} ms ({min(values):.1f} … {max(values):.1f})", highlight=False
        )
    write_json(options.json, {"machine": described, "milliseconds": found})


def measured(file: Path) -> dict[str, Any]:
    """Milliseconds of each act, in a browser of its own."""
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as started:
        tab = started.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page()
        began = time.perf_counter()
        tab.goto(file.as_uri())
        tab.wait_for_selector("#chosen h2")
        opened = 1000 * (time.perf_counter() - began)
        return {"opening the page": opened, **tab.evaluate(_MEASURE)}


if __name__ == "__main__":
    main()
