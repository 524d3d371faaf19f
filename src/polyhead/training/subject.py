"""What is trained and what is saved of it: a whole model, or what its heads on one branch see of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from polyhead.data.example import DataSet, labelled_tasks
from polyhead.data.stream import StreamedExamples
from polyhead.errors import UserError
from polyhead.modeling.model import MultiTaskModel
from polyhead.pretrained import Pretrained
from polyhead.training.embedding import Keeping
from polyhead.training.embedding.monitor import measured
from polyhead.training.plans.lora import adapters, merged


@dataclass(frozen=True, slots=True)
class Subject:
    """``view`` is what the loop works on: ``whole`` itself, or the way through ``branch`` as a model of its own."""

    whole: Pretrained
    view: Pretrained
    branch: str | None = None

    @classmethod
    def of(cls, pretrained: Pretrained, branch: str | None, data: Sequence[DataSet]) -> "Subject":
        """The part of ``pretrained`` that ``data`` teaches.

        Raises:
            UserError: the data has labels of heads that stand elsewhere.
        """
        for name in sorted({name for each in data for name in labelled_tasks(each.train)}):
            stands_on = pretrained.heads[name].branch
            if stands_on == branch:
                continue
            if stands_on is None:
                raise UserError(
                    f"tasks.{name}: its head stands on the encoder, which embedding.mode: fork keeps as it is;"
                    " name the task otherwise, or train it without a fork"
                )
            raise UserError(
                f"tasks.{name}: its head stands on the branch {stands_on}; train it with"
                f" embedding: {{mode: fork, top: …, name: {stands_on}}}"
            )
        if branch is None:
            return cls(pretrained, pretrained)
        heads = {name: head for name, head in pretrained.heads.items() if head.branch == branch}
        return cls(pretrained, replace(pretrained, model=pretrained.model.through(branch), heads=heads), branch)

    def trained(self) -> MultiTaskModel:
        """The whole model as it is now, adapters added to the weights that they belong to."""
        if self.branch is None:
            return merged(self.whole.model)
        if not adapters(self.view.model):
            return self.whole.model
        model = self.whole.model
        own = model.branches[self.branch].with_layers_of(
            merged(self.view.model).encoder.backbone, model.encoder.backbone
        )
        return model.with_branch(self.branch, own)


def check_keeping(subject: Subject, keeping: Keeping, data: Sequence[DataSet], learns: Collection[str]) -> None:
    """Whether the embedding can be kept as it is wanted while parameters with these names learn.

    Raises:
        UserError: it cannot.
    """
    view, mode = subject.view, keeping.settings.mode
    taught = {name for each in data for name in labelled_tasks(each.train)}
    for name in sorted(taught) if subject.branch else ():
        if view.tasks[name].kind in ("similarity", "pairs") or view.tasks[name].reads_embedding:
            raise UserError(
                f"tasks.{name}: reads the embedding, which embedding.mode: fork keeps from learning; use mode: anchor,"
                " or train it apart"
            )
    if subject.branch is None and subject.whole.model.branches and encoder_learns(learns):
        names = ", ".join(subject.whole.model.branches)
        raise UserError(
            f"training.plan: the model's branches ({names}) stand on its encoder, which must stay as it is: use plan:"
            " probe, or embedding: {mode: fork, …}"
        )
    others = sorted(view.heads.keys() - taught) if subject.branch else []
    if others and encoder_learns(learns):
        raise UserError(
            f"embedding.name: the branch {subject.branch} carries {', '.join(others)}, which has no data here and would"
            " drift; give the new branch a name of its own, or use plan: probe"
        )
    if keeping.settings.interpolate and not encoder_learns(learns):
        raise UserError(
            "embedding.interpolate: nothing of the encoder learns, so there is nothing to mix; leave it out"
        )
    other = keeping.original
    if keeping.settings.max_drop is not None and keeping.pairs is None and other is not None:
        widths = (other.model.encoder.width, subject.whole.model.encoder.width)
        if widths[0] != widths[1]:
            raise UserError(
                f"embedding.max_drop: the embedding has {widths[1]} numbers, the original {widths[0]}: what is lost can"
                " only be measured on pairs; name embedding.pairs"
            )
    if keeping.settings.max_drop is not None and not measured(keeping, data):
        raise UserError("embedding.max_drop: there is no text to measure the embedding on; name pairs or texts")
    for each in data if mode == "anchor" else ():
        if isinstance(each.train, StreamedExamples):
            raise UserError(
                f"data.{each.name}: embedding.mode: anchor keeps a vector a text, but this streams; use mode: fork"
            )


def encoder_learns(learns: Collection[str]) -> bool:
    """Whether the embedding may move while parameters with these names learn."""
    return any(name.startswith(("backbone.", "pooling.", "projection.")) for name in learns)
