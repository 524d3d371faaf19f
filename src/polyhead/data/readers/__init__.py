"""The readers. A new format is a file here, with its settings in it, and a line in ``SOURCES``."""

from polyhead.data.readers.base import Binding, Record, Sample, Source
from polyhead.data.readers.conll import ConllSource
from polyhead.data.readers.csv import CsvSource
from polyhead.data.readers.datasets import DatasetsSource
from polyhead.data.readers.doccano import DoccanoSource
from polyhead.data.readers.gliner import GlinerSource
from polyhead.data.readers.json import JsonSource
from polyhead.data.readers.jsonl import JsonlSource
from polyhead.data.readers.label_studio import LabelStudioSource
from polyhead.data.readers.parallel import ParallelSource
from polyhead.data.readers.parquet import ParquetSource
from polyhead.data.readers.prodigy import ProdigySource
from polyhead.data.readers.spacy import SpacySource
from polyhead.data.readers.text import TextSource

SOURCES: dict[str, type[Source]] = {
    "jsonl": JsonlSource,
    "json": JsonSource,
    "csv": CsvSource,
    "tsv": CsvSource,
    "conll": ConllSource,
    "text": TextSource,
    "parquet": ParquetSource,
    "arrow": ParquetSource,
    "datasets": DatasetsSource,
    "doccano": DoccanoSource,
    "prodigy": ProdigySource,
    "spacy": SpacySource,
    "label-studio": LabelStudioSource,
    "gliner": GlinerSource,
    "parallel": ParallelSource,
}

__all__ = ["SOURCES", "Binding", "Record", "Sample", "Source"]
