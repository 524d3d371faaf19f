"""What was wrong with the data: faults that stop, and oddities that are counted and shown but do not."""

from collections import Counter
from collections.abc import Iterator

from polyhead.errors import UserError

_SHOWN = 5
_MOST = 20


class FaultLog:
    """Collects faults while files are read, so that they can be told all at once.

    An *oddity* is a kind of problem ("span out of range") that is counted, its first places kept. A *fault* stops the
    work when ``stop`` is called.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._places: dict[str, list[str]] = {}
        self._faults: list[str] = []
        self._more = 0
        self._missing: dict[str, str] = {}
        self._there: set[str] = set()

    def oddity(self, kind: str, place: str) -> None:
        """Count one; ``place`` is file:line and what was found."""
        self.counts[kind] += 1
        places = self._places.setdefault(kind, [])
        if len(places) < _SHOWN:
            places.append(place)

    def missing(self, field: str, line: str) -> None:
        """A row does not have a field: ``line`` is a fault unless some other row of its source has it."""
        self._missing.setdefault(field, line)

    def there(self, field: str) -> None:
        """A row has a field."""
        self._there.add(field)

    def end_of_source(self, *, optional: bool = False) -> None:
        """Fields that no row had become faults, unless the source need not have them."""
        for field, line in self._missing.items():
            if field not in self._there and not optional:
                self.fault(line)
        self._missing, self._there = {}, set()

    def fault(self, line: str) -> None:
        """Note something that must be mended."""
        if len(self._faults) < _MOST:
            self._faults.append(line)
        else:
            self._more += 1

    def faults(self) -> list[str]:
        """The faults noted so far, a line each."""
        return [*self._faults, *([f"… and {self._more} more faults"] if self._more else [])]

    def stop(self) -> None:
        """Raise every fault noted so far.

        Raises:
            UserError: there was one.
        """
        if self._faults:
            raise UserError(*self.faults())

    def lines(self) -> Iterator[str]:
        """The oddities for a person: each kind with its count and first places."""
        for kind, count in self.counts.most_common():
            yield f"{kind}: {count}"
            for place in self._places[kind]:
                yield f"    {place}"
            if count > _SHOWN:
                yield f"    … and {count - _SHOWN} more"
