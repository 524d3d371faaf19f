"""A model's card: ``README.md`` with the Hub's metadata, written from the model itself. Its code runs as it stands."""

import re
from collections.abc import Iterator, Mapping
from shlex import quote

from huggingface_hub import EvalResult, ModelCardData

from polyhead._version import __version__
from polyhead.folder.hub import HUB_NAME
from polyhead.pretrained.pretrained import Head, Pretrained
from polyhead.printing import printable

_ON_THE_HUB = {
    "classification": "text-classification",
    "multilabel": "text-classification",
    "regression": "text-classification",
    "tagging": "token-classification",
    "similarity": "sentence-similarity",
    "pairs": "sentence-similarity",
}
_VALIDATION = "validation data of its training"
_LABELS = 20
_SAME = 1e-4
_TAGS = ("sentence-transformers", "polyhead", "feature-extraction", "sentence-similarity")


def card(pretrained: Pretrained, name: str) -> str:
    """The card of a model that is opened as ``name``: its folder's name, from the one around it, or that on the Hub."""
    name = name.encode("utf-8", "replace").decode()
    return f"---\n{_metadata(pretrained, name).to_yaml()}\n---\n\n" + "\n".join(_body(pretrained, name)) + "\n"


def _metadata(pretrained: Pretrained, name: str) -> ModelCardData:
    heads = pretrained.heads
    kinds = dict.fromkeys(_ON_THE_HUB[head.task.kind] for head in heads.values())
    origin = pretrained.origin.model if pretrained.origin is not None else ""
    results = [
        EvalResult(
            task_type=_ON_THE_HUB[head.task.kind],
            task_name=task,
            dataset_type="validation",
            dataset_name=_VALIDATION,
            dataset_config=task,  # figures are grouped by task type and data set: a group a head
            metric_type=metric,
            metric_name=f"{task}.{metric}",
            metric_value=round(value, 6),
        )
        for task, head in heads.items()
        for metric, value in _metrics(head).items()
    ]
    return ModelCardData(
        model_name=name,
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=list(dict.fromkeys([*_TAGS, *kinds])),
        base_model=origin if HUB_NAME.fullmatch(origin) else None,
        datasets=list(pretrained.datasets) or None,
        eval_results=results or None,
    )


def _body(pretrained: Pretrained, name: str) -> Iterator[str]:
    settings, heads = pretrained.settings, pretrained.heads
    encoder = pretrained.model.encoder
    own = repr(name)
    yield f"# {_cell(name)}\n"
    count = f"{len(heads)} head{'' if len(heads) == 1 else 's'}"
    yield (
        f"A sentence encoder with {count}: text passes the transformer once, and out come its embedding "
        f"({encoder.width} numbers, {settings.pooling} pooling) and every head's answer. At most {settings.max_length} "
        f"tokens of a text are read. Made with Polyhead {__version__}.\n"
    )
    if heads:
        yield "| head | kind | labels | on the validation data of its training |\n|---|---|---|---|"
        yield from (
            f"| `{task}` | {head.task.kind} | {_labels(head)} | {_scores(head)} |" for task, head in heads.items()
        )
        yield ""
    yield "## Use\n"
    if "/" not in name:
        yield "The name below is this folder's, for the folder around it; elsewhere give its path.\n"
    yield f"```python\nfrom polyhead import Polyhead\n\nmodel = Polyhead.from_pretrained({own})"
    alone = [task for task, head in heads.items() if head.task.level != "pair"]
    pairs = [task for task, head in heads.items() if head.task.level == "pair" and head.task.kind != "pairs"]
    if alone:
        yield 'answer = model.predict("The ferry to Oslo was on time.")'
        yield from (f"print(answer[{task!r}])" for task in alone)
    if pairs:
        yield 'pair = model.predict({"text": "The ferry was on time.", "text_pair": "The boat was not late."})'
        yield from (f"print(pair[{task!r}])" for task in pairs)
    yield f'print(model.encode(["The ferry to Oslo was on time."]).shape)  # (1, {encoder.width})\n```\n'
    yield "The embedding alone, with sentence-transformers:\n"
    yield (
        f"```python\nfrom sentence_transformers import SentenceTransformer\n\nencoder = SentenceTransformer({own})\n"
        f'print(encoder.encode(["The ferry to Oslo was on time."]).shape)  # (1, {encoder.width})\n```\n'
    )
    yield f"On the command line:\n\n```sh\npolyhead info {quote(name)}\npolyhead serve {quote(name)}\n```\n"
    yield "## What to know\n"
    yield from _limits(pretrained)


def _limits(pretrained: Pretrained) -> Iterator[str]:
    if pretrained.origin is not None:
        at = pretrained.origin.model
        known = f"`{at}`" if HUB_NAME.fullmatch(at) else "a model in a local folder"
        yield f"- Its training started from {known}."
    drift = (pretrained.embedding or {}).get("drift")
    if drift:
        yield f"- {_of_drift(drift)}"
    drifted = [task for task, head in pretrained.heads.items() if not head.trained]
    if drifted:
        yield f"- Not trained on this encoder: {', '.join(f'`{task}`' for task in drifted)}."
    yield "- Figures above are of validation data, on which choices were made; judge it on test data of your own."
    yield "- It knows what its training data showed it: other languages, domains and times are untested."


def _of_drift(drift: Mapping[str, float | None]) -> str:
    """A sentence about an embedding's ``EmbeddingDrift``; what is not known of it is None."""
    cosine, neighbours = drift["cosine"], drift["neighbours"]
    if cosine is not None and cosine > 1 - _SAME and neighbours == 1:
        return "The embedding is where it was before the heads were trained."
    known = [] if cosine is None else [f"mean cosine to the original {cosine:.3f}"]
    known += [] if neighbours is None else [f"{neighbours:.0%} of the ten nearest neighbours are the same"]
    return f"The embedding is not where it was{': ' if known else ''}{', '.join(known)}."


def _labels(head: Head) -> str:
    labels = head.task.labels
    shown = ", ".join(_cell(label) for label in labels[:_LABELS])
    return (shown + (f" and {len(labels) - _LABELS} more" if len(labels) > _LABELS else "")) or "–"


def _scores(head: Head) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in list(_metrics(head).items())[:2]) or "–"


def _metrics(head: Head) -> Mapping[str, float]:
    found: Mapping[str, float] = head.evaluation["metrics"] if head.evaluation else {}
    return found


def _cell(text: str) -> str:
    """A user's text in Markdown: one line, no markup."""
    plain = printable(text, 60)
    return re.sub(r"([\\`*_{}\[\]()#+!|<>&~])", r"\\\1", plain)
