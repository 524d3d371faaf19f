"""The layout of sentence-transformers folders: every foreign file name and key lives here.

Read: Transformer + Pooling (+ Dense, Normalize), in the legacy and in the compact spelling. Written: the legacy
spelling, which every release and every server reads.
"""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from polyhead.errors import UserError, shown
from polyhead.folder.files import read_json, read_json_value, write_json
from polyhead.folder.settings import EncoderSettings, ProjectionSettings

MODULES = "modules.json"
POOLING = "1_Pooling"
DENSE = "2_Dense"
NORMALIZE = "3_Normalize"
_TRANSFORMER_CONFIG = "sentence_bert_config.json"
_MODEL_CONFIG = "config_sentence_transformers.json"

_POOLING_NAMES = {"cls": "cls", "mean": "mean", "max": "max", "lasttoken": "last"}
_LEGACY_POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_ACTIVATIONS = {
    "torch.nn.modules.linear.Identity": "identity",
    "torch.nn.Identity": "identity",
    "torch.nn.modules.activation.Tanh": "tanh",
    "torch.nn.Tanh": "tanh",
}


class Layout(NamedTuple):
    """What a folder says about its encoder, and where its Dense weights lie."""

    settings: EncoderSettings
    dense: Path | None


def is_sentence_transformer(folder: Path) -> bool:
    """Whether the folder has a list of modules."""
    return (folder / MODULES).is_file()


def read_layout(folder: Path) -> Layout:
    """The encoder that a folder describes.

    Raises:
        UserError: a module, pooling or activation that Polyhead does not have, by its name.
    """
    modules = _modules(folder)
    kinds = [kind for kind, _ in modules]
    if kinds not in (
        ["Transformer", "Pooling"],
        ["Transformer", "Pooling", "Dense"],
        ["Transformer", "Pooling", "Normalize"],
        ["Transformer", "Pooling", "Dense", "Normalize"],
    ):
        known = "Transformer + Pooling (+ Dense) (+ Normalize)"
        raise UserError(f"{folder / MODULES}: opened are {known}, found {shown(' + '.join(kinds))}")
    places = {kind: folder / path for kind, path in modules}
    transformer = _first_json(places["Transformer"], _TRANSFORMER_CONFIG)
    model = _first_json(folder, _MODEL_CONFIG)
    pooling = read_json(places["Pooling"] / "config.json")
    prompts = model.get("prompts") or {}
    if not isinstance(prompts, dict):
        raise UserError(f"{folder / _MODEL_CONFIG}: prompts must map names to texts, found {shown(prompts)}")
    longest = transformer.get("max_seq_length")
    if longest is not None and (not isinstance(longest, int) or isinstance(longest, bool)):
        raise UserError(
            f"{folder / _TRANSFORMER_CONFIG}: max_seq_length must be a whole number, found {shown(longest)}"
        )
    settings = EncoderSettings(
        pooling=_pooling_mode(places["Pooling"] / "config.json", pooling),
        pool_prompt=bool(pooling.get("include_prompt", True)),
        projection=_projection(places["Dense"] / "config.json") if "Dense" in places else None,
        normalize="Normalize" in places,
        max_length=longest,
        lower_case=bool(transformer.get("do_lower_case", False)),
        prompts={str(name): str(prompt) for name, prompt in prompts.items()},
        default_prompt_name=model.get("default_prompt_name"),
        similarity=model.get("similarity_fn_name") or "cosine",
    )
    return Layout(settings, places.get("Dense"))


