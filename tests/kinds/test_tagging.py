from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from polyhead.documents import Document, Words
from polyhead.kinds import IGNORED, KINDS, EntitySpan, TaggingTask
from polyhead.kinds.schemes import Scheme, runs
from polyhead.text.words import join_words

TASK = TaggingTask(labels=("PER", "LOC"))
IO_TASK = TaggingTask(labels=("PER", "LOC"), scheme="io")
FAR = 12.0


def document(words: Sequence[str], pieces: Sequence[int]) -> Document:
    """Words joined by spaces, each of so many tokens, with a special token before and after."""
    text, spans = join_words(words)
    index = [-1, *np.repeat(np.arange(len(words)), pieces).tolist(), -1]
    cut = Words(spans, np.asarray(index, dtype=np.int64), np.ones(len(words), dtype=np.int64))
    return Document(text, {"words": cut}, tokens=len(index))


def logits_for(task: TaggingTask, doc: Document, tags: Sequence[str | None]) -> np.ndarray:
    """Logits that ask for these tags at the words' first tokens, and for nonsense at all other tokens."""
    logits = np.zeros((doc.tokens, len(task.outputs)), dtype=np.float32)
    logits[:, -1] = FAR
    for position, tag in zip(doc.words["words"].first, tags, strict=True):
        if position >= 0:
            logits[position] = 0
            if tag is not None:
                logits[position, task.outputs.index(tag)] = FAR
    return logits


def is_valid(tags: Sequence[str]) -> bool:
    before = "O"
    for tag in tags:
        if tag.startswith("I-") and before[2:] != tag[2:]:
            return False
        before = tag
    return True


@st.composite
def cases(draw: st.DrawFn, task: TaggingTask = TASK) -> tuple[Document, np.ndarray]:
    """A document, some of whose words have no token, and any logits."""
    count = draw(st.integers(0, 6))
    doc = document([f"w{number}" for number in range(count)], [draw(st.integers(0, 3)) for _ in range(count)])
    shape = (doc.tokens, len(task.outputs))
    return doc, draw(arrays(np.float32, shape, elements=st.floats(-20, 20, width=32)))


@settings(max_examples=200, deadline=None)
@given(cases())
def test_no_logits_make_an_invalid_sequence(case: tuple[Document, np.ndarray]) -> None:
    doc, logits = case
    words = doc.words["words"]
    prediction = TASK.decode(logits, doc)
    tags = [word.tag or "?" for word in prediction.words]
    assert len(tags) == len(words.spans)
    assert is_valid(tags)
    assert [tag for tag, position in zip(tags, words.first, strict=True) if position < 0 and tag != "O"] == []
    assert prediction.unseen_words == int((words.first < 0).sum())
    found = [(entity.start, entity.end, entity.entity_group) for entity in prediction.entities]
    spans = words.spans
    assert found == [(spans[first][0], spans[last][1], name) for first, last, name in runs(tags, "iob2")]
    assert all(entity.word == doc.text[entity.start : entity.end] for entity in prediction.entities)
    assert all(0 <= entity.score <= 1 for entity in prediction.entities)


def test_only_the_first_token_of_a_word_is_read() -> None:
    doc = document(["Ada", "Lee", "sang"], [2, 1, 3])
    prediction = TASK.decode(logits_for(TASK, doc, ["B-PER", "I-PER", "O"]), doc)
    assert [(word.word, word.tag) for word in prediction.words] == [("Ada", "B-PER"), ("Lee", "I-PER"), ("sang", "O")]
    [entity] = prediction.entities
    assert (entity.entity_group, entity.word, entity.start, entity.end) == ("PER", "Ada Lee", 0, 7)


def test_the_score_of_an_entity_is_the_mean_over_its_words() -> None:
    doc = document(["Ada", "Lee"], [1, 1])
    logits = np.zeros((4, 5), dtype=np.float32)
    logits[1] = [0, 3, 0, 0, 0]
    logits[2] = [0, 0, 1, 0, 0]
    [entity] = TASK.decode(logits, doc).entities
    first, second = np.exp(3) / (np.exp(3) + 4), np.exp(1) / (np.exp(1) + 4)
    assert entity.score == pytest.approx((first + second) / 2, rel=1e-5)


def test_a_word_without_tokens_is_outside_and_parts_entities() -> None:
    """A lone I-PER after it cannot continue anything: the words around it are decided again, together."""
    doc = document(["Ada", "\u200b", "Lee"], [1, 0, 1])
    prediction = TASK.decode(logits_for(TASK, doc, ["B-PER", None, "I-PER"]), doc)
    assert [word.tag for word in prediction.words][:2] == ["B-PER", "O"]
    assert prediction.words[2].tag != "I-PER"
    assert prediction.words[1].score == 1
    assert prediction.unseen_words == 1


