"""Texts that stand in more than one split: figures on a split that the model has seen say little.

Exact: equal but for case and blanks, all texts of a row together. Near: Jaccard similarity of character 5-grams of at
least ``NEAR`` (MinHash with locality-sensitive hashing, Broder 1997, by the library datasketch; what it proposes is
verified).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from polyhead.data.example import Example

NEAR = 0.8
_GRAM = 5
_SHOWN = 5
_PERMUTATIONS = 128


@dataclass(frozen=True, slots=True)
class Leak:
    """Rows of the split ``later`` whose text stands in ``earlier``, too, with the places of the first few pairs."""

    earlier: str
    later: str
    exact: bool
    rows: int
    places: Sequence[tuple[str, str]]


def exact_leaks(splits: Sequence[tuple[str, Iterable[Example]]]) -> list[Leak]:
    """Between each pair of splits, in their order."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    first: dict[int, dict[str, str]] = defaultdict(dict)
    for name, examples in splits:
        for example in examples:
            seen = first[hash(_normal(" ".join(example.texts)))]
            for earlier, place in seen.items():
                if split_of(earlier) != split_of(name):
                    found[earlier, name].append((place, example.source))
            seen.setdefault(name, example.source)
    return [_leak(pair, places, exact=True) for pair, places in found.items()]


def near_leaks(
    splits: Sequence[tuple[str, Sequence[Example]]], *, advance: Callable[[int], None] = lambda count: None
) -> list[Leak]:
    """Between each pair of splits, in their order; rows that stand in the other split as they are do not count."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=NEAR - 0.15, num_perm=_PERMUTATIONS)  # lower, so that few are missed
    rows: list[tuple[str, Example]] = []
    normals: dict[str, set[int]] = defaultdict(set)
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for name, examples in splits:
        for example in examples:
            grams, normal = _grams(" ".join(example.texts)), hash(_normal(" ".join(example.texts)))
            sketch = MinHash(num_perm=_PERMUTATIONS)
            sketch.update_batch([gram.encode("utf-8", "surrogatepass") for gram in grams])
            matched = {earlier for earlier, seen in normals.items() if normal in seen}
            for key in sorted(index.query(sketch)):
                earlier, other = rows[key]
                if (
                    earlier not in matched
                    and split_of(earlier) != split_of(name)
                    and _is_near(grams, " ".join(other.texts))
                ):
                    matched.add(earlier)
                    found[earlier, name].append((other.source, example.source))
            index.insert(len(rows), sketch)
            rows.append((name, example))
            normals[name].add(normal)
            advance(1)
    return [_leak(pair, places, exact=False) for pair, places in found.items()]


def split_of(name: str) -> str:
    """The split of ``DATA-SET.SPLIT``: rows that two data sets share within a split leak nothing."""
    return name.rpartition(".")[2]


def _leak(pair: tuple[str, str], places: Sequence[tuple[str, str]], *, exact: bool) -> Leak:
    return Leak(*pair, exact, len(places), places[:_SHOWN])


def _is_near(grams: frozenset[str], other: str) -> bool:
    others = _grams(other)
    return len(grams & others) >= NEAR * len(grams | others)


def _grams(text: str) -> frozenset[str]:
    normal = _normal(text)
    return frozenset(normal[start : start + _GRAM] for start in range(max(1, len(normal) - _GRAM + 1)))


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())
