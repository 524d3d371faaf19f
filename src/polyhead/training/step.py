"""One optimizer step over any number of micro-batches: forward, backward, clip, update; or none, if not finite."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from polyhead.data.collate import Batch
from polyhead.kinds import PairsTask, Task
from polyhead.training.forward import Forward
from polyhead.training.gradient_cache import GradientCache
from polyhead.training.optimizer import clip, set_rates


@dataclass(frozen=True, slots=True)
class StepResult:
    """Each task's mean loss over the step, whether the update was made, and whether losses were finite."""

    losses: Mapping[str, float]
    applied: bool
    finite: bool


class Step:
    """Runs steps. A task's loss is its mean over all its labels in the step, however many micro-batches hold them."""

    def __init__(
        self,
        forward: Forward,
        tasks: Mapping[str, Task],
        weights: Mapping[str, float],
        optimizer: Optimizer,
        scaler: GradScaler,
        *,
        max_grad_norm: float,
    ) -> None:
        self.forward = forward
        self.tasks = tasks
        self.weights = weights
        self.optimizer = optimizer
        self.scaler = scaler
        self.max_grad_norm = max_grad_norm

    def __call__(self, batches: Sequence[Batch], *, factor: float) -> StepResult:
        """Losses and, where they and their gradients are finite, an update, by the rates times ``factor``."""
        set_rates(self.optimizer, factor)
        counts: dict[str, int] = {}
        for batch in batches:
            for name, count in batch.counts.items():
                counts[name] = counts.get(name, 0) + count
        sums = dict.fromkeys(counts, 0.0)
        learned = False
        for batch in batches:
            cache = self._cache(batch)
            losses = cache.losses() if cache else self.forward(batch)[1]
            weighted = [self.weights[name] / max(1, counts[name]) * loss for name, loss in losses.items()]
            for name, loss in losses.items():
                sums[name] += float(loss.detach())
            if not all(map(math.isfinite, sums.values())):
                break
            if weighted and (total := torch.stack(weighted).sum()).requires_grad:
                torch.autograd.backward(self.scaler.scale(total))
                if cache:
                    cache.backward()
                learned = True
        finite = all(map(math.isfinite, sums.values()))
        applied = finite and (not learned or self._update())
        self.optimizer.zero_grad(set_to_none=True)
        means = {name: value / counts[name] for name, value in sums.items() if counts[name]}
        return StepResult(means, applied, finite)

    def weighted_sum(self, losses: Mapping[str, float]) -> float:
        """The losses by their weights."""
        return sum((self.weights[name] * loss for name, loss in losses.items()), 0.0)

    def _cache(self, batch: Batch) -> GradientCache | None:
        """What takes the batch through the encoder in small parts, where its tasks ask for that."""
        sizes = [
            task.mini_batch_size
            for name in batch.targets
            if isinstance(task := self.tasks[name], PairsTask) and task.mini_batch_size
        ]
        if not sizes or len(batch.inputs.input_ids) <= min(sizes):
            return None
        return GradientCache(self.forward, batch, size=min(sizes))

    def _update(self) -> bool:
        """Clip and update, unless a gradient is not finite; with a scaler that is how it finds its scale."""
        self.scaler.unscale_(self.optimizer)
        norm = clip(self.forward.model, self.max_grad_norm)
        if not self.scaler.is_enabled():
            if math.isfinite(norm):
                self.optimizer.step()
            return math.isfinite(norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return math.isfinite(norm)


def seed_step(device: torch.device, *, seed: int, step: int) -> None:
    """Seed what the step draws (dropout) from the run's seed and its own number, so that any step can be repeated."""
    drawn = int(np.random.SeedSequence([seed, 4, step]).generate_state(1, np.uint64)[0])
    if device.type == "cpu":
        torch.default_generator.manual_seed(drawn)
    else:
        torch.manual_seed(drawn)
