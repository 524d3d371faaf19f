"""What names say: which words stand for texts, labels, ids and splits in the names of fields and files."""

import re
from collections.abc import Collection, Iterable
from itertools import permutations

from polyhead.kinds import RESERVED_NAMES


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


TEXT = _set(
    "text texts sentence sentences content body review comment tweet utterance utt query question title "
    "headline description document message msg abstract summary passage context post premise input prompt "
    "article story snippet sms email subject transcript anchor"
)
LABEL = _set(
    "label labels class classes category categories target targets y sentiment topic topics intent intents "
    "emotion emotions rating stars score scores tag tags genre genres polarity stance gold annotation relation "
    "similarity relatedness section scenario domain entailment duplicate type output verdict"
)
SCORE = _set("score scores similarity sim relatedness rating stars grade price value")
_MAIN = _set("label labels class category target y gold sentiment")
_IDS = _set("id ids idx index uid uuid guid key hash pk unnamed timestamp")
_ASIDE = _set(
    "source lang language locale author user username worker annotator date time created url uri link version file "
    "filename path license"
)
_SPLIT_FIELDS = _set("split splits partition fold subset")
_WORDS = _set("tokens words token tokenized")
_NEGATIVE = _set("negative negatives neg negs")
_HEADS = _set("title headline subject")
_BODIES = _set("body text content description abstract article message")

_SPLITS = {
    "train": "train training trn",
    "validation": "validation valid val dev devel development testa eval heldout",
    "test": "test testing tst testb",
}
_SPLIT_OF = {word: split for split, words in _SPLITS.items() for word in words.split()}

_SECONDS = {
    "premise": "hypothesis",
    "query": "passage document doc positive pos answer response",
    "question": "answer passage sentence",
    "anchor": "positive pos",
    "context": "response reply",
    "claim": "evidence",
    "source": "target",
    "src": "tgt mt",
}
_ENDS = (("1", "2"), ("a", "b"), ("left", "right"), ("first", "second"), ("one", "two"))


_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+")
_SHARD = re.compile(r"\d+-of-\d+")


def words_in(name: str) -> list[str]:
    """The words and numbers of a name in small letters: ``is_Duplicate2`` → is, duplicate, 2."""
    return [word.lower() for word in _WORD.findall(name)]


def hints(name: str, words: Collection[str]) -> bool:
    """Whether one of these words is in the name."""
    return not set(words_in(name)).isdisjoint(words)


def is_main_label(name: str) -> bool:
    """Whether a field is called ``label`` or the like, and nothing else."""
    return len(words_in(name)) == 1 and hints(name, _MAIN)


def is_id(name: str) -> bool:
    """Whether a field is named like an id."""
    return bool(words := words_in(name)) and (words[-1] in _IDS or words[0] == "unnamed")


def named_aside(name: str) -> str | None:
    """What a field is named like, if that is no label: an id, what tells of a row, or a text."""
    if is_id(name):
        return "an id"
    if hints(name, _ASIDE):
        return "what tells of a row: its source, its author, its date"
    return "a text" if hints(name, TEXT) and not hints(name, LABEL) else None


def is_made_up(name: str) -> bool:
    """Whether a column's name was made from its number, as the file has none."""
    return re.fullmatch(r"column_\d+", name) is not None


def is_split_field(name: str) -> bool:
    """Whether a field is named as what says a row's split."""
    return hints(name, _SPLIT_FIELDS)


def is_words(name: str) -> bool:
    """Whether a field is named like a list of words."""
    return hints(name, _WORDS)


def is_negative(name: str) -> bool:
    """Whether a field is named like an anchor's negative."""
    return hints(name, _NEGATIVE)


def split_in(name: str) -> str | None:
    """The split that a name speaks of, if it does: ``news-dev.csv`` → validation."""
    return next((_SPLIT_OF[word] for word in words_in(name) if word in _SPLIT_OF), None)


def without_split(name: str) -> str:
    """A name without the word for its split, and without its shard's number: ``news-dev`` → news."""
    kept = _WORD.sub(lambda word: "" if word[0].lower() in _SPLIT_OF else word[0], _SHARD.sub("", name))
    return re.sub(r"[-_. ]{2,}", "-", kept).strip("-_. ") if re.search(r"[^\W\d_]", kept) else ""


def title_and_body(names: Iterable[str]) -> list[str]:
    """Fields that are one text in two parts, such as title and body; none if there are no such two."""
    given = list(names)
    heads, bodies = ([name for name in given if name.lower() in words] for words in (_HEADS, _BODIES))
    return [name for name in given if name in (heads[0], bodies[0])] if heads and bodies else []


def two_texts(names: Iterable[str]) -> tuple[str, str] | None:
    """Two fields whose names say that they are a pair of texts, such as sentence1 and sentence2."""
    return next(((one, other) for one, other in permutations(names, 2) if _belong_together(one, other)), None)


def _belong_together(one: str, other: str) -> bool:
    first, second = words_in(one), words_in(other)
    if is_made_up(one) or is_made_up(other):
        return False
    if len(first) == len(second) == 1 and second[0] in _SECONDS.get(first[0], "").split():
        return True
    if not first or not second or first[:-1] != second[:-1]:
        return False
    return (first[-1], second[-1]) in _ENDS


def plain_name(name: str, otherwise: str, taken: Collection[str] = ()) -> str:
    """A name for a task or a data set that is like ``name``, made of ``[a-z0-9_-]``, and not taken yet."""
    plain = re.sub(r"[^a-z0-9_-]+", "_", name.lower()).strip("_-")[:40].rstrip("_-")
    if not re.search(r"[a-z0-9]", plain) or plain in RESERVED_NAMES:
        plain = otherwise
    free, number = plain, 1
    while free in taken:
        number += 1
        free = f"{plain}-{number}"
    return free
