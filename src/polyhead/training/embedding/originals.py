"""Where the embeddings of the training texts were before training, for the anchor.

They are computed once, by the model as it is before the first step, and kept on the disk; a step only looks
them up.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf, isfinite
from pathlib import Path

import torch
from torch import Tensor

from polyhead.data.collate import Batch
from polyhead.data.example import DataSet
from polyhead.errors import UserError
from polyhead.kinds import EMBEDDING
from polyhead.modeling.encoded import Inputs, Known
from polyhead.modeling.encoder import Encoder
from polyhead.modeling.model import MultiTaskModel
from polyhead.printing import size
from polyhead.training.activations.lower import Boundary, Lower, Reading
from polyhead.training.activations.rows import Texts
from polyhead.training.activations.store import make_room
from polyhead.training.plans.lora import merged
from polyhead.training.sampling import Draw

UNLABELLED = "unlabelled texts"
"""The name of the data set that they are."""


class Originals:
    """Every training text's original embedding, by its data set and row."""

    def __init__(
        self,
        model: MultiTaskModel,
        reading: Reading,
        sets: Sequence[DataSet],
        *,
        dtype: torch.dtype,
        folder: Path,
        limit: float = inf,
        advance: Callable[[int, int], None] = lambda done, total: None,
        note: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Run the model's encoder over all texts, or find in ``folder`` what it gave earlier.

        Raises:
            UserError: more than ``limit`` bytes would have to be kept, the disk is full, or the place cannot be
                written.
        """
        model = merged(model)  # before the first step adapters give nothing, and prediction's packed layers have none
        encoder = model.encoder
        boundary = Boundary("pooled", encoder.backbone.layers)
        lower = Lower(model, reading, boundary, dtype)
        self._texts: dict[str, Texts] = {}
        self._after = _after_pooling(encoder)
        examples = {each.name: each.train for each in sets}
        total, done = sum(1 + len(row.others) for rows in examples.values() for row in rows), 0
        needed = lower.size(torch.ones(total, dtype=torch.int64))
        if needed > limit:
            raise UserError(
                f"embedding.mode: anchor keeps {size(needed)} of original embeddings, and training.cache_gb is"
                f" {limit / 1e9:g}; raise it, or name fewer texts"
            )
        note(f"cache: {size(needed)} of original embeddings in {folder}")

        def told(count: int) -> None:
            nonlocal done
            done += count
            advance(done, total)

        texts = {name: [text for row in rows for text in row.texts] for name, rows in examples.items()}
        paths = {name: folder / lower.key(own) for name, own in texts.items()}
        if isfinite(limit):
            make_room(folder, [*paths.values()], int(limit) - needed)
        for name, rows in examples.items():
            states = lower.kept(paths[name], texts[name], reading.lengths(texts[name]), told)
            self._texts[name] = Texts(rows, states, boundary)

    def beside(self, batch: Batch, draw: Draw, name: str) -> Batch:
        """The batch of a draw from the data set ``name``, with the originals of its texts."""
        numbers, _ = self._texts[name].numbers(torch.from_numpy(draw.rows))
        original = self._after(self._texts[name].known(numbers, 0))
        return replace(batch, originals=original, counts={**batch.counts, EMBEDDING: len(original)})


def _after_pooling(encoder: Encoder) -> Callable[[Known], Tensor]:
    """From pooled vectors to embeddings, by what the encoder has now."""
    nothing = torch.zeros((1, 0), dtype=torch.int64)
    own = Encoder(
        backbone=encoder.backbone,
        pooling=encoder.pooling,
        projection=copy.deepcopy(encoder.projection).cpu() if encoder.projection else None,
        normalize=encoder.normalize,
    )

    @torch.no_grad()
    def embedded(known: Known) -> Tensor:
        found: Tensor = own(Inputs(nothing, nothing, nothing, known=known)).embedding
        return found

    return embedded
