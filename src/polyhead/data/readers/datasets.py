"""HF ``datasets``: a split's folder that it saved, or a data set's name on the Hub; class ids as their names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from polyhead.data.readers.base import Record
from polyhead.data.readers.parquet import ParquetSource, Tables, arrow_tables, class_names, table_records
from polyhead.errors import MissingExtra, UserError, shown
from polyhead.folder.hub import HUB_NAME


class DatasetsSource(ParquetSource):
    """Where no folder of this name is found, it is looked up on the Hub."""

    format: Literal["datasets"] = "datasets"  # type: ignore[assignment]
    split: str = Field("train", description="Hub: the data set's split")
    config: str | None = Field(None, description="Hub: the data set's configuration, where it has several")

    def missing(self, root: Path) -> list[Path]:
        """What is not here and cannot be a name on the Hub."""
        return [root / name for name in self.path if not (root / name).exists() and not HUB_NAME.fullmatch(name)]

    def read(self, path: Path, name: str) -> Iterator[Record]:
        """A record a row; places are counted from 1.

        Raises:
            UserError: it is neither here nor on the Hub, has no such split, or the library is missing.
        """
        tables = arrow_tables(path, name, "arrow") if path.exists() else self._from_hub(name)
        yield from table_records(tables, name, self.words)

    def _from_hub(self, name: str) -> Tables:
        try:
            from datasets import load_dataset
        except ModuleNotFoundError:
            raise MissingExtra("datasets", "datasets") from None
        try:
            found: Any = load_dataset(name, self.config, split=self.split)
        except Exception as error:  # noqa: BLE001  (whatever the library meets on its way)
            reason = shown(str(error).strip().split("\n")[0], 120)
            raise UserError(f"{name}: no such folder here, and the Hub did not give it ({reason})") from None
        table = found.with_format("arrow")
        names = class_names(found.data.schema.metadata) or class_names(table[:0].schema.metadata)
        for start in range(0, len(found), 8192):
            yield table[start : start + 8192], names
