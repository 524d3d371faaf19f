"""Any text with any spans, all the way: file → example → targets → a perfect model's logits → decoded entities.

What comes out are the gold spans with their offsets, or the fault was counted: no span goes astray in silence.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from polyhead import Polyhead
from polyhead.data.faults import FaultLog
from polyhead.data.read import read
from polyhead.data.readers import SOURCES
from polyhead.data.survey import survey
from polyhead.kinds import IGNORED, EntitySpan, TaggingTask, Task
from polyhead.text.encoding import document
from polyhead.text.tokenizer import TextTokenizer

TYPES = ("PER", "LOC")
PIECES = st.sampled_from(
    [
        *"é.…İßx\n\t\x00",
        "Anna",
        "U.N.",
        " ",
        "  ",
        "e\u0301",
        "東京",
        "🙂",
        "\u200b",
        "\u00a0",
        "don't",
        "\u202e",
        "3.5",
    ]
)
TEXTS = st.lists(PIECES, min_size=1, max_size=14).map("".join)
SPANS = st.lists(st.tuples(st.integers(-1, 30), st.integers(-1, 12), st.sampled_from(TYPES)), max_size=4)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, SPANS)
@example("Anna 東京 🙂", [(0, 4, "PER"), (5, 2, "LOC"), (8, 1, "LOC")])
@example("e\u0301 U.N.", [(3, 4, "PER")])
def test_spans_come_back_or_are_counted(
    tmp_path: Path, minilm: Polyhead, text: str, spans: list[tuple[int, int, str]]
) -> None:
    wanted = [{"start": start, "end": start + length, "type": name} for start, length, name in spans]
    (tmp_path / "f").write_text(json.dumps({"text": text, "ner": wanted}) + "\n" + '{"text": "x", "ner": []}\n')
    tasks: dict[str, Task] = {"ner": TaggingTask(labels=TYPES)}
    source = SOURCES["jsonl"].model_validate({"format": "jsonl", "path": "f", "tasks": {"ner": {}}})
    log = FaultLog()
    examples = read(source, tasks, root=tmp_path, log=log)
    survey(examples, tasks, log)
    log.stop()
    if len(examples) == 1:
        assert not text.strip()
        assert log.counts["rows without text, left out"] == 1
        return
    found = perfect(minilm.pretrained.tokenizer, tasks["ner"], examples[0].text, examples[0].labels["ner"])
    asked = {(start, start + length, name) for start, length, name in spans}
    missing = asked - found
    unread = perfect_unseen(minilm.pretrained.tokenizer, examples[0].text)
    counted = sum(log.counts.values())
    assert len(missing) <= counted or unread, "each that is gone was counted"
    if not unread:  # such a word is O, and parts an entity that goes over it
        assert found <= asked
    if not counted and not unread:
        assert found == asked
    for start, end, _ in found:
        assert 0 <= start < end <= len(text)


def perfect(tokenizer: TextTokenizer, task: Task, text: str, gold: object) -> set[tuple[int, int, str]]:
    """The entities that a model gives which has learned these targets by heart."""
    [encoding] = tokenizer([text])
    doc = document(text, encoding, splitters=[str(task.splitter)])
    target = task.target(gold, doc)
    logits = np.zeros((doc.tokens, len(task.outputs)), dtype=np.float32)
    logits[:, 0] = 1
    known = target != IGNORED
    logits[np.flatnonzero(known), target[known]] = 50
    answer = task.decode(logits, doc)
    return {(each.start, each.end, each.entity_group) for each in getattr(answer, "entities")}  # noqa: B009


def perfect_unseen(tokenizer: TextTokenizer, text: str) -> int:
    """Words of no token at all, such as a lone zero-width space: no model can find them."""
    [encoding] = tokenizer([text])
    return int((document(text, encoding, splitters=["words"]).words["words"].first < 0).sum())


def test_characters_find_entities_where_there_are_no_spaces(minilm: Polyhead) -> None:
    text, span = "我去東京了", EntitySpan(2, 4, "LOC")
    tokenizer = minilm.pretrained.tokenizer
    assert perfect(tokenizer, TaggingTask(labels=TYPES, words="characters"), text, [span]) == {span}
    assert perfect(tokenizer, TaggingTask(labels=TYPES, words="whitespace"), text, [span]) == set(), "it cuts a word"


@pytest.mark.parametrize("length", [3, 20, 61])
def test_words_beyond_the_limit_are_counted_and_have_no_tag(minilm: Polyhead, length: int) -> None:
    tokenizer = TextTokenizer(minilm.pretrained.tokenizer.backend, max_length=16, pad_id=0)
    try:
        text = " ".join(["word"] * length)
        [encoding] = tokenizer([text])
        doc = document(text, encoding, splitters=["words"])
        assert doc.cut_words == max(0, length - 14)
        task = TaggingTask(labels=TYPES)
        answer = task.decode(np.zeros((doc.tokens, 5), dtype=np.float32), doc)
        assert (answer.cut_words, answer.unseen_words) == (doc.cut_words, 0)
        assert [word.tag is None for word in answer.words] == [index >= 14 for index in range(length)]
    finally:
        minilm.pretrained.tokenizer.backend.enable_truncation(minilm.max_length)