def test_a_text_without_words_has_no_entities() -> None:
    doc = document([], [])
    prediction = TASK.decode(np.zeros((2, 5), dtype=np.float32), doc)
    assert prediction.as_dict() == {"entities": [], "unseen_words": 0, "cut_words": 0}


def test_io_decodes_to_the_longest_runs() -> None:
    doc = document(["Ada", "Lee", "Oslo", "ok"], [1, 2, 1, 1])
    prediction = IO_TASK.decode(logits_for(IO_TASK, doc, ["PER", "PER", "LOC", "O"]), doc)
    assert [(entity.entity_group, entity.word) for entity in prediction.entities] == [
        ("PER", "Ada Lee"),
        ("LOC", "Oslo"),
    ]


@settings(max_examples=100, deadline=None)
@given(cases(IO_TASK))
def test_io_takes_each_words_best_tag(case: tuple[Document, np.ndarray]) -> None:
    doc, logits = case
    first = doc.words["words"].first
    best = [IO_TASK.outputs[int(logits[position].argmax())] if position >= 0 else "O" for position in first]
    chosen = [word.tag for word in IO_TASK.decode(logits, doc).words]
    scores = [
        (logits[position, IO_TASK.outputs.index(tag)], logits[position].max())
        for tag, position in zip(chosen, first, strict=True)
        if position >= 0
    ]
    assert chosen == best or all(mine == pytest.approx(top, abs=1e-5) for mine, top in scores)


@pytest.mark.parametrize("scheme", ["iob2", "io"])
def test_targets_stand_at_first_tokens(scheme: Scheme) -> None:
    task = TASK if scheme == "iob2" else IO_TASK
    doc = document(["Ada", "Lee", "in", "Oslo"], [2, 1, 1, 2])
    target = task.target([EntitySpan(0, 7, "PER"), EntitySpan(11, 15, "LOC")], doc)
    tags = [task.outputs[index] if index != IGNORED else None for index in target]
    names = ["B-PER", "I-PER", "O", "B-LOC"] if scheme == "iob2" else ["PER", "PER", "O", "LOC"]
    assert tags == [None, names[0], None, names[1], names[2], names[3], None, None]
    assert target.dtype == np.int64


def test_words_that_a_span_cuts_into_have_no_target() -> None:
    doc = document(["Ada", "Lee", "sang"], [1, 1, 1])
    target = TASK.target([EntitySpan(0, 6, "PER")], doc)
    assert target.tolist() == [IGNORED, IGNORED, IGNORED, TASK.outputs.index("O"), IGNORED]


def test_words_that_were_cut_off_have_no_target() -> None:
    doc = document(["Ada", "Lee"], [1, 0])
    target = TASK.target([EntitySpan(0, 7, "PER")], doc)
    assert target.tolist() == [IGNORED, TASK.outputs.index("B-PER"), IGNORED]


def test_a_text_without_entities_is_labelled_all_the_same() -> None:
    doc = document(["so", "it"], [1, 2])
    assert TASK.target([], doc).tolist() == [IGNORED, 0, 0, IGNORED, IGNORED]
    assert TASK.missing_target(doc).tolist() == [IGNORED] * 5


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), max_size=8))
def test_what_the_targets_ask_for_is_what_is_decoded(tags: list[str]) -> None:
    doc = document([f"w{number}" for number in range(len(tags))], [1 + number % 3 for number in range(len(tags))])
    spans = doc.words["words"].spans
    gold = [EntitySpan(spans[first][0], spans[last][1], name) for first, last, name in runs(tags, "iob2")]
    target = TASK.target(gold, doc)
    logits = np.where(np.arange(5) == target[:, None], FAR, 0).astype(np.float32)
    found = [EntitySpan(each.start, each.end, each.entity_group) for each in TASK.decode(logits, doc).entities]
    assert found == gold


def test_labels_are_types() -> None:
    spans = [EntitySpan(0, 1, "PER"), EntitySpan(2, 3, "ORG"), EntitySpan(4, 5, "PER")]
    assert list(TASK.labels_of(spans)) == ["PER", "ORG", "PER"]
    assert list(TASK.labels_of([])) == []
    assert TASK.outputs == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert TASK.splitter == "words"


@pytest.mark.parametrize("labels", [["O"], ["B-PER"], ["I-PER"], ["PER", "PER"]])
def test_tags_are_no_labels(labels: list[str]) -> None:
    with pytest.raises(ValidationError):
        TaggingTask.model_validate({"labels": labels})


def test_settings_round_trip_through_json() -> None:
    task = TaggingTask(labels=("PER",), scheme="io", word_shapes=True, word_shape_width=4)
    assert KINDS["tagging"].model_validate(task.model_dump(mode="json")) == task
