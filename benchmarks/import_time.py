"""How long ``import polyhead`` and ``polyhead --help`` take, each in a fresh process; the import may load no torch.

Run from the repository's root:

    python -m benchmarks.import_time
"""

import argparse
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.common import (
    add_arguments,
    as_json,
    console,
    interleaved,
    machine,
    ratio_table,
    show_machine,
    write_json,
)

COMMANDS: dict[str, list[str]] = {
    "python, nothing imported": [sys.executable, "-c", "pass"],
    "import polyhead": [
        sys.executable,
        "-c",
        "import polyhead, sys; sys.exit('import polyhead has loaded torch' if 'torch' in sys.modules else 0)",
    ],
    "polyhead --help": [str(Path(sysconfig.get_path("scripts")) / "polyhead"), "--help"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    for command in COMMANDS.values():  # fills the disk's cache and compiles what is not compiled yet
        milliseconds(command, 0)
    found = interleaved(
        {name: partial(milliseconds, command) for name, command in COMMANDS.items()}, rounds=options.rounds
    )
    console.print(ratio_table("A fresh process", "ms", found))
    write_json(options.json, {"machine": described, "milliseconds": as_json(found)})


def milliseconds(command: Sequence[str], turn: int) -> float:
    """Wall time of one run of ``command``, which must succeed."""
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    elapsed = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
    return 1000 * elapsed


if __name__ == "__main__":
    main()
