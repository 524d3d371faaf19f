"""The page in a real browser: each view, hostile text, the keyboard, a phone, what axe finds, the console."""

import csv
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.decomposition import PCA

from browser import ready, serious
from conftest import sentences
from live import Live, serving
from polyhead import Polyhead
from polyhead.serving import Served

EVIL = '<img src=x onerror="window.evil=1"><script>window.evil=1</script>'
TYPE = "<b>PER</b>"
HISTORY = [
    {"epoch": 1, "eval_loss": 1.2, "eval_topic_accuracy": 0.61, "eval_entities_span_f1": 0.42, "best": False},
    {"epoch": 2, "eval_loss": 0.7, "eval_topic_accuracy": 0.83, "eval_entities_span_f1": 0.77, "best": True},
]


@pytest.fixture(scope="module")
def hostile(backbones: Callable[[str], Path]) -> Polyhead:
    """A model whose labels are markup."""
    found = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
    found.add_head("topic", "classification", [EVIL, "other"])
    found.add_head("themes", "multilabel", [EVIL + "2", "rain"])
    found.add_head("entities", "tagging", [TYPE])
    with torch.no_grad():
        *_, bias = found.pretrained.model.heads["entities"].parameters()
        bias[1] += 10  # so that every word is one
    found.refresh()
    return found


@pytest.fixture(scope="module")
def two(served: Polyhead, hostile: Polyhead) -> Iterator[Live]:
    with serving(
        [Served("tiny", served, history=HISTORY, card=f"# A card {EVIL}"), Served("hostile", hostile)]
    ) as found:
        yield found


@pytest.fixture
def page(browser: Any, two: Live) -> Iterator[Any]:
    """A tab on the page."""
    with ready(browser, two.url) as found:
        yield found


def test_analyse_answers_as_one_types(page: Any, served: Polyhead) -> None:
    text = "Anna visits Oslo and 東京 🙂 by the river in Zürich"
    page.fill("#text", text)
    page.wait_for_selector("#results .bars")
    expected = served.predict(text)
    labels = page.locator("#results .heads > div", has=page.locator("h3", has_text="topic")).locator(".label")
    assert labels.inner_text() == expected["topic"].label
    marks = page.locator("#results .reading mark")
    assert marks.count() == len(expected["entities"].entities)
    for number, each in enumerate(expected["entities"].entities):
        assert marks.nth(number).get_attribute("aria-label").startswith(f"{each.word}: {each.entity_group}, ")
    assert page.locator(".strip rect").count() == 32
    tokens = page.locator("#tokens li")
    tokens.first.wait_for()
    assert tokens.count() == expected.tokens
    assert page.locator(".legend li").count() == 4
    for sample in page.locator(".chip").all():
        sample.click()
        page.wait_for_selector("#results .bars")


def test_a_cut_text_says_so(page: Any) -> None:
    page.fill("#text", "Berlin " * 100)
    assert "Only the first 64 tokens were read" in page.locator("#results .note").first.inner_text()
    page.wait_for_selector("#tokens li.cut")
    read = [each for each in page.locator("#tokens li sub").all_inner_texts() if each == "1"]
    assert len(read) == 64


def test_two_models_side_by_side(page: Any) -> None:
    page.fill("#text", "Anna visits Oslo")
    page.select_option("#against", "hostile")
    page.wait_for_selector("#results .split.even")
    for model in (0, 1):
        column = page.locator("#results .split.even > .stack").nth(model)
        assert column.locator("svg.strip rect").count() == 32
        assert len(column.locator("pre.numbers").text_content().split()) == 32
    for name in ("hostile", "tiny"):
        assert page.locator(f"#results h2:text-is('{name}')").count() == 1


def test_copies(page: Any, two: Live) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.fill("#text", "it's here")
    page.wait_for_selector("[data-copy=curl]")
    page.click("[data-copy=JSON]")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["tokens"] > 2
    page.click("[data-copy=curl]")
    assert "it'\\''s here" in page.evaluate("navigator.clipboard.readText()")
    page.click("[data-copy=Python]")
    source = page.evaluate("navigator.clipboard.readText()")
    compile(source, "copied", "exec")
    assert two.url in source


