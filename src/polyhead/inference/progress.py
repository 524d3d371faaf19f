"""A progress bar on standard error, with the time left."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextlib.contextmanager
def progress(
    title: str, total: int, *, shown: bool, also: Callable[[int], None] | None = None
) -> Iterator[Callable[[int], None]]:
    """A function to call with each number of items done; ``also`` is called with the same. Drawn on terminals only."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not shown or not console.is_terminal,
        transient=True,
    )
    with bar:
        task = bar.add_task(title, total=total)

        def advance(count: int) -> None:
            bar.advance(task, count)
            if also:
                also(count)

        yield advance
