"""The readers. A new format is a file here, with its settings in it, and a line in ``SOURCES``."""

from polyhead.data.readers.base import Binding, Record, Sample, Source
from polyhead.data.readers.conll import ConllSource
from polyhead.data.readers.csv import CsvSource
from polyhead.data.readers.json import JsonSource
from polyhead.data.readers.jsonl import JsonlSource

SOURCES: dict[str, type[Source]] = {
    "jsonl": JsonlSource,
    "json": JsonSource,
    "csv": CsvSource,
    "tsv": CsvSource,
    "conll": ConllSource,
}

__all__ = ["SOURCES", "Binding", "Record", "Sample", "Source"]
