"""Label Studio's JSON export: tasks with annotations, each a list of results."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from polyhead.data.readers.base import Record
from polyhead.data.readers.json import JsonSource, parsed_list
from polyhead.errors import UserError, shown


class LabelStudioSource(JsonSource):
    """``labels`` become the field ``spans``, ``choices`` the field ``label``; the text is a field of ``data``.

    The first annotation that was not cancelled counts; tasks without one are left out.
    """

    format: Literal["label-studio"] = "label-studio"  # type: ignore[assignment]

    def records(self, lines: Iterable[str], name: str, *, first: int = 1) -> Iterator[Record]:
        """A record a task.

        Raises:
            UserError: a task has no ``data`` and ``annotations``.
        """
        for number, task in enumerate(parsed_list(lines, name), start=1):
            place = f"{name}:row {number}"
            if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
                raise UserError(f"{place}: a task must have data and annotations, found {shown(task)}")
            given = _listed(task.get("annotations"), "annotations", place)
            done = [each for each in given if isinstance(each, dict) and not each.get("was_cancelled")]
            if not done:
                yield Record(task["data"], place, left_out="without an annotation")
                continue
            spans, chosen = _results(done[0].get("result") or [], place)
            label = chosen[0] if len(chosen) == 1 else chosen or None
            yield Record({**task["data"], "spans": spans, "label": label}, place)


def _results(results: Any, place: str) -> tuple[list[Mapping[str, Any]], list[str]]:
    spans: list[Mapping[str, Any]] = []
    chosen: list[str] = []
    for result in _listed(results, "result", place):
        value = result.get("value") if isinstance(result, dict) else None
        if not isinstance(value, dict):
            continue
        chosen += _listed(value.get("choices"), "choices", place)
        spans += [
            {"start": value.get("start"), "end": value.get("end"), "type": label}
            for label in _listed(value.get("labels"), "labels", place)
        ]
    return spans, chosen


def _listed(value: Any, key: str, place: str) -> list[Any]:
    """What should be a list; nothing where it is missing."""
    if value is not None and not isinstance(value, list):
        raise UserError(f"{place}: {key} must be a list, found {shown(value)}")
    return value or []
