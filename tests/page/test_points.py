"""The map as a file, in a real browser: hover, lasso, legend, search, hostile text, a phone, fifty thousand rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser import stands, tab
from polyhead.evaluation.maps import Colouring, map_page

EVIL = '</script><img src=x onerror="window.evil=1"><script>window.evil=1</script>'


def write(path: Path, count: int, *, methods: tuple[str, ...] = ("PCA", "t-SNE")) -> Path:
    draw = np.random.default_rng(5)
    points = {name: draw.normal(size=(count, 2)).astype(np.float32) for name in methods}
    texts = [f"text number {number} {EVIL}\ud800" for number in range(count)]
    colourings = {
        "topic": Colouring.of([f"topic {number % 9} {EVIL}" for number in range(count)]),
        "split": Colouring.of(["train" if number % 4 else "test" for number in range(count)]),
    }
    path.write_text(map_page(f"A map {EVIL}", "of many", texts, points, colourings), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    with tab(browser, write(tmp_path / "map.html", 400).as_uri(), offline=True) as page:
        yield page
        assert page.evaluate("window.evil") is None


def test_text_is_text(opened: Any) -> None:
    assert opened.title() == f"A map {EVIL}"
    assert opened.locator("#chosen h2").inner_text() == "All 400 texts"
    assert opened.locator("#chosen td").first.inner_text().startswith("text number 0 </script>")
    assert opened.locator("img").count() == 1


def test_lasso_counts_and_the_legend_chooses(opened: Any) -> None:
    box = opened.locator("#points").bounding_box()
    corners = [(0, 0), (1, 0), (1, 1), (0, 1)]
    opened.mouse.move(box["x"] + 2, box["y"] + 2)
    opened.mouse.down()
    for x, y in corners[1:]:
        opened.mouse.move(box["x"] + 2 + x * (box["width"] - 4), box["y"] + 2 + y * (box["height"] - 4))
    opened.mouse.up()
    assert opened.locator("#chosen h2").inner_text() == "400 chosen"
    opened.select_option("#colour", "split")
    opened.click(".legend button >> text=test 100")
    assert opened.locator("#chosen h2").inner_text() == "100 chosen"
    assert opened.locator("#counts").inner_text() == "test 100"
    opened.click("#all")
    assert opened.locator("#chosen h2").inner_text() == "All 400 texts"
    opened.fill("#search", "number 39")
    assert opened.locator("#chosen h2").inner_text() == "11 chosen"


def test_hover_shows_the_text(opened: Any) -> None:
    box = opened.locator("#points").bounding_box()
    for step in range(80):
        opened.mouse.move(box["x"] + box["width"] / 2 + step, box["y"] + box["height"] / 2)
        if opened.locator(".tip").is_visible():
            break
    assert opened.locator(".tip").inner_text().startswith("text number")


def test_axe_and_a_phone(opened: Any) -> None:
    stands(opened)


def test_fifty_thousand_rows_stay_usable(browser: Any, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(write(tmp_path / "large.html", 50_000, methods=("PCA",)).as_uri())
    assert page.locator("#chosen h2").inner_text() == "All 50,000 texts"
    page.select_option("#colour", "split")
    page.click(".legend button >> text=test 12,500")
    assert page.locator("#chosen h2").inner_text() == "12,500 chosen"
    page.close()


def test_a_search_that_finds_nothing_says_so(opened: Any) -> None:
    opened.fill("#search", "nowhere to be found")
    assert opened.locator("#chosen h2").inner_text() == "0 chosen"
    assert opened.locator("#chosen td").count() == 0
    opened.fill("#search", "")
    assert opened.locator("#chosen h2").inner_text() == "All 400 texts"


def marks(page: Any) -> int:
    """How strong the map's points are, all together: those that are not chosen are faint."""
    script = """(each) => {
      const pen = new OffscreenCanvas(each.width, each.height).getContext("2d", { willReadFrequently: true });
      pen.drawImage(each, 0, 0);
      const { data } = pen.getImageData(0, 0, each.width, each.height);
      return data.reduce((sum, value, place) => (place % 4 === 3 ? sum + value : sum), 0);
    }"""
    return int(page.locator("#points").evaluate(script))


def test_what_is_chosen_stays_under_other_colours_and_drawings(opened: Any) -> None:
    whole = marks(opened)
    opened.fill("#search", "number 39")
    assert marks(opened) < whole / 2
    for picker, name in (("#colour", "split"), ("#method", "t-SNE"), ("#colour", "topic"), ("#method", "PCA")):
        opened.select_option(picker, name)
        assert opened.locator("#chosen h2").inner_text() == "11 chosen"
        assert opened.locator("#search").input_value() == "number 39"
        assert marks(opened) < whole / 2
    opened.click(".legend button >> nth=0")
    assert opened.locator("#search").input_value() == "", "words that did not choose these"
    opened.click("#all")
    assert opened.locator("#chosen h2").inner_text() == "All 400 texts"
    assert marks(opened) == whole


def labelled(path: Path, names: list[str]) -> str:
    """A map of three texts of each of these groups."""
    groups = [name for name in names for _ in range(3)]
    points = {"PCA": np.random.default_rng(5).normal(size=(len(groups), 2)).astype(np.float32)}
    texts = [f"text {number}" for number in range(len(groups))]
    path.write_text(map_page("A map", "of many", texts, points, {"label": Colouring.of(groups)}), encoding="utf-8")
    return path.as_uri()


def test_every_one_of_many_groups_can_be_chosen_and_found(browser: Any, tmp_path: Path) -> None:
    names = [f"intent-{number:02} of {EVIL}" for number in range(60)]
    with tab(browser, labelled(tmp_path / "map.html", names), offline=True) as page:
        assert page.locator("details.groups summary").inner_text() == "53 more"
        page.click("details.groups summary")
        assert page.locator("details.groups button").count() == 1 + 53
        page.click(f"details.groups button >> text={names[59]} 3")
        assert page.locator("#counts").inner_text().startswith("intent-59 of")
        page.click("details.groups button >> nth=0")
        assert page.locator("#chosen h2").inner_text() == "159 chosen"
        page.fill("#search", "INTENT-4")
        assert page.locator("#chosen h2").inner_text() == "30 chosen"
        stands(page)
        assert page.evaluate("window.evil") is None


def test_long_labels_leave_room_for_the_texts(browser: Any, tmp_path: Path) -> None:
    names = ["a" * 120, "word " * 24, "short"]
    with tab(browser, labelled(tmp_path / "map.html", names), offline=True) as page:
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            scroll = page.locator("#chosen .scroll")
            assert scroll.evaluate("each => each.scrollWidth <= each.clientWidth"), "nothing is pushed out of view"
            assert max(page.locator("#chosen tr").evaluate_all("all => all.map((each) => each.offsetHeight)")) < 100
            text = page.locator("#chosen td").first.bounding_box()["width"]
            assert text > 0.5 * scroll.bounding_box()["width"]
        assert page.locator("#chosen .group span").first.get_attribute("title") == "a" * 120


@pytest.mark.parametrize("coarse", [True, False])
def test_a_touch_screen_is_told_how_to_draw(browser: Any, tmp_path: Path, coarse: bool) -> None:
    url = write(tmp_path / "map.html", 20).as_uri()
    with tab(browser, url, offline=True, has_touch=coarse, is_mobile=coarse) as page:
        assert page.get_by_text("start sideways to draw").is_visible() == coarse
