"""The torch engine: the model as it is, the backbone in the dtype that the hardware is fast at.

On a CPU, two batches on a core each are done sooner than the same two one after the other on both cores: nothing waits
for the other core after each small product (measured in docs/benchmarks.md). So it has lanes.
"""

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from threading import Lock, Thread

import numpy as np
import torch
from torch import Tensor

from polyhead.data.collate import to_inputs
from polyhead.inference.engines.base import EngineOutput
from polyhead.kinds.base import FloatArray
from polyhead.modeling.backbone import Backbone, max_positions
from polyhead.modeling.model import MultiTaskModel
from polyhead.pretrained.attention import can_unpad
from polyhead.pretrained.computing import computing_model
from polyhead.pretrained.hardware import batch_tokens, resolve_device, resolve_dtype
from polyhead.text.batches import Padded

_UNBOUNDED = 2**20
_MOST_LANES = 8
"""More would wait for Python rather than for each other; lanes of several cores each are what is left."""


class TorchEngine:
    """Runs ``computing_model``: the backbone is a copy if the dtype is narrower, all else the model's own."""

    def __init__(self, model: MultiTaskModel, *, device: str | None = None, dtype: str = "auto") -> None:
        self.device = resolve_device(device)
        self.dtype = resolve_dtype(dtype, self.device)
        self.max_tokens = batch_tokens(self.device)
        self.max_width = max_positions(model.encoder.backbone.network.config) or _UNBOUNDED
        self._threads = torch.get_num_threads()
        self._lanes = min(self._threads, _MOST_LANES) if self.device.type == "cpu" else 1
        self._turn = Lock()
        self.model = computing_model(model.to(self.device).eval(), dtype=self.dtype)

    def leave_out_padding(self) -> None:
        """Compute texts of unlike length without their padding in fp32 on a CPU, too, if the backbone can.

        It is for rounds as a server has them: of texts sorted by length there is little to leave out. Answers are the
        same to float tolerance, not to the bit. The backbone's weights stay shared.
        """
        backbone = self.model.encoder.backbone
        fp32 = self.device.type == "cpu" and self.dtype == torch.float32
        if fp32 and not self.model.branches and can_unpad(backbone.network.config):
            own = Backbone(network=backbone.network).eval()
            own.unpads = True
            self.model = self.model.with_backbone(own)

    @property
    def unpads(self) -> bool:
        """Whether padding is left out of all but attention; a branch's layers know of nothing that is left out."""
        return self.model.encoder.backbone.unpads and not self.model.branches

    @property
    def lanes(self) -> int:
        """Batches at a time: as many as there are cores, eight at most; one where passes are watched, and on a GPU."""
        return 1 if self._watched else self._lanes

    @property
    def _watched(self) -> bool:
        """Whether passes are watched by hooks on their layers, which would see each other's: branches, mixed layers."""
        return bool(self.model.branches) or any(self.model.heads[name].reads_layers for name in self.model.heads)

    def __call__(
        self, padded: Padded, *, tasks: Collection[str], pairs: Collection[str] = (), token_states: bool = False
    ) -> EngineOutput:
        """One forward pass; one at a time where passes are watched, whatever thread asks."""
        with self._turn if self._watched else nullcontext():
            return self._pass(padded, tasks, pairs, token_states=token_states)

    @torch.inference_mode()
    def _pass(
        self, padded: Padded, tasks: Collection[str], pairs: Collection[str], *, token_states: bool
    ) -> EngineOutput:
        heads = self.model.heads
        encoded, views = self.model.views(to_inputs(padded).to(self.device), (*tasks, *pairs))
        logits = {name: _numpy(heads[name].answer(heads[name](views[name]), views[name])) for name in tasks}
        features = {name: _numpy(heads[name].features(views[name])) for name in pairs}
        tokens = _numpy(encoded.tokens) if token_states else None
        return EngineOutput(_numpy(encoded.embedding), logits, features, tokens)

    def enter_lane(self) -> None:
        """Take a lane's share of the cores for this thread's operations.

        torch keeps the number a thread, and the last one that was set for threads to come, which they take when they
        first look: this one must have looked before that is all cores again.
        """
        torch.set_num_threads(self._threads // self._lanes)
        torch.get_num_threads()
        others = Thread(target=torch.set_num_threads, args=(self._threads,))
        others.start()
        others.join()

    @torch.inference_mode()
    def classify(self, task: str, features: Sequence[FloatArray]) -> FloatArray:
        """Logits from features that were read before."""
        tensors = [torch.from_numpy(np.require(each, np.float32, ["C", "W"])).to(self.device) for each in features]
        return _numpy(self.model.heads[task].classify(*tensors))


def _numpy(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.float().cpu().numpy()
    return array
