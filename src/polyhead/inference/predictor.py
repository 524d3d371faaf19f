"""The predictor: tokenize and batch, run the engine, decode. Answers come in the order of the examples."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from polyhead.data.collate import splitters
from polyhead.data.example import Example
from polyhead.data.scored import Scored
from polyhead.documents import Document, IntArray
from polyhead.errors import UserError
from polyhead.inference.engines.base import Engine, EngineOutput
from polyhead.kinds import Task
from polyhead.kinds.base import FloatArray
from polyhead.predictions import Prediction
from polyhead.text.batches import pad, spread, token_budget_batches
from polyhead.text.encoding import Encoding, document
from polyhead.text.tokenizer import TextTokenizer

CHUNK = 8192
"""Examples that are tokenized and sorted together, so that memory does not grow with the input."""

_MULTIPLE = 16
"""Tokens that batches' widths are multiples of."""
FEWEST = 128
"""Tokens of a lane's batch, below which lanes gain nothing."""

_NOTHING = Document("", {}, tokens=0)
"""In the place of a text that is not read."""

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Read:
    """An example as tokens: its texts one after the other, each with its encoding and, the first one, its words."""

    encodings: Sequence[Encoding]
    documents: Sequence[Document]

    @property
    def tokens(self) -> int:
        """Tokens of all its texts."""
        return sum(map(len, self.encodings))


@dataclass(frozen=True, slots=True)
class Row:
    """One text's raw answers: ``embedding`` (width,), ``logits`` by task, ``tokens`` (tokens, hidden) if asked for.

    ``features`` (width,) are what heads of several texts read of it, by task.
    """

    document: Document
    encoding: Encoding
    embedding: FloatArray
    logits: Mapping[str, FloatArray]
    features: Mapping[str, FloatArray]
    tokens: FloatArray | None