def test_compare_shows_a_map_and_a_cell_its_pair(page: Any, served: Polyhead) -> None:
    page.click("#tab-compare")
    texts = ["a river", "a bridge", "an election"]
    page.fill("#sentences", "\n".join(texts))
    page.click("text=Compare >> nth=1")
    page.locator(".map td").nth(8).wait_for()
    encoded = served.encode(texts)
    expected = served.similarity(encoded, encoded)
    cells = page.locator(".map td button")
    assert [cells.nth(number).inner_text() for number in range(9)] == [f"{each:.2f}" for each in expected.flatten()]
    cells.nth(1).click()
    pair = page.locator("#pair")
    assert pair.locator(".value").inner_text() == f"{expected[0, 1]:.3f}"
    assert pair.locator("q").all_inner_texts() == texts[:2]
    cells.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#pair q").all_inner_texts() == [texts[1], texts[1]]


def rows_of(count: int) -> list[dict[str, str]]:
    return [{"n": str(number), "text": text, "kind": f'k"{number % 3}'} for number, text in enumerate(sentences(count))]


def test_explore_draws_a_file_searches_and_downloads(page: Any, served: Polyhead, tmp_path: Path) -> None:
    rows = rows_of(150)
    file = tmp_path / "rows.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    page.click("#tab-explore")
    page.set_input_files("#file", file)
    page.wait_for_selector("#view-explore :text('150 rows.')")
    assert page.locator("#column").input_value() == "text"
    page.click("#go")
    page.wait_for_selector("#chosen table")
    assert "All 150 rows" in page.locator("#chosen").inner_text()
    answers = served.predict([row["text"] for row in rows])
    labels = [each["topic"].label for each in answers]
    legend = page.locator("#view-explore .legend").inner_text()
    for label in set(labels):
        assert f"{label} {labels.count(label)}" in legend
    page.select_option("#colour", "column:kind")
    assert 'k"0 50' in page.locator("#view-explore .legend").inner_text()
    page.click("#view-explore .legend button:has-text('k\"1')")
    assert "50 chosen" in page.locator("#chosen h2").inner_text()
    assert page.locator("#counts").inner_text() == 'k"1 50'
    page.select_option("#colour", "column:n")
    counts = [each.rpartition(" ") for each in page.locator("#counts").inner_text().split(" · ")]
    assert all(" – " in name for name, _, _ in counts), "the table follows the colours"
    steps = [int(each.rpartition(" ")[2]) for each in page.locator("#view-explore .legend li").all_inner_texts()]
    assert len(steps) == 7
    assert sum(steps) == 150
    for head, value in (("stars", "regression"), ("entities", "tagging"), ("themes", "multilabel")):
        assert served.tasks[head].kind == value
        page.select_option("#colour", f"head:{head}")
        counted = [int(each.rpartition(" ")[2]) for each in page.locator("#view-explore .legend li").all_inner_texts()]
        assert sum(counted) == 150
    page.select_option("#colour", "column:kind")

    page.fill("#search", rows[7]["text"])
    page.keyboard.press("Enter")
    page.wait_for_selector("#chosen h2:has-text('Nearest in meaning')")
    first = page.locator("#chosen tbody tr").first.inner_text()
    assert rows[7]["text"] in first
    assert "1.00" in first

    page.locator("#chosen button", has_text=rows[9]["text"]).or_(page.locator("#chosen button")).first.click()
    page.wait_for_selector("#chosen h2:has-text('Its neighbours')")
    assert page.locator("#chosen tbody tr").count() == 12
    assert "1.00" in page.locator("#chosen tbody tr").first.inner_text()

    def lasso(*corners: tuple[float, float]) -> int:
        page.locator("#points").scroll_into_view_if_needed()
        box = page.locator("#points").bounding_box()
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=4)
        page.mouse.up()
        said = page.locator("#chosen h2").inner_text()
        chosen = int(said.split()[0])
        counts = page.locator("#counts").inner_text().split(" · ")
        assert sum(int(each.rpartition(" ")[2]) for each in counts) == chosen
        assert page.locator("#chosen tbody tr").count() == min(100, chosen)
        return chosen

    assert lasso((0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.02)) == 150
    upper = lasso((0.01, 0.01), (0.99, 0.01), (0.99, 0.5), (0.01, 0.5), (0.01, 0.02))
    assert 0 < upper < 150
    assert lasso((0.01, 0.99), (0.99, 0.99), (0.99, 0.5), (0.01, 0.5), (0.01, 0.98)) == 150 - upper

    def downloaded(kind: str) -> bytes:
        with page.expect_download() as waiting:
            page.click(f"text=Download {kind}")
        return Path(waiting.value.path()).read_bytes()

    back = list(csv.DictReader(io.StringIO(downloaded("CSV").decode(), newline="")))
    assert [{key: row[key] for key in rows[0]} for row in back] == rows
    assert [row["topic"] for row in back] == labels
    assert [json.loads(line)["topic"] for line in downloaded("JSONL").decode().splitlines()] == labels
    table = pq.read_table(pa.BufferReader(downloaded("Parquet"))).to_pylist()
    assert [row["topic"] for row in table] == labels
    assert table[3]["topic_score"] == pytest.approx(answers[3]["topic"].score, abs=1e-4)