def write_layout(folder: Path, settings: EncoderSettings, *, hidden: int) -> None:
    """Write every file of the layout but the weights and the tokenizer."""
    modules = [("", "Transformer"), (POOLING, "Pooling")]
    modules += [(DENSE, "Dense")] if settings.projection else []
    modules += [(NORMALIZE, "Normalize")] if settings.normalize else []
    types = {kind: f"sentence_transformers.models.{kind}" for _, kind in modules}
    if settings.pooling == "attention":  # unknown there: named, so that it is refused, not pooled in some other way
        types["Pooling"] = "polyhead.AttentionPooling"
    listed = [
        {"idx": index, "name": str(index), "path": path, "type": types[kind]}
        for index, (path, kind) in enumerate(modules)
    ]
    write_json(folder / MODULES, listed)
    write_json(folder / _TRANSFORMER_CONFIG, {"max_seq_length": settings.max_length, "do_lower_case": False})
    model = {
        "__version__": {},
        "prompts": settings.prompts,
        "default_prompt_name": settings.default_prompt_name,
        "similarity_fn_name": settings.similarity,
    }
    write_json(folder / _MODEL_CONFIG, model)
    active = {**{theirs: ours for ours, theirs in _POOLING_NAMES.items()}, "attention": "attention"}[settings.pooling]
    pooling: dict[str, Any] = {"word_embedding_dimension": hidden}
    pooling |= {key: mode == active for key, mode in _LEGACY_POOLING.items()}
    pooling |= {"include_prompt": settings.pool_prompt}
    write_json(folder / POOLING / "config.json", pooling)
    if settings.projection:
        activation = "activation.Tanh" if settings.projection.activation == "tanh" else "linear.Identity"
        dense = {
            "in_features": hidden,
            "out_features": settings.projection.width,
            "bias": settings.projection.bias,
            "activation_function": f"torch.nn.modules.{activation}",
        }
        write_json(folder / DENSE / "config.json", dense)
    if settings.normalize:
        (folder / NORMALIZE).mkdir(exist_ok=True)
        write_json(folder / NORMALIZE / "config.json", {})


def _modules(folder: Path) -> list[tuple[str, str]]:
    """Each module's class name and path, in order."""
    listed = read_json_value(folder / MODULES)
    try:
        pairs = [(str(each["type"]), str(each["path"])) for each in listed]
    except (TypeError, KeyError):
        raise UserError(f"{folder / MODULES}: must list modules, each with a type and a path") from None
    kinds = []
    for name, path in pairs:
        package, _, kind = name.rpartition(".")
        kind = "Pooling" if name == "polyhead.AttentionPooling" else kind
        if not package.startswith(("sentence_transformers.", "polyhead")):
            raise UserError(f"{folder / MODULES}: the module {shown(name)} is foreign code, which is never run")
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise UserError(f"{folder / MODULES}: the path {shown(path)} leads out of the folder")
        kinds.append((kind, path))
    return kinds


def _first_json(folder: Path, name: str) -> dict[str, Any]:
    return read_json(folder / name) if (folder / name).is_file() else {}


def _pooling_mode(path: Path, config: dict[str, Any]) -> Any:
    given = config.get("pooling_mode")
    modes = [given] if isinstance(given, str) else list(given or [])
    modes = modes or [mode for key, mode in _LEGACY_POOLING.items() if config.get(key)]
    if not modes and path.with_name("model.safetensors").is_file():
        return "attention"
    modes = modes or ["mean"]
    if len(modes) > 1 or modes[0] not in _POOLING_NAMES:
        known = ", ".join(_POOLING_NAMES)
        raise UserError(f"{path}: the pooling must be one of {known}, found {shown(' + '.join(map(str, modes)))}")
    return _POOLING_NAMES[modes[0]]


def _projection(path: Path) -> ProjectionSettings:
    config = read_json(path)
    name = config.get("activation_function", "torch.nn.modules.activation.Tanh")
    if name not in _ACTIVATIONS:
        raise UserError(f"{path}: the activation must be Identity or Tanh, found {shown(name)}")
    if config.get("use_residual"):
        raise UserError(f"{path}: a Dense module with use_residual is not opened")
    activation: Literal["identity", "tanh"] = "tanh" if _ACTIVATIONS[name] == "tanh" else "identity"
    try:
        return ProjectionSettings(int(config["out_features"]), bool(config.get("bias", True)), activation)
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path}: out_features must be a number") from None