class Predictor:
    """Everything between texts and predictions, whatever the engine."""

    def __init__(
        self, *, engine: Engine, tokenizer: TextTokenizer, tasks: Mapping[str, Task], pool_prompt: bool = True
    ) -> None:
        self.engine = engine
        self.tokenizer = tokenizer
        self.tasks = tasks
        self.pool_prompt = pool_prompt

    def rows(
        self,
        examples: Sequence[Example],
        *,
        tasks: Collection[str] = (),
        prompt: str = "",
        max_rows: int | None = None,
        token_states: bool = False,
        advance: Advance = lambda count: None,
    ) -> Iterator[Row]:
        """Raw answers, in the order of ``examples``; tasks of several texts answer those that have several.

        ``advance`` is told how many examples are done.

        Raises:
            UserError: ``max_rows`` is below 1.
        """
        if max_rows is not None and max_rows < 1:
            raise UserError(f"batch_size: must be at least 1, found {max_rows}")
        for start in range(0, len(examples), CHUNK):
            reads = self.read(examples[start : start + CHUNK], tasks=tasks, prompt=prompt)
            yield from self.run(reads, tasks=tasks, max_rows=max_rows, token_states=token_states, advance=advance)

    def read(self, examples: Sequence[Example], *, tasks: Collection[str] = (), prompt: str = "") -> list[Read]:
        """Examples as tokens, with the words that the tasks need; other texts than the first only if a task does."""
        pairs = any(self.tasks[name].level == "pair" for name in tasks)
        needed = splitters({name: self.tasks[name] for name in tasks})
        texts, parts = spread([example.texts if pairs else (example.text,) for example in examples])
        words = [example.words for example in examples] + [None] * (len(texts) - len(examples))
        encodings = self.tokenizer(texts, prompt=prompt, offsets=bool(needed))
        documents = [
            document(text, encoding, splitters=needed, words=given)
            for text, encoding, given in zip(texts, encodings, words, strict=True)
        ]
        if parts is None:
            return [Read((encoding,), (own,)) for encoding, own in zip(encodings, documents, strict=True)]
        numbers = [[int(part) for part in own if part >= 0] for own in parts]
        return [Read([encodings[each] for each in own], [documents[each] for each in own]) for own in numbers]

    def run(
        self,
        reads: Sequence[Read],
        *,
        tasks: Collection[str] = (),
        max_rows: int | None = None,
        token_states: bool = False,
        lanes: int | None = None,
        advance: Advance = lambda count: None,
    ) -> list[Row]:
        """Raw answers of examples that were read, in their order: batches of texts of like length, all in one pass.

        Those that were read for other tasks may be among them: their answers to the tasks that need more are no use.
        ``lanes`` batches are computed at a time, the engine's own number if none is given.
        """
        lanes = lanes or self.engine.lanes
        pairs = [name for name in tasks if self.tasks[name].level == "pair"]
        alone = [name for name in tasks if self.tasks[name].level != "pair"]
        needed = splitters({name: self.tasks[name] for name in tasks})
        encodings, parts = spread([each.encodings for each in reads])
        documents, _ = spread([each.documents for each in reads])
        rows: list[Row | None] = [None] * len(encodings)
        lengths = [len(encoding) for encoding in encodings]
        share = len(reads) / max(1, len(encodings))
        budget = min(self.engine.max_tokens, max(FEWEST, -(-sum(lengths) // lanes)))
        batches = token_budget_batches(lengths, max_tokens=budget, max_rows=max_rows, unpads=self.engine.unpads)

        def compute(batch: IntArray) -> EngineOutput:
            padded = pad(
                [encodings[index] for index in batch],
                [documents[index] for index in batch],
                pad_id=self.tokenizer.pad_id,
                pool_prompt=self.pool_prompt,
                splitters=needed,
                multiple=_MULTIPLE,
                limit=self.engine.max_width,
            )
            return self.engine(padded, tasks=alone, pairs=pairs, token_states=token_states)

        for batch, output in zip(batches, self._side_by_side(compute, batches, lanes), strict=True):
            for position, index in enumerate(batch):
                length = lengths[index]
                logits = {
                    name: values[position, :length] if self.tasks[name].level == "token" else values[position]
                    for name, values in output.logits.items()
                }
                features = {name: values[position] for name, values in output.features.items()}
                tokens = None if output.tokens is None else output.tokens[position, :length]
                rows[index] = Row(
                    documents[index], encodings[index], output.embedding[position], logits, features, tokens
                )
            advance(round(len(batch) * share))
        found = [row for row in rows if row is not None]
        return found if parts is None else list(self._together(found, parts, pairs))

    def _side_by_side(
        self, compute: Callable[[IntArray], EngineOutput], batches: Sequence[IntArray], lanes: int
    ) -> Iterator[EngineOutput]:
        """What comes of each batch, in their order."""
        if min(lanes, len(batches)) <= 1:
            yield from map(compute, batches)
            return
        with ThreadPoolExecutor(lanes, "polyhead-lane", initializer=self.engine.enter_lane) as threads:
            yield from threads.map(compute, batches)

    def _together(self, rows: Sequence[Row], parts: IntArray, pairs: Sequence[str]) -> Iterator[Row]:
        """The rows of first texts, with the logits of the heads that read the others, too."""
        for own in parts:
            numbers = [int(part) for part in own if part >= 0]
            first = rows[numbers[0]]
            logits = dict(first.logits)
            if len(numbers) > 1:
                for name in pairs:
                    used = numbers if self.tasks[name].kind == "pairs" else numbers[:2]
                    features = [rows[number].features[name][None] for number in used]
                    logits[name] = self.engine.classify(name, features)[0]
            others = [rows[number].document for number in numbers[1:]]
            cut, read = sum(each.truncated for each in others), sum(each.tokens for each in others)
            document = replace(first.document, others_truncated=cut, others_tokens=read)
            yield replace(first, logits=logits, document=document)

    def predict(
        self,
        examples: Sequence[Example],
        *,
        tasks: Collection[str] = (),
        embedding: bool = False,
        prompt: str = "",
        max_rows: int | None = None,
        advance: Advance = lambda count: None,
    ) -> Iterator[Prediction]:
        """Decoded answers, in the order of ``examples``: those that a row's number of texts allows."""
        rows = self.rows(examples, tasks=tasks, prompt=prompt, max_rows=max_rows, advance=advance)
        for example, row in zip(examples, rows, strict=True):
            yield Prediction(
                text=example.text,
                tasks={
                    name: self.tasks[name].decode(row.logits[name], row.document)
                    for name in tasks
                    if name in row.logits
                },
                embedding=row.embedding if embedding else None,
                tokens=row.document.read_tokens,
                truncated=bool(row.document.cut_texts),
                text_pair=example.others[0] if example.others else None,
            )

    def scored(
        self, examples: Iterable[Example], *, prompt: str = "", advance: Advance = lambda count: None
    ) -> Iterator[Scored]:
        """Labelled examples with the logits of the heads that they have labels for, however many there are.

        Of those whose embedding was computed earlier no text is read; they come first among some thousand.
        """
        rest = iter(examples)
        while chunk := list(islice(rest, CHUNK)):
            tasks = [name for name in self.tasks if any(name in example.labels for example in chunk)]
            known = [example for example in chunk if example.vector is not None]
            if known:
                logits = self._of_vectors(np.stack([np.asarray(each.vector) for each in known]), tasks)
                for number, example in enumerate(known):
                    yield Scored(example, _NOTHING, {name: logits[name][number] for name in example.labels})
                advance(len(known))
            texts = [example for example in chunk if example.vector is None]
            for example, row in zip(texts, self.rows(texts, tasks=tasks, prompt=prompt, advance=advance), strict=True):
                yield Scored(example, row.document, row.logits)

    def predict_vectors(self, vectors: FloatArray, *, tasks: Collection[str]) -> Iterator[Prediction]:
        """Answers of sentence heads to embeddings that were computed earlier. *Shape:* (texts, width)."""
        for start in range(0, len(vectors), CHUNK):
            logits = self._of_vectors(vectors[start : start + CHUNK], tasks)
            for position in range(len(vectors[start : start + CHUNK])):
                yield Prediction(
                    text="",
                    tasks={name: self.tasks[name].decode(logits[name][position], _NOTHING) for name in tasks},
                )

    def _of_vectors(self, vectors: FloatArray, tasks: Collection[str]) -> dict[str, FloatArray]:
        """What sentence heads say of embeddings. *Shape:* (texts, width)."""
        given = np.ascontiguousarray(vectors, dtype=np.float32)
        return {name: self.engine.classify(name, [given]) for name in tasks}


def stacked(arrays: Sequence[FloatArray], outputs: int) -> FloatArray:
    """Rows as one array; those of unlike length get NaN behind. *Shapes:* (tokens, outputs) each, or (outputs,)."""
    if not arrays:
        return np.zeros((0, outputs), dtype=np.float32)
    if arrays[0].ndim == 1:
        return np.asarray(arrays, dtype=np.float32)
    whole = np.full((len(arrays), max(map(len, arrays)), arrays[0].shape[1]), np.nan, dtype=np.float32)
    for row, each in zip(whole, arrays, strict=True):
        row[: len(each)] = each
    return whole
