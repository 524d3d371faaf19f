"""``polyhead map`` and ``polyhead plot``: what they write, by which colours, and what they refuse."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Result, sentences
from polyhead import Polyhead
from polyhead.evaluation.maps import Colouring

Run = Callable[..., Result]
COLUMN = "genre of the text"


@pytest.fixture(scope="module")
def model(served: Polyhead, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("map") / "model"
    served.save_pretrained(folder)
    return folder


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    texts = sentences(40, seed=9)
    file.write_text(
        "".join(json.dumps({"text": text, COLUMN: f"</script>{n % 3}"}) + "\n" for n, text in enumerate(texts))
    )
    return file


def data_of(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8")
    start = text.index('id="data">') + len('id="data">')
    found: dict[str, Any] = json.loads(text[start : text.index("</script>", start)])
    return found


def test_a_picture_and_a_page(run: Run, model: Path, rows: Path, tmp_path: Path) -> None:
    place = tmp_path / "own"
    done = run("map", model, rows, "--method", "pca,tsne", "--label", COLUMN, "--output", place, "--json")
    assert done.status == 0, done.err
    assert json.loads(done.out)["texts"] == 40
    assert place.with_name("own.png").read_bytes().startswith(b"\x89PNG")
    data = data_of(place.with_name("own.html"))
    assert list(data["points"]) == ["PCA", "t-SNE"]
    assert data["texts"] == sentences(40, seed=9)
    assert {COLUMN, "topic"} <= set(data["colourings"])
    own = data["colourings"][COLUMN]
    assert [own["names"][code] for code in own["codes"]] == [f"</script>{n % 3}" for n in range(40)]
    answers = Polyhead.from_pretrained(model).predict(data["texts"])
    assert set(data["colourings"]) == {COLUMN, "topic", "sentiment", "themes", "entities", "stars"}  # and no pair's

    def group(name: str, row: int) -> str:
        own = data["colourings"][name]
        return str(own["names"][own["codes"][row]])

    for row, each in enumerate(answers):
        types = {own.entity_group for own in each["entities"].entities}
        assert group("entities", row) == (", ".join(sorted(types)) or "none")
        assert group("themes", row) == (", ".join(own.label for own in each["themes"].labels) or "none")
        low, _, high = group("stars", row).partition(" – ")
        assert float(low) - 0.01 <= each["stars"].value <= float(high or low) + 0.01
    assert 1 <= len(data["colourings"]["stars"]["names"]) <= 7
    topic = data["colourings"]["topic"]
    assert [topic["names"][code] for code in topic["codes"]] == [each["topic"].label for each in answers]


def test_rows_of_words_are_answered_as_words(run: Run, model: Path, tmp_path: Path) -> None:
    rows = [["Anna", "met", "Mr.", "Kofi's"], ["Oslo-based", "crew"], ["it", "rains"]]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"tokens": words}) + "\n" for words in rows))
    done = run("map", model, file, "--words", "tokens", "--output", tmp_path / "own", "--json")
    assert done.status == 0, done.err
    data = data_of(tmp_path / "own.html")
    assert data["texts"] == [" ".join(words) for words in rows]
    found = data["colourings"]["entities"]
    for code, answer in zip(found["codes"], Polyhead.from_pretrained(model).predict(rows), strict=True):
        types = {own.entity_group for own in answer["entities"].entities}
        assert found["names"][code] == (", ".join(sorted(types)) or "none")


@given(st.lists(st.integers(-50, 50).map(lambda each: each / 4), min_size=1, max_size=60))
def test_numbers_are_ranges_in_their_order(values: list[float]) -> None:
    found = Colouring.of_numbers(values)
    assert len(found.codes) == len(values)
    assert len(found.names) <= 7
    assert {*found.codes} <= {*range(len(found.names))}
    assert found.codes[values.index(max(values))] == max(found.codes)
    for one, code in zip(values, found.codes, strict=True):
        for other, its in zip(values, found.codes, strict=True):
            assert one > other or code <= its


def test_fields_of_numbers_are_ranges_and_what_is_missing_is_a_group(run: Run, model: Path, tmp_path: Path) -> None:
    texts = sentences(12, seed=3)
    prices = [*(str(each / 4) for each in range(10)), "NaN", ""]
    few = [*(["1", "2", "3"] * 4)]
    lines = [f'{price},{size},"{text}"' for price, size, text in zip(prices, few, texts, strict=True)]
    (tmp_path / "rows.csv").write_text("\n".join(["price,size,text", *lines]))
    own = tmp_path / "own"
    asked = ("map", model, tmp_path / "rows.csv", "--text", "text", "--label", "price", "--label", "size")
    done = run(*asked, "--output", f"{own}.png")
    assert done.status == 0, done.err
    assert sorted(path.name for path in tmp_path.glob("own*")) == ["own.html", "own.png"]
    found = data_of(own.with_suffix(".html"))["colourings"]
    assert found["price"]["names"][0].startswith("0 – ")
    assert found["price"]["names"][-1] == "(none)"
    assert [code == len(found["price"]["names"]) - 1 for code in found["price"]["codes"]] == [False] * 10 + [True] * 2
    assert found["size"]["names"] == ["1", "2", "3"]


def test_plain_lines_and_the_first_rows(run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("six.txt").write_text("\n".join(sentences(6, seed=1)))
    done = run("map", model, "six.txt", "--rows", 4)
    assert done.status == 0, done.err
    assert "the first 4 are drawn" in done.err
    assert len(data_of(Path("six-map.html"))["texts"]) == 4
    assert "six-map.png" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--method", "pca,isomap"], "must be of pca, tsne, umap; found 'pca,isomap'"),
        (["--label", "nothing"], "no row has the field 'nothing'"),
        (["--format", "abc"], "--format: must be one of"),
        (["--format", "conll", "--label", "genre"], "--label: in conll files"),
        (["--output", "."], "no folder; found '.'"),
    ],
)
def test_what_is_refused(run: Run, model: Path, rows: Path, arguments: list[str], said: str) -> None:
    done = run("map", model, rows, *arguments)
    assert done.status == 1
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_plot(run: Run, tmp_path: Path) -> None:
    row = {"epoch": 1, "step": 4, "eval_loss": 1.0, "eval_topic_loss": 1.0, "eval_topic_accuracy": 0.5, "best": True}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.jsonl").write_text(json.dumps(row) + "\n")
    done = run("plot", tmp_path / "one", tmp_path / "two", "--output", tmp_path / "both.png")
    assert done.status == 0, done.err
    assert "the curves of 2 runs" in done.out
    assert (tmp_path / "both.png").stat().st_size > 10_000
    done = run("plot", tmp_path / "one", "--output", tmp_path / "both.jpg")
    assert (done.status, "must end in .png" in done.err) == (1, True)
    done = run("plot", tmp_path)
    assert done.status == 1
    assert "no run's folder, metrics.jsonl is missing" in done.err
    (tmp_path / "one" / "metrics.jsonl").write_text(json.dumps(row) + "\n{")
    done = run("plot", tmp_path / "one")
    assert done.status == 1
    assert "metrics.jsonl:2: must be a JSON object, found '{'; was the run killed?" in done.err
    (tmp_path / "one" / "metrics.jsonl").write_text("")
    done = run("plot", tmp_path / "one")
    assert (done.status, "no step was taken yet" in done.err) == (1, True)


def test_texts_that_are_cut_and_few_texts_are_told(run: Run, model: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.txt"
    file.write_text("Berlin " * 400 + "\n🙂 東京")
    done = run("map", model, file, "--method", "tsne", "--output", tmp_path / "few", "--title", "\udce4", "--json")
    assert done.status == 0, done.err
    assert json.loads(done.out)["truncated"] == 1
    assert list(data_of(tmp_path / "few.html")["points"]) == ["PCA: too few texts for t-SNE"]
