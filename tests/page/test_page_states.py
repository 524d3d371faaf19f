"""The page when things are large, small, broken or gone: contrast, many labels, a phone, lost servers, odd files."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import ready, serious
from conftest import sentences
from live import Live, serving
from polyhead import Polyhead
from polyhead.serving import Served

EVIL = '<img src=x onerror="window.evil=1">'
CARD = f"""---
tags:
- polyhead
---

# A card {EVIL}

Text of `code {EVIL}` and a [link](https://example.org/x)
over two lines.

| head | | labels |
|---|---|---|
| `topic` | a \\| b | {EVIL} |

```python
print("# no title")
```

- one
  goes on
- two\\_x \\<b\\> ``a`b``

3. three
"""
PHONE = {"width": 390, "height": 844}
RATIO = """() => {
  const cell = document.querySelector(".map td button");
  const numbers = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const shares = (text) => numbers(text).map((each) => (text.startsWith("color(") ? each : each / 255));
  const light = (text) => shares(text).map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, place) => sum + each * [0.2126, 0.7152, 0.0722][place], 0);
  return Array.from({ length: 101 }, (_, heat) => {
    cell.style.setProperty("--heat", `${heat}%`);
    const style = getComputedStyle(cell);
    const [low, high] = [light(style.color), light(style.backgroundColor)].sort((one, other) => one - other);
    return (high + 0.05) / (low + 0.05);
  });
}"""


@pytest.fixture(scope="module")
def many(backbones: Callable[[str], Path]) -> Polyhead:
    """A model with a head of many labels that are long and alike."""
    found = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
    found.add_head("topic", "classification", ["travel", "politics", "other"])
    found.add_head("sentiment", "classification", ["positive", "negative"])
    found.add_head("intent", "classification", [f"a_rather_long_intent_name_{number}_of_many" for number in range(120)])
    found.add_head("entities", "tagging", ["PER"])
    return found


@pytest.fixture(scope="module")
def two(served: Polyhead, many: Polyhead) -> Iterator[Live]:
    with serving([Served("many", many, card=CARD), Served("tiny", served)]) as found:
        yield found


@pytest.fixture
def page(browser: Any, two: Live) -> Iterator[Any]:
    with ready(browser, two.url) as found:
        yield found


@pytest.fixture
def loose(browser: Any, two: Live) -> Iterator[Any]:
    """A tab that may have errors in its console."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    found = context.new_page()
    found.goto(two.url)
    found.wait_for_selector("#state[data-state=ready]")
    yield found
    context.close()


def compared(page: Any, count: int) -> None:
    page.click("#tab-compare")
    page.fill("#sentences", "\n".join(f"sentence {number} {'long ' * 12}" for number in range(count)))
    page.click("#view-compare button.primary")
    page.wait_for_selector(f".map tbody tr:nth-child({count})")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_in_the_map_of_similarities_can_be_read(page: Any, theme: str) -> None:
    """Whatever the cosine: axe on cells from 0 to 1, and the contrast of every per cent between."""
    turned = [0.5 * math.pi * number / 13 for number in range(14)]
    results = [{"embedding": [math.cos(each), math.sin(each)], "truncated": False} for each in turned]
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    page.route("**/v1/analyze", lambda route: route.fulfill(json={"results": results, "seconds": {}}))
    compared(page, 14)
    shown = page.locator(".map tbody tr").first.locator("button").all_inner_texts()
    assert [float(each) for each in shown] == pytest.approx([math.cos(each) for each in turned], abs=0.006)
    page.locator(".map td button").nth(3).click()
    assert serious(page) == []
    assert min(page.evaluate(RATIO)) >= 4.5


def test_forty_sentences_on_a_phone(page: Any) -> None:
    """Rows are numbers, with a list of the sentences below; what is chosen is on the screen, and names stay."""
    page.set_viewport_size(PHONE)
    compared(page, 40)
    assert page.locator(".map tbody th .n").nth(11).bounding_box()["width"] >= 15
    assert page.locator(".map tbody th span:last-child").nth(11).bounding_box()["width"] <= 1
    assert page.locator("ol.named li").count() == 40
    assert page.locator("ol.named").is_visible()
    cell = page.locator(".map tbody tr").nth(20).locator("button").nth(30)
    cell.scroll_into_view_if_needed()
    left = page.locator(".map tbody th").nth(20).bounding_box()["x"]
    assert 0 <= left <= 60, "row names stay where the map scrolls"
    cell.click()
    box = page.locator("#pair .value").bounding_box()
    assert 0 < box["y"] < PHONE["height"]
    assert "cosine of 21 and 31" in page.locator("#pair").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.wait_for_timeout(200)
    assert serious(page) == []


def test_words_of_the_table_of_heads_stay_whole_on_a_phone(page: Any) -> None:
    page.set_viewport_size(PHONE)
    page.click("#tab-model")
    table = page.locator("table.kinds")
    table.wait_for()
    lines = """(cell) => { const range = document.createRange(); range.selectNodeContents(cell);
      return new Set([...range.getClientRects()].map((each) => Math.round(each.top))).size; }"""
    for cell in table.locator("tbody th, td.kind").all():
        assert cell.evaluate(lines) == 1, cell.inner_text()
    assert table.locator("details summary").inner_text() == "120 labels"
    assert table.bounding_box()["width"] <= PHONE["width"]
    table.locator("summary").click()
    assert "a_rather_long_intent_name_119_of_many" in table.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("width", [390, 1200])
def test_a_head_of_many_labels_shows_the_best(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.fill("#text", "Anna visits Oslo")
    head = page.locator("#results .heads > div", has=page.locator("h3", has_text="intent"))
    head.locator("summary").wait_for()
    assert head.locator("summary").inner_text() == "112 more"
    shown = head.locator(".bars").first
    assert shown.locator("li").count() == 8
    for label in shown.locator("li span:first-child").all():
        assert label.evaluate("each => each.scrollWidth <= each.clientWidth")
        assert label.bounding_box()["y"] < label.locator("xpath=../span[@class='track']").bounding_box()["y"]
    head.locator("summary").click()
    assert head.locator("li:visible").count() == 120
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_tokens_come_last(page: Any) -> None:
    page.set_viewport_size(PHONE)
    page.fill("#text", "Anna visits Oslo " * 60)
    page.wait_for_selector("#tokens li.cut")
    order = ["entities", "topic", "Embedding", "Time", "Tokens"]
    tops = [page.locator(f"#results :is(h2, h3):text-is('{name}')").bounding_box()["y"] for name in order]
    assert tops == sorted(tops)
    assert page.locator(".tokens").bounding_box()["height"] < 300
    page.set_viewport_size({"width": 1200, "height": 900})
    scores, tokens = (page.locator(each).bounding_box() for each in ("#results .heads", "#tokens"))
    assert scores["x"] > tokens["x"] + tokens["width"] - 5
    assert page.locator("#tokens li").count() > 64, "they move with the rest"


def test_what_was_not_read_is_dimmed(page: Any, two: Live) -> None:
    text = "Zürich 🙂 " * 90
    page.fill("#text", text)
    page.wait_for_selector("#results .unread")
    pieces = two.http.post("/models/many/tokenize", json={"inputs": text}).json()[0]
    end = pieces[62]["stop"]
    assert page.locator("#results .unread").text_content() == text[end:]
    assert page.locator("#results small.cut").inner_text() == "not read from here"
    page.fill("#text", "Zürich")
    page.wait_for_selector("#results .unread", state="detached")
    page.wait_for_selector("#tokens li")
    assert page.locator("#results small.cut").count() == 0


def test_a_server_that_goes_and_comes_back(loose: Any) -> None:
    loose.fill("#text", "Anna visits Oslo")
    loose.wait_for_selector("#results .bars")
    loose.wait_for_selector("#text-note .sr", state="attached")
    said = loose.locator("#text-note").text_content()
    assert said.startswith("Answered by many in ")
    assert "sentiment " in said
    assert said.endswith(" entities.")
    loose.route("**/*", lambda route: route.abort())
    loose.fill("#text", "Anna visits Lima")
    loose.wait_for_selector("#state[data-state=bad]")
    assert loose.locator("#state").inner_text() == "not connected"
    loose.wait_for_selector("#results .note.bad")
    assert loose.locator("#text-note").inner_text() == "Answers come as you type."
    loose.unroute_all()
    loose.wait_for_selector("#state[data-state=ready]")
    loose.wait_for_selector("#results .bars")
    loose.fill("#text", " ")
    loose.wait_for_selector("#results .empty")
    assert loose.locator("#text-note").inner_text() == "Answers come as you type."


def test_a_server_that_is_not_ready_any_more(loose: Any) -> None:
    stopping = {"error": {"message": "the server is stopping"}}
    loose.route("**/*", lambda route: route.fulfill(status=503, json=stopping))
    loose.fill("#text", "Anna visits Oslo")
    loose.wait_for_selector("#state[data-state=bad]")
    assert loose.locator("#state").inner_text() == "not ready"
    assert "stopping" in loose.locator("#results .note.bad").inner_text()
    loose.unroute_all()
    loose.wait_for_selector("#state[data-state=ready]")
    loose.wait_for_selector("#results .bars")


def test_copies_where_there_is_no_clipboard(page: Any) -> None:
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.fill("#text", "Anna visits Oslo")
    page.wait_for_selector("[data-copy=curl]")
    page.click("[data-copy=curl]")
    assert page.locator("[data-copy=curl]").inner_text() == "Copied"
    page.focus("#text")
    page.keyboard.press("Control+A")
    page.keyboard.press("Control+V")
    assert page.locator("#text").input_value().startswith("curl http://")
    page.wait_for_selector("#results:not(.busy) [data-copy=curl]")
    page.wait_for_timeout(400)
    page.evaluate("document.execCommand = () => false")
    page.click("[data-copy=JSON]")
    left = page.locator(".byhand textarea")
    assert json.loads(left.input_value())["tokens"] > 2
    assert left.evaluate("each => each === document.activeElement && each.selectionEnd === each.value.length")
    page.wait_for_timeout(200)
    assert serious(page) == []


def test_explore_says_by_which_model_and_draws_again(page: Any) -> None:
    page.click("#tab-explore")
    assert not page.locator("#column").is_visible()
    page.fill("#rows", "\n".join(sentences(12, seed=5)))
    assert page.locator("#column").is_visible()
    page.click("#go")
    page.wait_for_selector("#chosen table")
    assert page.locator("#drawn-by").inner_text() == "by many"
    assert not page.locator("#redraw").is_visible()
    assert page.locator("#chosen th").all_inner_texts() == ["text", "topic"]
    page.select_option("#model", "tiny")
    assert page.locator("#drawn-by").inner_text() == "by many"
    page.click("#redraw:has-text('Draw again with tiny')")
    page.wait_for_selector("#drawn-by:has-text('by tiny')")
    assert not page.locator("#redraw").is_visible()
    page.locator("#points").scroll_into_view_if_needed()
    box = page.locator("#points").bounding_box()
    left, bottom = box["x"], box["y"] + box["height"]
    page.mouse.move(left + 2, bottom - 20)
    page.mouse.down()
    for x, y in ((10, 20), (10, 28), (2, 28)):
        page.mouse.move(left + x, bottom - y)
    page.mouse.up()
    assert page.locator("#chosen h2").inner_text() == "0 chosen"


def test_explores_errors_look_like_errors(loose: Any) -> None:
    loose.click("#tab-explore")
    loose.fill("#rows", '[{"a": 1}, 2]')
    alert = loose.locator("#view-explore [role=alert]")
    assert alert.inner_text() == "Item 2 is neither a JSON object nor a text."
    assert "bad" in alert.get_attribute("class").split()
    loose.fill("#rows", "\n".join(sentences(5)))
    assert not alert.is_visible()
    loose.click("#go")
    loose.wait_for_selector("#chosen table")
    loose.route("**/page/parquet", lambda route: route.fulfill(status=413, json={"error": "the body is too large"}))
    loose.click("text=Download Parquet")
    alert.wait_for()
    assert alert.inner_text() == "These rows are too large for Parquet here: take JSONL or CSV."
    assert 60 < alert.bounding_box()["y"] < 800, "it is on the screen"


ROWS = [{"text": "Köln, im Regen", "kind": "a"}, {"text": "Öl", "kind": "b"}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,kind\n"Köln, im Regen",a\nÖl,b\n'),
        ("a.csv", "text;kind\r\nKöln, im Regen;a\r\nÖl;b\r\n"),
        ("a.csv", "text|kind\nKöln, im Regen|a\nÖl|b\n"),
        ("a.tsv", "text\tkind\nKöln, im Regen\ta\nÖl\tb\n"),
        ("a.tsv", "text;kind\nKöln, im Regen;a\nÖl;b\n"),
        ("", "text\tkind\nKöln, im Regen\ta\nÖl\tb\n"),
        ("", "text;kind\nKöln, im Regen;a\nÖl;b\n"),
        ("a.json", json.dumps(ROWS, indent=1)),
        ("", json.dumps(ROWS, ensure_ascii=False)),
        ("a.json", "\n".join(json.dumps(row) for row in ROWS)),
    ],
)
def test_tables_and_json_are_read(page: Any, name: str, content: str) -> None:
    read = "async ([text, name]) => (await import('/page/rows.js')).parse(text, name)"
    assert page.evaluate(read, [content, name]) == ROWS
    assert page.evaluate(read, ['["Köln", "[1] Öl"]', "a.json"]) == [{"text": "Köln"}, {"text": "[1] Öl"}]
    assert page.evaluate(read, ["[1] one\n[2] two", ""]) == [{"text": "[1] one"}, {"text": "[2] two"}]


@pytest.mark.parametrize(
    ("encoding", "remark"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("cp1252", " It is not UTF-8: read as windows-1252.")],
)
def test_files_of_other_encodings(page: Any, encoding: str, remark: str) -> None:
    page.click("#tab-explore")
    content = "text;kind\nKöln – im Regen;a\nÖl;b\n".encode(encoding)
    page.set_input_files("#file", {"name": "a.csv", "mimeType": "text/csv", "buffer": content})
    page.wait_for_selector("#view-explore :text('2 rows.')")
    assert page.locator("#view-explore [role=status]").inner_text() == f"2 rows.{remark}"
    assert page.locator("#column option").all_inner_texts() == ["text", "kind"]


def test_answers_stand_without_tokens(loose: Any) -> None:
    asked = list[Any]()

    def refused(route: Any) -> None:
        asked.append(route.request.post_data_json)
        route.fulfill(status=500, json={"error": EVIL})

    loose.route("**/tokenize", refused)
    loose.fill("#text", "word 🙂 " * 4000)
    loose.wait_for_selector("#tokens .note.bad")
    assert loose.locator("#tokens .note.bad").inner_text() == EVIL
    assert loose.locator("#results .bars").count() > 0
    assert 19_990 <= len(asked[-1]["inputs"].encode("utf-16-le")) / 2 <= 20_000
    assert loose.evaluate("window.evil") is None


def test_two_models_keep_one_order_and_are_named(page: Any) -> None:
    def turned(route: Any) -> None:
        answer = route.fetch()
        body = answer.json()
        if body["model"] == "tiny":
            body["results"][0]["topic"]["scores"].reverse()
        route.fulfill(response=answer, json=body)

    page.route("**/v1/analyze", turned)
    page.fill("#text", "Anna visits Oslo")
    page.select_option("#against", "tiny")
    page.wait_for_selector("#results .split.even #tokens li")
    topics = page.locator("#results .heads > div", has=page.locator("h3:text-is('topic')"))
    first, second = (topics.nth(place).locator("li span:first-child").all_inner_texts() for place in (0, 1))
    assert first == second
    titles = page.locator("#results h2").all_inner_texts()
    assert {"many", "tiny", "Time of many", "Tokens of many"} <= set(titles)
    assert page.locator("#results [role=group][aria-label*='many']").count() == 1


def test_the_card_is_read_as_markdown(page: Any) -> None:
    page.click("#tab-model")
    card = page.locator("#card")
    card.wait_for()
    assert card.locator("h3").inner_text() == f"A card {EVIL}"
    assert card.locator("p").inner_text() == f"Text of code {EVIL} and a link (https://example.org/x) over two lines."
    assert card.locator("p code").inner_text() == f"code {EVIL}"
    assert card.locator("thead :is(th, td)").all_inner_texts() == ["head", "", "labels"]
    assert card.locator("th").count() == 2
    assert card.locator("tbody td").all_inner_texts() == ["topic", "a | b", EVIL]
    assert card.locator("pre:visible").inner_text() == 'print("# no title")'
    assert card.locator("ul li").all_inner_texts() == ["one goes on", "two_x <b> a`b"]
    assert card.locator("ol li").all_inner_texts() == ["three"]
    assert card.locator("a, img").count() == 0
    assert page.evaluate("window.evil") is None


def test_views_by_address(browser: Any, two: Live) -> None:
    with ready(browser, f"{two.url}/#constructor") as page:
        assert page.locator("#view-analyse").is_visible()
        page.evaluate("location.hash = '#model'")
        page.wait_for_selector("#view-model .tile")
        assert page.locator("#tab-model").get_attribute("aria-selected") == "true"


def test_a_tip_goes_with_escape(page: Any) -> None:
    page.route(
        "**/v1/analyze",
        lambda route: route.fulfill(
            json={
                "results": [
                    {
                        "embedding": [0.5, 0.5],
                        "tokens": 4,
                        "truncated": False,
                        "entities": {
                            "entities": [{"entity_group": "PER", "word": "Anna", "start": 0, "end": 4, "score": 0.9}]
                        },
                    }
                ],
                "seconds": {"tokenize": 0.1, "queue": 0.1, "inference": 0.1},
            }
        ),
    )
    page.fill("#text", "Anna visits Oslo")
    mark = page.locator("#results mark")
    mark.focus()
    assert page.locator("[role=tooltip]").is_visible()
    assert mark.get_attribute("aria-describedby") == "tip"
    page.keyboard.press("Escape")
    assert not page.locator("[role=tooltip]").is_visible()
    assert mark.get_attribute("aria-describedby") is None
