"""Parquet and Arrow files: columns by name, class ids as their names."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from polyhead.data.readers.base import Record, Source
from polyhead.data.readers.jsonl import record
from polyhead.errors import UserError, shown


class ParquetSource(Source):
    """Rows are read by batches, but not from the middle of a file."""

    format: Literal["parquet", "arrow"] = "parquet"
    words: str | None = Field(None, description="the field with a list of words, where rows have words instead of text")
    streams: ClassVar[bool] = False

    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """A table is no lines: see ``read``."""
        raise NotImplementedError

    def read(self, path: Path, name: str) -> Iterator[Record]:
        """A record a row; places are counted from 1.

        Raises:
            UserError: the file is missing, or no table.
        """
        yield from table_records(arrow_tables(path, name, self.format), name, self.words)


Tables = Iterator[tuple[Any, Mapping[str, list[str]]]]
"""Parts of a table, with the names of its classes by column."""


def table_records(tables: Tables, name: str, words: str | None) -> Iterator[Record]:
    """A record a row, class ids as their names."""
    number = 0
    for table, names in tables:
        for row in table.to_pylist():
            number += 1
            named = {key: _named(value, names.get(key)) for key, value in row.items()}
            yield record(named, f"{name}:row {number}", words)


def arrow_tables(path: Path, name: str, form: str) -> Tables:
    """A file's, or those of all ``.arrow`` files in a folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        raise UserError(f"{path}: no such file; paths are relative to the recipe's folder or to --data-root")
    try:
        if form == "parquet":
            with pq.ParquetFile(path) as file:
                names = class_names(file.schema_arrow.metadata)
                for batch in file.iter_batches(8192):
                    yield batch, names
            return
        files = sorted(path.glob("*.arrow")) if path.is_dir() else [path]
        if not files:
            raise UserError(f"{path}: no .arrow file in this folder; a split's own folder is wanted: {name}/train")
        for each in files:
            with pa.memory_map(str(each)) as source:
                reader = _reader(source)
                names = class_names(reader.schema.metadata)
                for batch in reader:
                    yield batch, names
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{name}: no readable {form} ({shown(str(error), 100)})") from None


def _reader(source: Any) -> Any:
    """Arrow's stream form, which ``datasets`` writes, or its file form."""
    import pyarrow as pa

    try:
        return pa.ipc.open_stream(source)
    except pa.ArrowInvalid:
        source.seek(0)
        opened = pa.ipc.open_file(source)
        return _Batches(opened.schema, (opened.get_batch(index) for index in range(opened.num_record_batches)))


class _Batches:
    def __init__(self, schema: Any, batches: Iterator[Any]) -> None:
        self.schema = schema
        self._batches = batches

    def __iter__(self) -> Iterator[Any]:
        return self._batches


def class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """The names of classes that ``datasets`` keeps in a table's metadata, by column."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    found = {}
    for column, feature in features.items():
        inner = feature.get("feature", feature) if isinstance(feature, dict) else {}
        if isinstance(inner, dict) and inner.get("_type") == "ClassLabel" and isinstance(inner.get("names"), list):
            found[column] = [str(each) for each in inner["names"]]
    return found


def _named(value: Any, names: list[str] | None) -> Any:
    if names is None or value is None:
        return value
    if isinstance(value, list):
        return [_named(each, names) for each in value]
    return names[value] if 0 <= value < len(names) else None
