"""The recipe's reference in Markdown, written from the settings themselves: one page, and one for each head and format.

``python -m polyhead.recipe.reference docs`` brings the docs up to date.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from polyhead.data.readers import SOURCES, Binding, Sample, Source
from polyhead.folder.files import write_text
from polyhead.kinds import KINDS, Task
from polyhead.recipe.pages import FORMATS, HEADS
from polyhead.recipe.schema import ModelSettings, Projection
from polyhead.training import EmbeddingSettings, TrainingSettings
from polyhead.training.plans import Lora, Plan, ProbeThenFull, Thaw

_COMMON = set(Task.model_fields) - {"kind"}

_INTRO = """# Recipes, key by key

A recipe is a YAML file with five sections: `model`, `tasks`, `data`, `training`, `embedding`. Paths of data are relative to the recipe's
folder, or to `--data-root`. Any key can be set on the command line: `polyhead train recipe.yaml --training.epochs=5`.
This page is made from the code: `python -m polyhead.recipe.reference docs`. Heads and formats have pages of their own.
"""

_DATA = """
## `data`

A mapping from data sets' names to their files. A data set's `format`, layout and `tasks` hold for all its splits; a split
is a path, a list of paths, or a mapping with a `path` and whatever is different there. `validation` and `test` may be a
share of `train` instead (`validation: 0.2`): seeded, each class parted alike. A task named in two data sets is one head.

```yaml
data:
  news:
    format: csv
    text: [title, body]
    train: {path: train.csv, sample: {per_class: 3000}}
    validation: 0.2
    test: {path: test.csv, columns: [section, title, body], tasks: {topic: {labels: {1: World, 2: Sports}}}}
    tasks: {topic: {label: section}}
```
"""

_SHAPES = """
Where the recipe does not name the field of a task's labels, it is the task's own name or, if the row has no such field,
`label` for a class, `spans` or `tags` for entities. `markup: FIELD` reads entities in brackets, in any of these formats:
`wake me up at [time : five am]`. Files that end in `.gz` or `.zst` are decompressed on the way (but cannot stream).
`polyhead convert` turns any of them into JSONL.

An empty or missing label (`null`, an empty cell) means that the row has none for that task. Spans that are out of range,
overlap, or stand elsewhere than their `text` says are left out, spans that cut a word lose their words' labels; all are
counted and shown with file and line.
"""


_EMBEDDING = """
## `embedding`

What is done for the embedding while tasks are learnt; its measures and figures: [embeddings.md](embeddings.md). Every
training measures it: on `pairs`, or on `texts`, or on some of the tasks' own validation texts.

```yaml
embedding: {mode: anchor, weight: 0.1, pairs: sts-dev.csv, max_drop: 0.01}
```

"""

_PLANS = """
### `training.plan`

What learns, from when on, and how fast: the name of a strategy (`plan: probe`, `plan: top:2`), or a mapping.
`polyhead train RECIPE --dry-run` shows what a plan comes to: component by component, with rates and epochs.

| strategy | what learns |
|---|---|
| `full` | everything |
| `frozen` | nothing: logistic regression and nearest neighbours on embeddings, and the heads of a saved model (`--from`), measured |
| `probe` | heads, projection and learned pooling; the backbone is frozen |
| `top: K` | the topmost K layers, and the heads |
| `layers: [4, 5]` | those layers, and the heads |
| `thaw` | heads first, then layer after layer from the top, the embeddings last; lower rates below |
| `probe-then-full` | the heads, until they no longer improve or half of the epochs are over; then everything |
| `bitfit` | the backbone's biases (Ben Zaken et al., 2022, arXiv 2106.10199), and the heads |
| `lora` | low-rank adapters, and the heads; the saved model has them added to its weights, the run's `adapter/` is peft's |

```yaml
training:
  epochs: 10
  early_stopping_patience: 2
  plan: {thaw: {epochs: [2, 4]}, layer_decay: 0.8, freeze: [topic]}
```

