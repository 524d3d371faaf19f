"""Where batches come from: from the texts, or, below what learns, from what was kept of them."""

import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import torch

from polyhead.data.collate import Batch, Collator
from polyhead.data.example import DataSet, Example, labelled_tasks
from polyhead.data.stream import StreamedExamples
from polyhead.errors import UserError
from polyhead.kinds import LayerOptions, PairsTask, Task
from polyhead.modeling.components import Component
from polyhead.modeling.model import MultiTaskModel
from polyhead.modeling.pooling import Pooling
from polyhead.printing import size
from polyhead.training.activations.fill import Boundary, Reading, kept, key_of
from polyhead.training.activations.rows import Rows, Source, Texts
from polyhead.training.fit import reads_tokens
from polyhead.training.sampling import Draw
from polyhead.training.settings import TrainingSettings

Advance = Callable[[int, int], None]
"""Texts done, texts in all."""
_CHUNK = 8192


class Feed:
    """Makes the batches of draws, and keeps activations in ``folder`` where a stage of the plan allows it.

    What an earlier stage kept is taken away if the folder is ``private``: no other run shares it.
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
            return self._collate(self.examples(draw))
        return self._rows[name].batch(
            torch.from_numpy(draw.rows), self._texts[name], pool_prompt=self._reading.pool_prompt
        )

    def examples(self, draw: Draw) -> list[Example]:
        """The rows of a draw."""
        rows = self._sets[draw.data_set].train
        return [rows[int(row)] for row in draw.rows]

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
        boundaries = self._boundaries(learns, parts)
        if only is not None:
            boundaries = {name: boundary for name, boundary in boundaries.items() if name in only}
        elif self._settings.cache == "auto" and epochs < 2:
            boundaries = {}
        splits = [
            (boundary, name, split, examples)
            for name, boundary in boundaries.items()
            for split, examples in self._splits(name).items()
        ]
        texts = [[text for example in examples for text in example.texts] for *_, examples in splits]
        lengths = [self._lengths(own) for own in texts]
        paths = [
            self._folder / key_of(self._model, self._reading, boundary, self._dtype, own)
            for (boundary, *_), own in zip(splits, texts, strict=True)
        ]
        if self._private:
            self._keep_only(paths)
        sizes = [self._bytes(boundary, own) for (boundary, *_), own in zip(splits, lengths, strict=True)]
        missing = sum(own for path, own in dict(zip(paths, sizes, strict=True)).items() if not path.is_dir())
        if not splits or not self._fits(sum(sizes), missing, note):
            return
        note(f"cache: {size(sum(sizes))} of the frozen layers' output in {self._folder}")
        done, total = 0, sum(map(len, texts))
        for number, (boundary, name, split, examples) in enumerate(splits):

            def told(count: int) -> None:
                nonlocal done
                done += count
                advance(done, total)

            states = kept(
                paths[number],
                self._model,
                self._reading,
                boundary,
                self._dtype,
                texts[number],
                lengths[number],
                advance=told,
            )
            found = Texts(examples, states, boundary)
            if split == "validation":
                place = [each.name for each in self._data].index(name)
                self.sources[place] = Source(examples, found)
            else:
                self._rows[name] = self._rows.get(name) or Rows.of(examples, self._collate)
                self._texts[name] = found

    def clear(self) -> None:
        """Take away what was kept for this run alone."""
        if self._private:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _boundaries(self, learns: Collection[str], parts: Sequence[Component]) -> dict[str, Boundary]:
        """What can be kept of each data set; nothing of one whose heads must see more."""
        depth = min(part.depth for part in parts if any(name in learns for name in part.parameters)) - 1
        if not self._settings.cache or depth < 1:
            return {}
        depth = min(depth, self._model.encoder.backbone.layers)
        whole = depth == self._model.encoder.backbone.layers and isinstance(self._model.encoder.pooling, Pooling)
        found = {}
        for each in self._sets:
            names = labelled_tasks(each.train) | labelled_tasks(each.validation)
            tasks = [self._collate.tasks[name] for name in names]
            if isinstance(each.train, StreamedExamples) or any(map(_sees_more, tasks)) or _has_vectors(each):
                continue
            pooled = whole and not any(map(reads_tokens, tasks))
            found[each.name] = Boundary("pooled" if pooled else "tokens", depth)
        return found

    def _splits(self, name: str) -> dict[str, Sequence[Example]]:
        [own] = [each for each in self._sets if each.name == name]
        streamed = isinstance(own.validation, StreamedExamples)
        return {"train": own.train, **({} if streamed or not len(own.validation) else {"validation": own.validation})}

    def _lengths(self, texts: Sequence[str]) -> torch.Tensor:
        """Tokens of each text, as far as the limit lets them be read."""
        found: list[int] = []
        for start in range(0, len(texts), _CHUNK):
            encodings = self._reading.tokenizer(
                texts[start : start + _CHUNK], prompt=self._reading.prompt, offsets=False
            )
            found += map(len, encodings)
        return torch.tensor(found, dtype=torch.int64)

    def _bytes(self, boundary: Boundary, lengths: torch.Tensor) -> int:
        hidden = self._model.encoder.backbone.hidden
        if boundary.level == "pooled":
            return len(lengths) * hidden * torch.float32.itemsize
        return int(lengths.sum()) * hidden * self._dtype.itemsize

    def _keep_only(self, paths: Sequence[Path]) -> None:
        """Take away what an earlier stage kept."""
        for old in self._folder.glob("*") if self._folder.is_dir() else ():
            if old not in paths:
                shutil.rmtree(old, ignore_errors=True)

    def _fits(self, needed: int, missing: int, note: Callable[[str], None]) -> bool:
        """Whether so much may be kept, of which so much is not there yet."""
        limit = int(self._settings.cache_gb * 1e9)
        here = next(place for place in (self._folder.resolve(), *self._folder.resolve().parents) if place.exists())
        free = shutil.disk_usage(here).free
        if needed <= limit and missing <= free:
            return True
        which = f"cache_gb is {self._settings.cache_gb:g}" if needed > limit else f"{size(free)} are free"
        line = f"training.cache: {size(needed)} would be kept of the frozen layers' output, and {which}"
        if self._settings.cache is True:
            raise UserError(f"{line}; raise it, make room, or leave cache out")
        note(f"! {line}: they run anew in every epoch")
        return False


def _sees_more(task: Task) -> bool:
    """Whether a head needs all layers, or a loss needs the texts themselves."""
    mixes = isinstance(task, LayerOptions) and task.layers == "mix"
    return mixes or (isinstance(task, PairsTask) and task.mini_batch_size is not None)


def _has_vectors(data: DataSet) -> bool:
    splits = [split for split in (data.train, data.validation) if not isinstance(split, StreamedExamples)]
    return any(example.vector is not None for split in splits for example in split)
