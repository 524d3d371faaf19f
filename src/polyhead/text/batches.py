"""Batches by a token budget: texts of like length together, so that little is spent on padding."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from polyhead.documents import Document, IntArray
from polyhead.text.encoding import Encoding

_Item = TypeVar("_Item")


_SHARE = 6
"""A batch is cut in two where that saves more padding than such a part of the budget; less is not worth a pass."""
_PLACES = 3
"""So many times the budget's tokens a batch has at most with its padding, where that costs little."""


def token_budget_batches(
    lengths: Sequence[int], *, max_tokens: int, max_rows: int | None = None, unpads: bool = False
) -> list[IntArray]:
    """Row numbers grouped into batches, longest texts first.

    A batch holds at most ``max_tokens`` tokens with its padding (a single longer text is a batch of its own) and at
    most ``max_rows`` rows; few long texts and many short ones are batches of their own. Where the engine ``unpads``, a
    few rows whose tokens fit without padding are one batch. Every row is in exactly one batch.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    fits = sum(lengths) <= max_tokens and (max_rows is None or len(order) <= max_rows)
    if unpads and len(order) and fits and len(order) * lengths[order[0]] <= _PLACES * max_tokens:
        return [order]
    batches: list[IntArray] = []
    start = 0
    while start < len(order):
        rows = max(1, max_tokens // max(1, lengths[order[start]]))
        rows = rows if max_rows is None else min(rows, max_rows)
        batch = order[start : start + rows]
        saved = (lengths[batch[0]] - np.asarray([lengths[index] for index in batch])) * np.arange(len(batch), 0, -1)
        cut = int(np.argmax(saved > max_tokens // _SHARE)) or len(batch)
        batches.append(batch[:cut])
        start += cut
    return batches


@dataclass(frozen=True, slots=True)
class PaddedWords:
    """Words as one splitter cuts them: ``index`` and ``token_shapes`` of ``Words``. *Shapes:* (batch, tokens)."""

    index: IntArray
    shapes: IntArray


@dataclass(frozen=True, slots=True)
class Padded:
    """A batch of encodings, padded on the right. *Shapes:* all (batch, tokens).

    ``pooling_mask`` leaves out the prompt's tokens where the encoder pools without them.
    """

    input_ids: IntArray
    attention_mask: IntArray
    pooling_mask: IntArray
    words: Mapping[str, PaddedWords]


def spread(texts: Sequence[Sequence[_Item]]) -> tuple[list[_Item], IntArray | None]:
    """Rows of texts (or of what each text has) as one list, the first texts first, and which of it are a row's.

    −1 stands for none.

    *Shape:* (rows, most texts a row); ``None`` where each row has one text.
    """
    flat = [row[0] for row in texts]
    most = max((len(row) for row in texts), default=1)
    if most == 1:
        return flat, None
    parts = np.full((len(texts), most), -1, dtype=np.int64)
    parts[:, 0] = np.arange(len(texts))
    for own, row in zip(parts, texts, strict=True):
        own[1 : len(row)] = np.arange(len(flat), len(flat) + len(row) - 1)
        flat += row[1:]
    return flat, parts


def pad(
    encodings: Sequence[Encoding],
    documents: Sequence[Document] = (),
    *,
    pad_id: int,
    pool_prompt: bool = True,
    splitters: Iterable[str] = (),
    multiple: int = 1,
    limit: int = 0,
) -> Padded:
    """Put encodings side by side, with the words of their documents where there are any, and of ``splitters`` always.

    The width is a ``multiple`` of that number of tokens where ``limit`` allows it: matrix libraries compile a kernel a
    shape, so that few shapes are fast sooner.
    """
    lengths = np.asarray([len(encoding) for encoding in encodings], dtype=np.int64)
    longest = int(lengths.max(initial=0))
    width = max(longest, min(-(-longest // multiple) * multiple, limit))
    mask = np.arange(width) < lengths[:, None]
    ids = pad_rows([np.asarray(encoding.ids, dtype=np.int64) for encoding in encodings], width, pad_id)
    attention_mask = mask.astype(np.int64)
    pooling_mask = attention_mask
    if not pool_prompt:
        prompt = np.asarray([encoding.prompt_tokens for encoding in encodings], dtype=np.int64)
        pooling_mask = attention_mask * (np.arange(width) >= prompt[:, None])
    words = {
        name: PaddedWords(
            index=pad_rows([_words(document, name, "index") for document in documents], width, -1),
            shapes=pad_rows([_words(document, name, "token_shapes") for document in documents], width, 0),
        )
        for name in dict.fromkeys([*splitters, *(name for document in documents for name in document.words)])
    }
    return Padded(ids, attention_mask, pooling_mask, words)


def _words(document: Document, name: str, part: Literal["index", "token_shapes"]) -> IntArray:
    """What is known of the words as a splitter cuts them: nothing, where the text was not cut by it."""
    own = document.words.get(name)
    found: IntArray = np.empty(0, dtype=np.int64) if own is None else getattr(own, part)
    return found


def pad_rows(rows: Sequence[IntArray], width: int, fill: int) -> IntArray:
    """Rows of integers of different lengths as one matrix. *Shape:* (rows, width)."""
    matrix = np.full((len(rows), width), fill, dtype=np.int64)
    for row, values in zip(matrix, rows, strict=True):
        row[: len(values)] = values
    return matrix
