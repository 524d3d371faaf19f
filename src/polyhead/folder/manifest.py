"""``polyhead.json`` and the heads' folders: what a model folder holds beside the sentence-transformers model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from polyhead.errors import UserError, shown
from polyhead.folder.files import read_json, write_json
from polyhead.kinds import KINDS, Task

MANIFEST = "polyhead.json"
HEADS = "heads"
BRANCHES = "branches"
CARD = "README.md"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class HeadRecord:
    """What a folder says about one head.

    ``encoder_hash`` is that of the encoder which the head belongs to; ``trained`` is False where that encoder moved
    in a training in which the head had no data, so that its answers may have drifted. ``branch`` is the branch that it
    stands on, None for the encoder itself.
    """

    task: Task
    encoder_hash: str
    weights_hash: str
    trained: bool = True
    branch: str | None = None
    evaluation: Mapping[str, Any] | None = None
    """``rows`` and ``metrics`` of the validation data of its training."""


@dataclass(frozen=True, slots=True)
class BranchRecord:
    """What a folder says about one branch: the layer above which it begins, its encoder's hash, its weights' hash."""

    depth: int
    encoder_hash: str
    weights_hash: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The model that a training started from: its name or folder, and its encoder's hash."""

    model: str
    encoder_hash: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """``encoder_hash``, every head and every branch, by name.

    ``origin`` is what the last training started from, ``embedding`` what the embedding was measured to be after it.
    """

    encoder_hash: str
    heads: Mapping[str, HeadRecord]
    branches: Mapping[str, BranchRecord] = field(default_factory=dict)
    origin: Origin | None = None
    embedding: Mapping[str, Any] | None = None
    datasets: Sequence[str] = ()
    """The data sets of the Hub that it was trained on."""


def write_manifest(folder: Path, manifest: Manifest, *, version: str) -> None:
    """Write ``polyhead.json`` and each head's config."""
    for name, head in manifest.heads.items():
        labels = dict(enumerate(head.task.outputs))
        config = {
            "task": head.task.model_dump(mode="json"),
            "id2label": {str(index): label for index, label in labels.items()},
            "label2id": {label: index for index, label in labels.items()},
            "encoder_hash": head.encoder_hash,
            "weights_hash": head.weights_hash,
            "trained": head.trained,
            "branch": head.branch,
            "evaluation": head.evaluation,
        }
        write_json(folder / HEADS / name / "config.json", config)
    top = {
        "format_version": FORMAT_VERSION,
        "polyhead_version": version,
        "encoder_hash": manifest.encoder_hash,
        "heads": list(manifest.heads),
        "branches": {name: asdict(branch) for name, branch in manifest.branches.items()},
        "origin": None if manifest.origin is None else asdict(manifest.origin),
        "embedding": manifest.embedding,
        "datasets": list(manifest.datasets),
    }
    write_json(folder / MANIFEST, top)


def read_manifest(folder: Path) -> Manifest | None:
    """The folder's manifest, ``None`` where it is a plain sentence-transformers or transformers folder.

    Raises:
        UserError: a newer format, or a file that does not say what it must.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    top = read_json(path)
    if top.get("format_version") != FORMAT_VERSION:
        found = shown(top.get("format_version"))
        raise UserError(f"{path}: format_version must be {FORMAT_VERSION}, found {found}; update polyhead")
    names = top.get("heads")
    if not isinstance(names, list) or not all(isinstance(name, str) and _is_plain(name) for name in names):
        raise UserError(f"{path}: heads must be a list of task names, found {shown(names)}")
    heads = {name: _read_head(folder / HEADS / name / "config.json") for name in names}
    try:
        branches = {name: _branch(name, each) for name, each in (top.get("branches") or {}).items()}
        origin = Origin(**top["origin"]) if top.get("origin") else None
        embedding = top.get("embedding")
        if not (embedding is None or (isinstance(embedding, dict) and {"texts", "drift"} <= embedding.keys())):
            raise TypeError
    except (TypeError, AttributeError):
        raise UserError(f"{path}: branches, origin or embedding are not as they are written; get it anew") from None
    for name, head in heads.items():
        if head.branch is not None and head.branch not in branches:
            raise UserError(f"{path}: head {name} stands on the branch {shown(head.branch)}, which is not there")
    datasets = [name for name in top.get("datasets") or () if isinstance(name, str)]
    return Manifest(str(top.get("encoder_hash")), heads, branches, origin, top.get("embedding"), datasets)


_OURS = {"1_Pooling", "2_Dense", "2_Normalize", "3_Normalize", HEADS, BRANCHES, CARD, "vocab.txt", "merges.txt"}


def check_replaceable(folder: Path) -> None:
    """Refuse to write over a folder that holds anything but a model.

    Raises:
        UserError: it does.
    """
    if not folder.is_dir():
        return
    entries = sorted(path.name for path in folder.iterdir())
    weights = (".json", ".safetensors", ".model", ".jinja")
    foreign = [name for name in entries if name not in _OURS and (name[0] == "." or not name.endswith(weights))]
    if entries and (foreign or MANIFEST not in entries):
        found = shown(", ".join(foreign or entries), 80)
        raise UserError(f"{folder}: saving replaces a model folder or an empty one; here is {found}; choose another")


def _branch(name: str, values: Any) -> BranchRecord:
    record = BranchRecord(**values)
    if not _is_plain(name) or type(record.depth) is not int:
        raise TypeError
    return record


def _evaluation(found: Any) -> dict[str, Any] | None:
    """Rows and metrics, if they are numbers; they decide nothing, so that others are passed over."""
    metrics = found.get("metrics") if isinstance(found, dict) else None
    if not isinstance(metrics, dict) or not isinstance(found.get("rows"), int):
        return None
    numbers = {name: value for name, value in metrics.items() if isinstance(value, int | float)}
    return {"rows": found["rows"], "metrics": numbers}


def _is_plain(name: str) -> bool:
    return name not in {"", ".", ".."} and "/" not in name and "\\" not in name


def _read_head(path: Path) -> HeadRecord:
    config = read_json(path)
    task: Any = config.get("task")
    kind = task.get("kind") if isinstance(task, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise UserError(f"{path}: the kind must be one of {', '.join(KINDS)}, found {shown(kind)}")
    try:
        parsed = KINDS[kind].model_validate(task)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}: task.{place}: {first['msg']}") from None
    return HeadRecord(
        parsed,
        encoder_hash=str(config.get("encoder_hash")),
        weights_hash=str(config.get("weights_hash")),
        trained=bool(config.get("trained", True)),
        branch=None if config.get("branch") is None else str(config["branch"]),
        evaluation=_evaluation(config.get("evaluation")),
    )
