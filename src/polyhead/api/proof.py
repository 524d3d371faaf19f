"""Proof that a change of some heads left everything else alone: hashes over answers to a fixed set of texts."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from polyhead.api.model import Polyhead
from polyhead.data.example import Example
from polyhead.kinds import EMBEDDING
from polyhead.pretrained import Pretrained

TEXTS = (
    "The night train to Lisbon leaves from platform four.",
    "Could somebody close the window?",
    "a",
    "Zoë paid 1,200.50 € on 3 March 2024 — and wasn’t amused!",
    "東京の天気はどうですか。 Привет, мир 🙂",
    "Rivers carry what mountains lose, and the sea keeps the account. " * 40,
    "ALL CAPITALS, no sense; [brackets] <tags> & \t tabs",
    "Acme Corp. hired Dana Whitfield away from Globex in Springfield.",
)


def fingerprint(pretrained: Pretrained) -> dict[str, str]:
    """SHA-256 of the embedding and of each head's logits for ``TEXTS``, fp32 on the CPU; pairs are neighbours."""
    model = Polyhead(pretrained, device="cpu", dtype="float32")
    examples = [Example(text, others=(TEXTS[number - 1],)) for number, text in enumerate(TEXTS)]
    digests = {name: hashlib.sha256() for name in (EMBEDDING, *model.tasks)}
    prompt = pretrained.settings.prompt_text()
    # A text a batch: how many others there are, and how long, depends on the heads that read pairs.
    for row in model.predictor.rows(examples, tasks=list(model.tasks), prompt=prompt, max_rows=1):
        for name, values in {EMBEDDING: row.embedding, **row.logits}.items():
            digests[name].update(np.ascontiguousarray(values).tobytes())
    return {name: digest.hexdigest() for name, digest in digests.items()}


@dataclass(frozen=True, slots=True)
class Line:
    """One answer's hash before and after a change, None where it was not there; ``changed`` says that it was to be."""

    name: str
    before: str | None
    after: str | None
    changed: bool

    @property
    def holds(self) -> bool:
        """Whether what was to stay did so."""
        return self.changed or self.before == self.after


def proof(
    before: Mapping[str, str],
    after: Mapping[str, str],
    *,
    changed: Collection[str] = (),
    renamed: Mapping[str, str] | None = None,
) -> list[Line]:
    """A line for the embedding and each head; ``renamed`` maps new names to old ones."""
    old = renamed or {}
    lines = [Line(name, before.get(old.get(name, name)), own, name in changed) for name, own in after.items()]
    gone = [name for name in before if name not in after and name not in old.values()]
    return lines + [Line(name, before[name], None, name in changed) for name in gone]
