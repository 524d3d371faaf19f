"""Gradient caching: a loss that compares all rows of a large batch, in the memory of a small one.

The texts pass through the encoder in small parts without gradients; the loss is computed on all of their vectors, and
its gradients by these vectors are kept; then each part passes once more, and those gradients go on into the encoder
(Gao et al., 2021, arXiv 2101.06983). The result is that of one large batch; dropout repeats itself from the random
state that each part began with.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from polyhead.data.collate import Batch
from polyhead.modeling.encoded import Encoded, Inputs
from polyhead.training.forward import Forward


class GradientCache:
    """One batch on its two ways through the encoder, ``size`` texts at a time."""

    def __init__(self, forward: Forward, batch: Batch, *, size: int) -> None:
        self._forward = forward
        self._batch = batch
        self._inputs = batch.inputs.to(forward.device)
        self._parts = list(_parts(self._inputs, size))
        self._states: list[Tensor] = []
        self._pooled = self._embedding = torch.empty(0)

    def losses(self) -> dict[str, Tensor]:
        """The *sum* of each task's losses; ``backward`` of a sum of them, then ``backward`` here."""
        found: list[tuple[Tensor, Encoded]] = []
        with torch.no_grad():
            for rows, inputs in self._parts:
                self._states.append(_random_state(self._forward.device))
                found.append((rows, self._encode(inputs)))
        order = torch.cat([rows for rows, _ in found]).argsort()
        self._pooled = torch.cat([each.pooled for _, each in found])[order].requires_grad_()
        self._embedding = torch.cat([each.embedding for _, each in found])[order].requires_grad_()
        nothing = self._pooled.new_zeros((len(self._pooled), 0, self._forward.model.encoder.backbone.hidden))
        inputs = self._inputs
        encoded = Encoded(
            nothing, inputs.attention_mask, inputs.pooling_mask, self._pooled, self._embedding, parts=inputs.parts
        )
        return self._forward.heads(encoded, self._batch)

    def backward(self) -> None:
        """Take the gradients that the vectors have by now on into the encoder."""
        for (rows, inputs), state in zip(self._parts, self._states, strict=True):
            _set_random_state(self._forward.device, state)
            encoded = self._encode(inputs)
            pairs = [
                (vectors, leaf.grad[rows])
                for vectors, leaf in ((encoded.pooled, self._pooled), (encoded.embedding, self._embedding))
                if leaf.grad is not None and vectors.requires_grad
            ]
            if pairs:
                vectors, gradients = zip(*pairs, strict=True)
                torch.autograd.backward(vectors, gradients)

    def _encode(self, inputs: Inputs) -> Encoded:
        with self._forward.autocast():
            encoded: Encoded = self._forward.model.encoder(inputs)
        return encoded


def _parts(inputs: Inputs, size: int) -> Iterator[tuple[Tensor, Inputs]]:
    """Texts of like length together, without the padding that they do not need: their numbers, and their inputs."""
    lengths = inputs.attention_mask.sum(dim=1)
    for rows in torch.split(lengths.argsort(descending=True), size):
        longest = int(lengths[rows].max())
        yield (
            rows,
            Inputs(
                inputs.input_ids[rows, :longest],
                inputs.attention_mask[rows, :longest],
                inputs.pooling_mask[rows, :longest],
            ),
        )


def _random_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _set_random_state(device: torch.device, state: Tensor) -> None:
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