def test_explore_reads_what_is_pasted_and_stops(page: Any) -> None:
    page.click("#tab-explore")
    page.fill("#rows", "{broken")
    assert "Line 1 is no JSON object" in page.locator("#view-explore").inner_text()
    page.fill("#rows", "only one")
    page.click("#go")
    assert "Three rows or more" in page.locator("#view-explore").inner_text()

    def slowly(route: Any) -> None:
        time.sleep(0.2)
        route.continue_()

    page.route("**/v1/analyze", slowly)
    page.fill("#rows", "\n".join(sentences(400, seed=3)))
    page.click("#go")
    page.click("text=Stop")
    page.wait_for_selector("#view-explore :text('Stopped after')")


def test_many_rows_leave_the_page_awake_while_their_axes_are_found(page: Any) -> None:
    beats = page.evaluate("""async () => {
      const { components } = await import('/page/pca.js');
      const vector = (row) => Float32Array.from({ length: 200 }, (_, n) => Math.sin(row * n + n));
      const vectors = Array.from({ length: 6000 }, (_, row) => vector(row));
      let beats = 0;
      const timer = setInterval(() => { beats += 1; }, 5);
      await components(vectors, 40);
      clearInterval(timer);
      return beats;
    }""")
    assert beats > 5


@pytest.mark.parametrize(
    ("pasted", "rows"),
    [
        (
            'text,kind\na river,x\n"a, bridge",y',
            [{"text": "a river", "kind": "x"}, {"text": "a, bridge", "kind": "y"}],
        ),
        ('{"text": "a", "n": 1}\n{"text": "b", "n": 2}', [{"text": "a", "n": 1}, {"text": "b", "n": 2}]),
        ("Yes, we went.\nNo, nobody saw it, ever.", [{"text": "Yes, we went."}, {"text": "No, nobody saw it, ever."}]),
        ("Yes, we went.\n\n  No  \n", [{"text": "Yes, we went."}, {"text": "No"}]),
        ("", []),
    ],
)
def test_what_is_pasted_is_told_apart(page: Any, pasted: str, rows: list[dict[str, Any]]) -> None:
    assert page.evaluate("async (text) => (await import('/page/rows.js')).parse(text)", pasted) == rows


def test_the_maps_axes_are_the_principal_components(page: Any) -> None:
    """Against scikit-learn's, up to a sign."""
    points = np.random.default_rng(3).normal(size=(60, 12)) * np.linspace(4, 0.5, 12)
    found = page.evaluate("async (points) => (await import('/page/pca.js')).components(points)", points.tolist())
    expected = PCA(2).fit_transform(points)
    assert np.asarray(found).shape == expected.shape
    for own, other in zip(np.asarray(found).T, expected.T, strict=True):
        assert abs(np.corrcoef(own, other)[0, 1]) == pytest.approx(1, abs=1e-3)
        assert own.std() == pytest.approx(other.std(), rel=1e-2)


@pytest.mark.parametrize(
    "rows",
    [
        [{"a": 'x,"y"\n z', "b": ""}, {"a": "=1+1", "b": "é\r\nü"}],
        [{"text": '""', "b": ","}, {"text": " lead", "b": "trail "}],
    ],
)
def test_csv_there_and_back(page: Any, rows: list[dict[str, str]]) -> None:
    script = "async (rows) => { const m = await import('/page/rows.js'); const written = m.toCsv(rows);"
    written, read = page.evaluate(f"{script} return [written, m.parse(written, 'a.csv')]; }}", rows)
    assert list(csv.DictReader(io.StringIO(written, newline=""))) == rows
    assert read == rows


def test_model_shows_heads_curves_and_the_server(page: Any) -> None:
    page.click("#tab-model")
    page.wait_for_selector("#live .tile")
    assert page.locator("#live .tile").count() == 6
    assert "travel, politics, other" in page.locator("table.facts").nth(1).inner_text()
    assert page.locator(".chart path").count() == 2
    assert "epoch 2 was kept" in page.locator("#view-model").inner_text()
    page.click("text=All that was measured")
    assert page.locator("#metrics tr").all_inner_texts() == [
        "loss\t0.7000", "topic accuracy\t0.8300", "entities span f1\t0.7700",
    ]  # fmt: skip
    for _ in range(3):
        page.click("#tab-model")
    page.wait_for_timeout(300)
    assert page.locator(".chart").count() == page.locator("#card").count() == 1
    assert page.locator("#card").inner_text() == f"A card {EVIL}"
    page.select_option("#model", "hostile")
    page.locator(".chart").wait_for(state="detached")


