"""The backbone: any transformers encoder or decoder, as token ids → token states."""

from collections.abc import Sequence
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from polyhead.modeling.unpadding import Unpadding

# Position tables of these families begin after the padding id: a table of 514 rows holds 512 positions.
_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "camembert", "mpnet", "xmod", "longformer", "data2vec-text"}

POOLER = "pooler"
"""What networks call a module that makes something else of the first token's state, which nobody reads here."""


class Backbone(nn.Module):
    """Wraps a transformers model whose output has a ``last_hidden_state``."""

    unpads = False
    """Whether batches lose their padding on the way; the network must hand the unpadding on to its attention."""

    def __init__(self, *, network: Any) -> None:
        super().__init__()
        self.network = network
        keeps_cache = "use_cache" in signature(network.forward).parameters
        self._options = {"use_cache": False} if keeps_cache else {}

    @property
    def hidden(self) -> int:
        """Width of the token states."""
        return int(self.network.config.hidden_size)

    @property
    def layers(self) -> int:
        """Number of transformer layers."""
        return int(self.network.config.num_hidden_layers)

    @property
    def vocabulary(self) -> int:
        """Rows of the token embedding."""
        return int(self.network.get_input_embeddings().num_embeddings)

    def layer_list(self) -> list[nn.Module]:
        """The transformer layers, from the bottom up; none where they share their weights (ALBERT)."""
        lists = [list(module) for module in self.network.modules() if isinstance(module, nn.ModuleList)]
        return next((each for each in lists if len(each) == self.layers), [])

    def forward(self, input_ids: Tensor, attention_mask: Tensor, *, layers: bool = False) -> Sequence[Tensor]:
        """Token states of the last layer, or with ``layers`` of every layer from the embedding on.

        *Shapes:* (texts, tokens) → (texts, tokens, hidden) each.
        """
        own, found = self.layer_list() if layers else [], list[Tensor]()

        def entered(module: nn.Module, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
            found.append(arguments[0] if arguments else options["hidden_states"])

        # Hooks of our own: those of transformers are put on once a network, and networks here share layers.
        handles = [layer.register_forward_pre_hook(entered, with_kwargs=True) for layer in own]
        options = {**self._options, **({"output_hidden_states": True} if layers and not own else {})}
        unpadding = self.unpadding(attention_mask)
        if unpadding is None:
            given: dict[str, Any] = {"input_ids": input_ids, "attention_mask": attention_mask}
        else:
            positions = unpadding.remove(self._positions(input_ids))
            given = {"input_ids": unpadding.remove(input_ids), "position_ids": positions, "unpadding": unpadding}
        try:
            output = self.network(**given, return_dict=True, **options)
        finally:
            for handle in handles:
                handle.remove()
        if layers and not own:
            found = list(output.hidden_states[:-1])
        found.append(output.last_hidden_state)
        return found if unpadding is None else [unpadding.restore(states) for states in found]

    def _positions(self, input_ids: Tensor) -> Tensor:
        """The rows of the position table, as the network itself counts: some families pass by a text's padding ids."""
        first = first_position(self.network.config)
        if not first:
            return torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)
        present = input_ids.ne(first - 1).long()
        return present.cumsum(1) * present + first - 1

    def unpadding(self, attention_mask: Tensor) -> Unpadding | None:
        """How this batch loses its padding, if it has enough of it; a single text stays as it is."""
        found = Unpadding(attention_mask) if self.unpads and len(attention_mask) > 1 else None
        return found if found is not None and found.worth else None


def max_positions(config: Any) -> int | None:
    """The most tokens that a backbone of this transformers config can read, ``None`` for no limit."""
    positions = getattr(config, "max_position_embeddings", None)
    if not positions or positions < 0:
        return None
    return int(positions) - first_position(config)


def first_position(config: Any) -> int:
    """The row of the position table that a text's first token has."""
    if config.model_type not in _OFFSET_POSITIONS:
        return 0
    return int(config.pad_token_id if config.pad_token_id is not None else 1) + 1
