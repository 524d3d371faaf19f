"""Where batches come from: from the texts, or, below what learns, from what was kept of them."""

import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from polyhead.data.collate import Batch, Collator
from polyhead.data.example import DataSet, Example
from polyhead.data.stream import StreamedExamples
from polyhead.errors import UserError
from polyhead.modeling.components import Component
from polyhead.modeling.model import MultiTaskModel
from polyhead.printing import size
from polyhead.training.activations.boundaries import boundaries
from polyhead.training.activations.lower import Boundary, Lower, Reading
from polyhead.training.activations.room import too_much, would_be_kept
from polyhead.training.activations.rows import Rows, Source, Texts
from polyhead.training.activations.store import make_room
from polyhead.training.embedding.originals import Originals
from polyhead.training.sampling import Draw
from polyhead.training.settings import TrainingSettings

Advance = Callable[[int, int], None]
"""Texts done, texts in all."""


@dataclass(frozen=True, slots=True)
class _Split:
    """One split of a data set, and where what is kept of its texts stands."""

    name: str
    validation: bool
    examples: Sequence[Example]
    texts: Sequence[str]
    lengths: torch.Tensor
    lower: Lower
    path: Path

    @property
    def size(self) -> int:
        """Bytes."""
        return self.lower.size(self.lengths)


class Feed:
    """Makes the batches of draws, and keeps activations in ``folder`` where a stage of the plan allows it.

    What an earlier stage kept is taken away if the folder is ``private``: no other run shares it. Of what other runs
    left in a shared one, as much stays as the settings' bound allows.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        collate: Collator,
        data: Sequence[DataSet],
        sets: Sequence[DataSet],
        settings: TrainingSettings,
        reading: Reading,
        *,
        dtype: torch.dtype,
        folder: Path,
        private: bool,
        originals: Originals | None = None,
    ) -> None:
        self._model = model
        self._collate = collate
        self._data = data
        self._sets = sets
        self._settings = settings
        self._reading = reading
        self._dtype = dtype
        self._folder = folder
        self._private = private
        self._originals = originals
        self._rows: dict[str, Rows] = {}
        self._texts: dict[str, Texts] = {}
        self.sources = [Source(each.validation) for each in data]
        """The validation rows of every data set."""

    @property
    def kept(self) -> list[str]:
        """The data sets of which activations are kept."""
        return sorted(self._texts)

    def batch(self, draw: Draw) -> Batch:
        """The batch of a draw."""
        name = self._sets[draw.data_set].name
        if name not in self._texts:
            batch = self._collate(draw.examples(self._sets))
        else:
            rows, prompt = torch.from_numpy(draw.rows), self._reading.pool_prompt
            batch = self._rows[name].batch(rows, self._texts[name], pool_prompt=prompt)
        return batch if self._originals is None else self._originals.beside(batch, draw, name)

    def begin(
        self,
        learns: Collection[str],
        parts: Sequence[Component],
        *,
        epochs: int,
        only: Sequence[str] | None = None,
        advance: Advance,
        note: Callable[[str], None],
    ) -> None:
        """Keep what is constant while ``learns`` learn, for as many epochs. The model is left in eval mode.

        ``only`` names the data sets of which a run that is gone on with kept it; if left out, that is decided here.

        Raises:
            UserError: the disk is full, or more would have to be kept than the settings allow.
        """
        self._texts, self.sources = {}, [Source(each.validation) for each in self._data]
        found = boundaries(self._model, self._collate.tasks, self._sets, self._settings, learns, parts)
        if only is not None:
            found = {name: boundary for name, boundary in found.items() if name in only}
        elif self._settings.cache == "auto" and epochs < 2:
            found = {}
        splits = self._splits(found)
        if self._private:
            self._keep_only([each.path for each in splits])
        needed = sum(each.size for each in splits)
        missing = sum({each.path: each.size for each in splits if not each.path.is_dir()}.values())
        if splits and needed <= self._settings.cache_bytes:
            make_room(self._folder, [each.path for each in splits], self._settings.cache_bytes - needed)
        if not splits or not self._fits(needed, missing, note):
            return
        note(f"cache: {size(needed)} of the frozen layers' output in {self._folder}")
        done, total = 0, sum(len(each.texts) for each in splits)

        def told(count: int) -> None:
            nonlocal done
            done += count
            advance(done, total)

        for each in splits:
            states = each.lower.kept(each.path, each.texts, each.lengths, told)
            kept = Texts(each.examples, states, found[each.name])
            if each.validation:
                place = [data.name for data in self._data].index(each.name)
                self.sources[place] = Source(each.examples, kept)
            else:
                self._rows[each.name] = self._rows.get(each.name) or Rows.of(each.examples, self._collate)
                self._texts[each.name] = kept

    def clear(self) -> None:
        """Take away what was kept for this run alone."""
        if self._private:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _splits(self, kept: Mapping[str, Boundary]) -> list[_Split]:
        """The splits of the data sets of which something is kept."""
        lowers = {each: Lower(self._model, self._reading, each, self._dtype) for each in set(kept.values())}
        found = []
        for data in self._sets:
            for validation, examples in ((False, data.train), (True, data.validation)):
                if data.name not in kept or not len(examples) or isinstance(examples, StreamedExamples):
                    continue
                lower = lowers[kept[data.name]]
                texts = [text for example in examples for text in example.texts]
                lengths, path = self._reading.lengths(texts), self._folder / lower.key(texts)
                found.append(_Split(data.name, validation, examples, texts, lengths, lower, path))
        return found

    def _keep_only(self, paths: Sequence[Path]) -> None:
        """Take away what an earlier stage kept."""
        for old in self._folder.glob("*") if self._folder.is_dir() else ():
            if old not in paths:
                shutil.rmtree(old, ignore_errors=True)

    def _fits(self, needed: int, missing: int, note: Callable[[str], None]) -> bool:
        """Whether so much may be kept, of which so much is not there yet."""
        limit = self._settings.cache_bytes
        here = next(place for place in (self._folder.resolve(), *self._folder.resolve().parents) if place.exists())
        free = shutil.disk_usage(here).free
        if needed <= limit and missing <= free:
            return True
        which = f"cache_gb is {self._settings.cache_gb:g}" if needed > limit else f"{size(free)} are free"
        if self._settings.cache is True:
            raise UserError(too_much(needed, which))
        note(f"! {would_be_kept(needed, which)}: they run anew in every epoch")
        return False
