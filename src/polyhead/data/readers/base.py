"""What every reader has in common: where the rows are, and which fields of a row are its text and its labels."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from polyhead.data.lines import PACKED, Lines, open_binary


def _text_keys(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {as_text(key): label for key, label in value.items()}


def _text_values(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {str(key): as_text(item) for key, item in value.items()}


def as_text(value: Any) -> Any:
    """A value of a cell as text, as CSV would have it: numbers as they are, true and false in small letters."""
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | Path) else value


class Binding(BaseModel):
    """Where a task's labels stand in a row."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    label: Annotated[tuple[str, ...] | None, BeforeValidator(_as_list)] = Field(
        None,
        min_length=1,
        description="the field with the label; the task's name if left out. multilabel: or several fields, each named "
        "as its label, that say 1 or 0",
    )
    separator: str | None = Field(
        None, min_length=1, description="multilabel: what parts the labels in a cell of text, such as | or a comma"
    )
    labels: Annotated[dict[str, str] | None, BeforeValidator(_text_keys)] = Field(
        None, description="what the file writes → the label's name"
    )
    empty_if_missing: bool = Field(
        False,
        description="multilabel and tagging: a row without the field has none of its labels, instead of none known",
    )
    column: int | None = Field(None, description="conll: the column with the tags, from 0; the last if left out")
    tags: str | None = Field(None, description="the field with a list of tags, one a word")
    spans: str | None = Field(None, description="the field with a list of character spans; the task's name if left out")
    start: str | None = Field(None, description="a span's key for its first character; start or start_offset")
    end: str | None = Field(None, description="a span's key for its end (exclusive); end or end_offset")
    type: str | None = Field(None, description="a span's key for its type; type or label")


class Sample(BaseModel):
    """A seeded sample of the rows: ``per_class`` of each class, or ``rows`` in all."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    per_class: int | None = Field(None, ge=1, description="rows of each class; a class that has fewer is a fault")
    rows: int | None = Field(None, ge=1, description="rows in all")

    @model_validator(mode="after")
    def _one_of_both(self) -> "Sample":
        if (self.per_class is None) == (self.rows is None):
            raise ValueError("give either per_class or rows")
        return self


@dataclass(frozen=True, slots=True)
class Record:
    """A row as the file has it. ``words`` is set where the format gives words instead of running text."""

    fields: Mapping[str, Any]
    place: str
    words: Sequence[str] | None = None
    left_out: str = ""
    """Why the row is not to be used, where its file says so."""


class Source(BaseModel):
    """Files of one format and layout; a subclass a format.

    Paths are those of the recipe; whoever reads resolves them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: str = Field(description="what the file is written in; see the table below")
    path: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = Field(
        min_length=1, description="the file, or several that are read one after the other"
    )
    text: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = Field(
        ("text",), min_length=1, description="the field with the text, or several to be joined by a space"
    )
    text_pair: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = Field(
        (),
        description="the field with the second text of a pair; or several: an anchor's positive, then its negatives",
    )
    vectors: str | None = Field(
        None,
        description="embeddings that were computed earlier, for heads with input: embedding and a frozen backbone: a "
        ".npy file with a row for each row, or the field that holds them; texts are not read then",
    )
    where: Annotated[dict[str, str], BeforeValidator(_text_values)] = Field(
        {}, description="field → value: only rows that have it, such as {partition: train}"
    )
    markup: str | None = Field(
        None, description="the field with entities in brackets ([time : five am]): it gives the text and its spans"
    )
    tasks: dict[str, Binding] = Field({}, description="which tasks have labels here, and where; see below")
    sample: Sample | None = Field(None, description="a seeded sample of the rows; only below a split")

    stream: bool = Field(
        False, description="rows stay in the file and are read when they are needed: for data larger than memory"
    )

    streams: ClassVar[bool] = True
    """Whether rows can be read from the middle of a file on."""

    @model_validator(mode="after")
    def _stream_needs_no_memory(self) -> "Source":
        if self.stream and not self.streams:
            can = "jsonl, csv, tsv, conll and text"
            raise ValueError(f"stream: files of format {self.format} are read from their beginning; {can} can stream")
        packed = [path for path in self.path if path.endswith(PACKED)]
        if self.stream and packed:
            raise ValueError(f"stream: {packed[0]} is compressed and cannot be read from its middle on; unpack it")
        if self.stream and self.vectors:
            raise ValueError("stream: stored embeddings are small enough for memory; leave stream out")
        if self.stream and self.sample:
            raise ValueError("stream: a sample is drawn in memory; give the sampled rows a file of their own")
        return self

    def missing(self, root: Path) -> list[Path]:
        """The files that are not there."""
        return [path for name in self.path if not (path := root / name).exists()]

    def read(self, path: Path, name: str) -> Iterator[Record]:
        """The rows of the file at ``path``, called ``name`` in places; raises as ``records``."""
        with open_binary(path) as file:
            yield from self.records(Lines(file, name), name)

    @abstractmethod
    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """The rows of the ``lines`` of a file called ``name``, one at a time; ``first`` is the first line's number.

        A record is yielded before the line after it is read.

        Raises:
            UserError: the file is not of this format, with its line.
        """

    def heading(self, lines: Iterable[str]) -> list[str]:
        """The lines at the beginning that must stand before rows from the middle of the file, too."""
        return []