def test_text_from_users_is_only_ever_text(page: Any) -> None:
    """In the text, labels, entity types, sentences, tokens, errors."""
    page.select_option("#model", "hostile")
    page.fill("#text", f"{EVIL} Anna {EVIL}")
    page.wait_for_selector("#tokens li")
    mark = page.locator("#results .reading mark").first
    assert mark.locator("small").inner_text() == TYPE
    mark.hover()
    assert page.locator("[role=tooltip]").inner_text().startswith(f"{TYPE}, ")
    page.click("#tab-compare")
    page.fill("#sentences", f"{EVIL}\n{EVIL} again\nthird")
    page.click("text=Compare >> nth=1")
    page.locator(".map td").nth(8).wait_for()
    page.locator(".map td button").nth(1).click()
    assert page.locator("#pair q").first.inner_text() == EVIL
    page.click("#tab-model")
    page.wait_for_selector("table.facts")
    assert EVIL in page.locator("#view-model").inner_text()
    page.click("#tab-explore")
    page.fill("#rows", "\n".join(json.dumps({"text": f"{EVIL} {number}", EVIL: f"{EVIL}!"}) for number in range(5)))
    page.click("#go")
    page.wait_for_selector("#chosen table")
    assert EVIL in page.locator("#chosen").inner_text()
    page.select_option("#colour", f"column:{EVIL}")
    assert page.locator("#view-explore .legend").inner_text() == f"{EVIL}! 5"
    page.select_option("#colour", "head:entities")
    assert page.locator("#view-explore .legend").inner_text() == f"{TYPE} 5"
    page.fill("#search", EVIL)
    page.keyboard.press("Enter")
    page.wait_for_selector("#chosen h2:has-text('Nearest in meaning')")
    box = page.locator("#points").bounding_box()
    for step in range(40):  # over the points, whose tip is their text
        page.mouse.move(box["x"] + 14 + step * (box["width"] - 28) / 39, box["y"] + box["height"] * (step % 7) / 7)
    assert page.evaluate("window.evil") is None
    assert page.locator("main img, main b:not(.tile b), main script").count() == 0
    assert page.locator(".tip img, .tip b").count() == 0


