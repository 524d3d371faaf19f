"""The predictor: tokenize and batch, run the engine, decode. Answers come in the order of the examples."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from polyhead.data.collate import splitters
from polyhead.data.example import Example
from polyhead.documents import Document, IntArray
from polyhead.errors import UserError
from polyhead.inference.engines.base import Engine
from polyhead.kinds import Task
from polyhead.kinds.base import FloatArray
from polyhead.predictions import Prediction
from polyhead.text.batches import pad, spread, token_budget_batches
from polyhead.text.encoding import Encoding, document
from polyhead.text.tokenizer import TextTokenizer

CHUNK = 8192
"""Examples that are tokenized and sorted together, so that memory does not grow with the input."""

Advance = Callable[[int], None]


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
        pairs = [name for name in tasks if self.tasks[name].level == "pair"]
        alone = [name for name in tasks if self.tasks[name].level != "pair"]
        for start in range(0, len(examples), CHUNK):
            chunk = examples[start : start + CHUNK]
            texts, parts = spread([example.texts if pairs else (example.text,) for example in chunk])
            words = [example.words for example in chunk] + [None] * (len(texts) - len(chunk))
            share = len(chunk) / len(texts)

            def told(count: int, share: float = share) -> None:
                advance(round(count * share))

            found = self._encode(texts, words, alone, pairs, prompt, max_rows, token_states, told)
            yield from found if parts is None else self._together(found, parts, pairs)

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
            cut = sum(rows[number].document.truncated for number in numbers[1:])
            yield replace(first, logits=logits, document=replace(first.document, others_truncated=cut))

    def _encode(
        self,
        texts: Sequence[str],
        words: Sequence[Sequence[tuple[int, int]] | None],
        tasks: Sequence[str],
        pairs: Sequence[str],
        prompt: str,
        max_rows: int | None,
        token_states: bool,
        advance: Advance,
    ) -> list[Row]:
        needed = splitters({name: self.tasks[name] for name in tasks})
        encodings = self.tokenizer(texts, prompt=prompt, offsets=bool(needed))
        documents = [
            document(text, encoding, splitters=needed, words=given)
            for text, encoding, given in zip(texts, encodings, words, strict=True)
        ]
        rows: list[Row | None] = [None] * len(texts)
        lengths = [len(encoding) for encoding in encodings]
        for batch in token_budget_batches(lengths, max_tokens=self.engine.max_tokens, max_rows=max_rows):
            padded = pad(
                [encodings[index] for index in batch],
                [documents[index] for index in batch],
                pad_id=self.tokenizer.pad_id,
                pool_prompt=self.pool_prompt,
            )
            output = self.engine(padded, tasks=tasks, pairs=pairs, token_states=token_states)
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
            advance(len(batch))
        return [row for row in rows if row is not None]

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
                tokens=row.document.tokens,
                truncated=bool(row.document.cut_texts),
                text_pair=example.others[0] if example.others else None,
            )

    def predict_vectors(self, vectors: FloatArray, *, tasks: Collection[str]) -> Iterator[Prediction]:
        """Answers of sentence heads to embeddings that were computed earlier. *Shape:* (texts, width)."""
        for start in range(0, len(vectors), CHUNK):
            chunk = np.ascontiguousarray(vectors[start : start + CHUNK])
            logits = {name: self.engine.classify(name, [chunk]) for name in tasks}
            nothing = Document("", {}, tokens=0)
            for position in range(len(chunk)):
                yield Prediction(
                    text="",
                    tasks={name: self.tasks[name].decode(logits[name][position], nothing) for name in tasks},
                )
