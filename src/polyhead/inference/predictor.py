"""The predictor: tokenize and batch, run the engine, decode. Answers come in the order of the texts."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from polyhead.data.collate import splitters
from polyhead.documents import Document, Span
from polyhead.errors import UserError
from polyhead.inference.engines.base import Engine
from polyhead.kinds import Task
from polyhead.kinds.base import FloatArray
from polyhead.predictions import Prediction
from polyhead.text.batches import pad, token_budget_batches
from polyhead.text.encoding import Encoding, document
from polyhead.text.tokenizer import TextTokenizer

CHUNK = 8192
"""Texts that are tokenized and sorted together, so that memory does not grow with the input."""

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One text's raw answers: ``embedding`` (width,), ``logits`` by task, ``tokens`` (tokens, hidden) if asked for."""

    document: Document
    encoding: Encoding
    embedding: FloatArray
    logits: Mapping[str, FloatArray]
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
        texts: Sequence[str],
        *,
        words: Sequence[Sequence[Span] | None] | None = None,
        tasks: Collection[str] = (),
        prompt: str = "",
        max_rows: int | None = None,
        token_states: bool = False,
        advance: Advance = lambda count: None,
    ) -> Iterator[Row]:
        """Raw answers, in the order of ``texts``; ``words`` are given words, ``None`` for a text to be split.

        ``advance`` is told how many texts each batch finished.

        Raises:
            UserError: ``max_rows`` is below 1.
        """
        if max_rows is not None and max_rows < 1:
            raise UserError(f"batch_size: must be at least 1, found {max_rows}")
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            given = words[start : start + CHUNK] if words is not None else [None] * len(chunk)
            yield from self._chunk(chunk, given, tasks, prompt, max_rows, token_states, advance)

    def _chunk(
        self,
        texts: Sequence[str],
        words: Sequence[Sequence[Span] | None],
        tasks: Collection[str],
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
            chosen = [encodings[index] for index in batch]
            padded = pad(
                chosen,
                [documents[index] for index in batch],
                pad_id=self.tokenizer.pad_id,
                pool_prompt=self.pool_prompt,
            )
            output = self.engine(padded, tasks=tasks, token_states=token_states)
            for position, index in enumerate(batch):
                length = lengths[index]
                logits = {
                    name: values[position] if self.tasks[name].level == "sentence" else values[position, :length]
                    for name, values in output.logits.items()
                }
                tokens = None if output.tokens is None else output.tokens[position, :length]
                rows[index] = Row(documents[index], encodings[index], output.embedding[position], logits, tokens)
            advance(len(batch))
        return [row for row in rows if row is not None]

    def predict(
        self,
        texts: Sequence[str],
        *,
        words: Sequence[Sequence[Span] | None] | None = None,
        tasks: Collection[str] = (),
        embedding: bool = False,
        prompt: str = "",
        max_rows: int | None = None,
        advance: Advance = lambda count: None,
    ) -> Iterator[Prediction]:
        """Decoded answers, in the order of ``texts``."""
        for row in self.rows(texts, words=words, tasks=tasks, prompt=prompt, max_rows=max_rows, advance=advance):
            yield Prediction(
                text=row.document.text,
                tasks={name: self.tasks[name].decode(row.logits[name], row.document) for name in tasks},
                embedding=row.embedding if embedding else None,
                tokens=row.document.tokens,
                truncated=row.document.truncated,
            )
