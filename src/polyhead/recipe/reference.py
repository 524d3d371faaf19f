"""The recipe's reference in Markdown, written from the settings themselves.

``python -m polyhead.recipe.reference > docs/recipe.md`` brings the docs up to date.
"""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from polyhead.data.readers import SOURCES, Binding, Sample, Source
from polyhead.kinds import KINDS, Task
from polyhead.recipe.schema import ModelSettings
from polyhead.training import TrainingSettings

_INTRO = """# Recipes, key by key

A recipe is a YAML file with four sections: `model`, `tasks`, `data`, `training`. Paths of data are relative to the recipe's
folder, or to `--data-root`. Any key can be set on the command line: `polyhead train recipe.yaml --training.epochs=5`.
This page is made from the code: `python -m polyhead.recipe.reference > docs/recipe.md`.
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
What rows look like, by format:

| format | row |
|---|---|
| `jsonl`, `json` | objects, one a line or in one list: `{"text": "…", "topic": "travel", "entities": [{"start": 0, "end": 5, "type": "PERSON"}]}`; the keys' names are yours to say |
| `jsonl` with `words` | `{"words": ["Anna", "went"], "tags": ["B-PER", "O"]}` |
| `csv`, `tsv` | a header, or `columns` |
| `conll` | a word a line with its tags, a blank line between sentences; IOB1, IOB2, BIOES or BILOU |
| `text` | a text a line, without labels |
| `parquet`, `arrow` | a row's columns, as in `jsonl` |
| `datasets` | a split's folder that HF `datasets` saved (`save_to_disk`), or a name on the Hub with its `split`; `words: tokens`, `tasks: {entities: {tags: ner_tags}}`; class ids become the names of their features |
| `doccano` | JSONL; `label`, `labels` or `entities` with `[start, end, label]`, `{start_offset, end_offset, label}`, or classes |
| `prodigy` | JSONL; `spans`, `label` or `accept`; rows whose `answer` is not accept are left out and counted |
| `spacy` | JSON: `[["Anna went", {"entities": [[0, 4, "PERSON"]], "cats": {"travel": 1}}]]` |
| `label-studio` | its JSON export; `labels` become spans, `choices` the class, of the first annotation that was not cancelled |
| `gliner` | JSON: `[{"tokenized_text": ["Anna", "went"], "ner": [[0, 0, "PERSON"]]}]`, word numbers inclusive |
| `parallel` | a folder with `seq.in`, `seq.out` and `label`, line by line |

Where the recipe does not name the field of a task's labels, it is the task's own name or, if the row has no such field,
`label` for a class, `spans` or `tags` for entities. `markup: FIELD` reads entities in brackets, in any of these formats:
`wake me up at [time : five am]`. Files that end in `.gz` or `.zst` are decompressed on the way (but cannot stream).
`polyhead convert` turns any of them into JSONL.

An empty or missing label (`null`, an empty cell) means that the row has none for that task. Spans that are out of range,
overlap, or stand elsewhere than their `text` says are left out, spans that cut a word lose their words' labels; all are
counted and shown with file and line.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRO
    yield "## `model`\n"
    yield from _table(ModelSettings)
    yield "\n## `tasks`\n"
    yield "A mapping from tasks' names (`[a-z0-9_-]+`) to their settings.\n"
    common = set(Task.model_fields) - {"kind"}
    yield from _table(Task, only=common)
    for name, kind in KINDS.items():
        summary = (kind.__doc__ or "").split("\n")[0]
        yield f"\n### `kind: {name}`\n\n{summary} Metrics: {', '.join(f'`{metric}`' for metric in kind.metrics)}.\n"
        yield from _table(kind, only=set(kind.model_fields) - common - {"kind"})
    yield _DATA
    yield from _table(Source)
    for source in dict.fromkeys(SOURCES.values()):
        own = set(source.model_fields) - set(Source.model_fields)
        names = ", ".join(f"`{name}`" for name, each in SOURCES.items() if each is source)
        if own:
            yield f"\nOf {names} alone:\n"
            yield from _table(source, only=own)
    yield _SHAPES
    yield "\n### `data.SET.tasks.TASK`\n"
    yield from _table(Binding)
    yield "\n### `sample`\n"
    yield from _table(Sample)
    yield "\n## `training`\n"
    yield from _table(TrainingSettings)


def _table(model: type[BaseModel], only: set[str] | None = None) -> Iterator[str]:
    yield "| key | values | if left out | meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        if only is None or name in only:
            yield f"| `{name}` | {_type(field.annotation)} | {_default(field)} | {field.description or ''} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if field.default in (None, (), {}):
        return "–"
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
    print(reference(), end="")  # noqa: T201