def test_by_keyboard_alone(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "tab-analyse"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-compare"
    assert page.locator("#view-compare").is_visible()
    page.keyboard.press("End")
    assert page.locator("#view-model").is_visible()
    page.keyboard.press("Home")
    page.select_option("#model", "hostile")
    tabbed(page, "#text")
    page.keyboard.type("Anna visits Oslo")
    page.wait_for_selector("#results .bars")
    tabbed(page, "#results mark")
    assert page.locator("[role=tooltip]").is_visible()
    tabbed(page, "#results [data-copy=curl]")


def test_explore_by_keyboard_alone(page: Any) -> None:
    page.focus("#tab-analyse")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    tabbed(page, "#rows")
    page.keyboard.insert_text("\n".join(sentences(12, seed=5)))
    tabbed(page, "#go")
    page.keyboard.press("Enter")
    page.wait_for_selector("#chosen table")
    tabbed(page, "#view-explore .legend button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#chosen h2:has-text(' chosen')")
    tabbed(page, "#search")
    tabbed(page, "#chosen td button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#chosen h2:has-text('Its neighbours')")
    assert page.locator("#chosen tbody tr").count() == 12


def tabbed(page: Any, selector: str) -> None:
    """Press the tabulator until the focus is there."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"the tabulator does not come to {selector}")


@pytest.mark.parametrize("width", [390, 768, 1600])
@pytest.mark.parametrize("view", ["analyse", "compare", "explore", "model"])
def test_nothing_is_wider_than_the_screen(page: Any, width: int, view: str) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.click(f"#tab-{view}")
    if view == "analyse":
        page.fill("#text", "unbelievable" * 30 + " Anna visits Oslo")
        page.wait_for_selector("#tokens li")
    drawn(page, view)
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", ["analyse", "compare", "explore", "model"])
def test_axe_finds_nothing_serious(page: Any, view: str, theme: str) -> None:
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    page.click(f"#tab-{view}")
    if view == "analyse":
        page.fill("#text", "Anna visits Oslo " * 20)
        page.wait_for_selector("#tokens li")
    drawn(page, view)
    page.wait_for_timeout(400)
    assert serious(page) == []


def drawn(page: Any, view: str) -> None:
    """In Explore, a map with many groups."""
    if view == "explore":
        page.fill(
            "#rows", "\n".join(json.dumps({"text": each, "n": number}) for number, each in enumerate(sentences(20)))
        )
        page.click("#go")
        page.wait_for_selector("#chosen table")
        page.select_option("#colour", "column:n")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_two_models_and_an_error(page: Any, theme: str) -> None:
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    page.fill("#text", "Anna visits Oslo")
    page.select_option("#against", "hostile")
    page.wait_for_selector("#results .split.even")
    page.wait_for_timeout(400)
    assert serious(page) == []
    page.click("#tab-explore")
    page.fill("#rows", "{broken")
    assert serious(page) == []


def test_a_server_with_a_key(browser: Any, served: Polyhead) -> None:
    with serving([Served("tiny", served)], keys=("sesame",)) as found:
        tab = browser.new_page()
        tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
        tab.goto(found.url)
        tab.wait_for_selector("#key:not([hidden])")
        assert not tab.locator("#key-wrong").is_visible()
        for wrong in ("open", "schlüssel 東"):
            tab.fill("#key-value", wrong)
            tab.keyboard.press("Enter")
            tab.wait_for_selector("#key-wrong:not([hidden])")
        assert serious(tab) == []
        tab.fill("#key-value", "sesame")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("#state[data-state=ready]")
        assert not tab.locator("#key").is_visible()
        assert tab.evaluate("document.activeElement.id") == "text"
        tab.fill("#text", "Anna visits Oslo")
        tab.wait_for_selector("#results .bars")
        assert tab.locator("#results .label").count() > 0
        tab.click("[data-copy=Python]")
        source = tab.evaluate("navigator.clipboard.readText()")
        compile(source, "copied", "exec")
        assert "os.environ['POLYHEAD_API_KEY']" in source
        tab.click("[data-copy=curl]")
        assert '-H "Authorization: Bearer $POLYHEAD_API_KEY"' in tab.evaluate("navigator.clipboard.readText()")
        tab.close()


def test_a_server_that_starts(browser: Any, served: Polyhead) -> None:
    go = threading.Event()

    def load() -> list[Served]:
        go.wait(60)
        return [Served("tiny", served)]

    with serving([], load=load, loaded=False) as found:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.goto(found.url)
        page.wait_for_selector("#waiting:not([hidden])")
        assert (
            page.locator("#waiting").inner_text() == "The page comes when the server is ready: the server is starting."
        )
        assert serious(page) == []
        go.set()
        page.wait_for_selector("#state[data-state=ready]")
        assert not page.locator("#waiting").is_visible()
        page.close()


def test_explore_waits_for_a_busy_server_and_says_what_it_leaves_out(browser: Any, two: Live) -> None:
    page, refused = browser.new_page(), list[Any]()

    def busy(route: Any) -> None:
        if len(refused) < 2:
            refused.append(route)
            route.fulfill(status=429, json={"error": {"message": "later"}}, headers={"Retry-After": "1"})
        else:
            route.continue_()

    page.goto(two.url)
    page.wait_for_selector("#state[data-state=ready]")
    page.click("#tab-explore")
    page.fill("#rows", "\n".join(json.dumps({"text": each}) for each in [*sentences(5), " ", "Berlin " * 100]))
    page.route("**/v1/analyze", busy)
    page.click("#go")
    page.wait_for_selector("#chosen table")
    said = page.locator("#view-explore").inner_text()
    assert "6 rows, 1 of them cut at 64 tokens, 1 without a text left out." in said
    assert len(refused) == 2
    with page.expect_download() as waiting:
        page.click("text=Download JSONL")
    rows = [json.loads(line) for line in Path(waiting.value.path()).read_text(encoding="utf-8").splitlines()]
    assert [row["truncated"] for row in rows] == [False] * 5 + [True]
    page.close()


def test_an_error_is_shown(browser: Any, two: Live) -> None:
    page = browser.new_page()
    page.route("**/v1/analyze", lambda route: route.fulfill(status=503, json={"error": {"message": EVIL}}))
    page.goto(two.url)
    page.fill("#text", "Anna visits Oslo")
    page.wait_for_selector("#results .note.bad")
    assert page.locator("#results .note.bad").inner_text() == EVIL
    assert page.evaluate("window.evil") is None
    page.close()


def test_it_asks_nobody_else(browser: Any, two: Live) -> None:
    tab, asked = browser.new_page(), list[str]()
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(two.url)
    tab.wait_for_selector("#state[data-state=ready]")
    assert asked
    assert all(url.startswith(two.url) for url in asked)
    tab.close()