What is frozen is in eval mode, has no gradients and no moments, and stays bit for bit as it is. Stages begin at the ends of
epochs; each warms up, rates are held until the last stage begins and decay from there; early stopping counts only after
that. `bitfit` and `lora` learn at ten times `learning_rate`, since they move so little.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRO
    yield "## `model`\n"
    yield from _table(ModelSettings)
    yield f"\n`projection`: {_summary(Projection)}\n"
    yield from _table(Projection)
    yield "\n## `tasks`\n"
    yield "A mapping from tasks' names (`[a-z0-9_-]+`) to their settings.\n"
    yield from _table(Task, only=_COMMON)
    yield "\nWhat else there is depends on the kind:\n"
    yield "| kind | what it answers | metrics |"
    yield "|---|---|---|"
    for name, kind in KINDS.items():
        metrics = ", ".join(f"`{metric}`" for metric in kind.metrics)
        yield f"| [`{name}`](heads/{name}.md) | {_summary(kind)} | {metrics} |"
    yield _DATA
    yield from _table(Source)
    yield "\n| format | |"
    yield "|---|---|"
    for name in SOURCES:
        yield f"| [`{name}`](formats/{name}.md) | {FORMATS[name].what} |"
    yield _SHAPES
    yield "\n### `data.SET.tasks.TASK`\n"
    yield from _table(Binding)
    yield "\n### `sample`\n"
    yield from _table(Sample)
    yield "\n## `training`\n"
    yield from _table(TrainingSettings)
    yield _PLANS
    yield from _table(Plan)
    for name, settings in (("thaw", Thaw), ("probe-then-full", ProbeThenFull), ("lora", Lora)):
        yield f"\n`{name}`: {_summary(settings)}\n"
        yield from _table(settings)
    yield _EMBEDDING
    yield from _table(EmbeddingSettings)


def pages() -> dict[str, str]:
    """Every page, by its place below the docs' folder."""
    heads = {f"heads/{name}.md": "\n".join(_head(name)) + "\n" for name in KINDS}
    formats = {f"formats/{name}.md": "\n".join(_format(name)) + "\n" for name in SOURCES}
    return {"recipe.md": reference(), **heads, **formats}


def _head(name: str) -> Iterator[str]:
    kind, example = KINDS[name], HEADS[name]
    yield f"# `kind: {name}`\n\n{_summary(kind)}\n\n{example.what}\n"
    yield f"```yaml\ntasks:\n  {example.tasks}\ndata:\n  own: {example.data}\n```\n"
    yield f"Rows of `rows.jsonl`:\n\n```json\n{example.rows}```\n"
    yield f"What `predict` answers, as JSON:\n\n```json\n{example.answer}\n```\n"
    yield f"Metrics: {', '.join(f'`{metric}`' for metric in kind.metrics)}; the first chooses the best model.\n"
    yield from _table(kind, only=set(kind.model_fields) - _COMMON - {"kind"})
    yield "\n`labels` and `weight` are those of every task: [recipe.md](../recipe.md). Where labels stand in other formats:"
    yield "[formats](../recipe.md#data)."


def _format(name: str) -> Iterator[str]:
    example, source = FORMATS[name], SOURCES[name]
    yield f"# `format: {name}`\n\n{example.what}\n"
    for file, content in example.files.items():
        yield f"`{file}`:\n\n```\n{content}```\n"
    yield f"```yaml\ndata:\n  own: {example.data}\n```\n"
    own = set(source.model_fields) - set(Source.model_fields)
    if own:
        yield "Settings of this format:\n"
        yield from _table(source, only=own)
        yield ""
    streams = "Can stream (`stream: true`)" if source.streams else "Is read into memory"
    packed = (
        ""
        if name in ("parquet", "arrow", "datasets")
        else "; files that end in .gz or .zst are decompressed on the way"
    )
    yield f"{streams}{packed}. All settings of data sets: [recipe.md](../recipe.md#data)."


def _summary(kind: type[BaseModel]) -> str:
    return (kind.__doc__ or "").split("\n")[0].replace("→", "→")


def _table(model: type[BaseModel], only: set[str] | None = None) -> Iterator[str]:
    yield "| key | values | if left out | meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        if only is None or name in only:
            yield f"| `{field.alias or name}` | {_type(field.annotation)} | {_default(field)} | {field.description or ''} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if field.default in (None, (), {}) or field.default_factory is not None:
        return "–"
    if isinstance(field.default, Plan):
        return f"`{field.default.name}`"
    value = field.default[0] if isinstance(field.default, tuple) else field.default
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(annotation: Any) -> str:
    """A type as a person writes it."""
    origin, arguments = get_origin(annotation), [each for each in get_args(annotation) if each is not NoneType]
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_type(each) for each in arguments)
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"{_type(arguments[0])} → {_type(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "{" + ", ".join(annotation.model_fields) + "}" if len(annotation.model_fields) < 4 else "see below"
    return {"str": "text", "int": "whole number", "float": "number", "bool": "`true`, `false`"}[annotation.__name__]


if __name__ == "__main__":
    for place, text in pages().items():
        write_text(Path(sys.argv[1]) / place, text)
