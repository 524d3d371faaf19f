"""Kept activations on the disk: what was written is read; what is damaged or was interrupted is not there."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from polyhead.errors import UserError
from polyhead.folder.hashing import file_hash
from polyhead.training.activations.ragged import Ragged
from polyhead.training.activations.store import make_room, opened, writing

LENGTHS = torch.tensor([3, 1, 4, 2])


def written(path: Path, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    values = torch.randn(int(LENGTHS.sum()), 6, generator=torch.Generator().manual_seed(2)).to(dtype)
    rows = Ragged.by_lengths(values, LENGTHS)
    with writing(path, lengths=LENGTHS, width=6, dtype=dtype, about={"level": "tokens"}) as file:
        for text in (2, 0, 3, 1):  # in any order
            start = int(rows.starts[text])
            file.write(text, values[start : start + int(LENGTHS[text])])
    return values


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_what_is_written_is_read_and_safetensors_reads_it_too(tmp_path: Path, dtype: torch.dtype) -> None:
    values = written(tmp_path / "entry", dtype)
    found = opened(tmp_path / "entry", LENGTHS)
    assert found is not None
    assert torch.equal(found.values, values)
    assert found.values.dtype == dtype
    assert torch.equal(found.lengths, LENGTHS)
    assert torch.equal(load_file(tmp_path / "entry" / "values.safetensors")["values"], values)


def test_the_longest_unused_go_first_and_one_s_own_stay(tmp_path: Path) -> None:
    for age, name in enumerate(("own", "old", "read", "new"), start=-4):
        written(tmp_path / name)
        os.utime(tmp_path / name / "entry.json", (age * 1000 + 1e9,) * 2)
    (tmp_path / "mine.txt").write_text("no entry")
    (tmp_path / "folder").mkdir()
    assert opened(tmp_path / "read", LENGTHS) is not None
    one = (tmp_path / "new" / "values.safetensors").stat().st_size
    make_room(tmp_path, [tmp_path / "own"], 2 * one)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"own", "read", "new", "mine.txt", "folder"}
    make_room(tmp_path, [tmp_path / "own"], one)
    assert {path.name for path in tmp_path.iterdir()} == left - {"new"}
    make_room(tmp_path, [], 0)
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt", "folder"}
    make_room(tmp_path / "nothing", [], 0)


def test_what_is_being_written_stays_and_what_nobody_writes_any_more_goes(tmp_path: Path) -> None:
    for name, age in ((".one.1.tmp", 0), (".two.2.tmp", 3600)):
        written(tmp_path / name)
        for place in (tmp_path / name, *(tmp_path / name).iterdir()):
            os.utime(place, (time.time() - age,) * 2)
    make_room(tmp_path, [], 0)
    assert [path.name for path in tmp_path.iterdir()] == [".one.1.tmp"]


def test_an_entry_of_somebody_else_s_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: object) -> None:
        raise PermissionError(1, "not yours")

    values = written(tmp_path / "entry")
    monkeypatch.setattr(os, "utime", refused)
    found = opened(tmp_path / "entry", LENGTHS)
    assert found is not None
    assert torch.equal(found.values, values)


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert opened(tmp_path / "nothing", LENGTHS) is None


@pytest.mark.parametrize("name", ["values.safetensors", "entry.json"])
@pytest.mark.parametrize("how", ["bit", "short", "gone"])
def test_what_is_damaged_is_found_out_and_taken_away(tmp_path: Path, name: str, how: str) -> None:
    written(tmp_path / "entry")
    file = tmp_path / "entry" / name
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(bytes(content) if how == "bit" else bytes(content[:-9]))
    assert opened(tmp_path / "entry", LENGTHS) is None
    assert not (tmp_path / "entry").exists()
    values = written(tmp_path / "entry")
    again = opened(tmp_path / "entry", LENGTHS)
    assert again is not None
    assert torch.equal(again.values, values)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lengths", [2, 4, 1, 3]),
        ("lengths", [3, 1, 4, 3]),
        ("lengths", [3, 1, 4]),
        ("lengths", [3, 1, 4, "2"]),
        ("lengths", [[3], [1], [4], [2]]),
        ("lengths", None),
        ("lengths", "abc"),
        ("lengths", {}),
        ("sha256", None),
        ("sha256", 7),
    ],
)
def test_what_an_entry_says_of_its_texts_must_be_so(tmp_path: Path, field: str, value: object) -> None:
    written(tmp_path / "entry")
    file = tmp_path / "entry" / "entry.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), field: value}))
    assert opened(tmp_path / "entry", LENGTHS) is None
    assert not (tmp_path / "entry").exists()


@pytest.mark.parametrize("entry", ["[]", "null", "{}", '"abc"', ""])
def test_an_entry_that_says_nothing_is_not_there(tmp_path: Path, entry: str) -> None:
    written(tmp_path / "entry")
    (tmp_path / "entry" / "entry.json").write_text(entry)
    assert opened(tmp_path / "entry", LENGTHS) is None
    assert not (tmp_path / "entry").exists()


def test_vectors_that_are_not_as_many_as_the_texts_have_are_not_there(tmp_path: Path) -> None:
    written(tmp_path / "entry")
    values, entry = tmp_path / "entry" / "values.safetensors", tmp_path / "entry" / "entry.json"
    save_file({"values": torch.zeros(9, 6)}, values)
    entry.write_text(json.dumps({"lengths": LENGTHS.tolist(), "sha256": file_hash(values)}))
    assert opened(tmp_path / "entry", LENGTHS) is None


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    entry = writing(tmp_path / "entry", lengths=LENGTHS, width=6, dtype=torch.float32, about={})
    entry.__enter__().write(0, torch.zeros(3, 6))
    assert list(tmp_path.iterdir())
    entry.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, sys, torch
from pathlib import Path
from polyhead.training.activations.store import writing
with writing(Path(sys.argv[1]), lengths=torch.tensor([3, 1]), width=6, dtype=torch.float32, about={}) as file:
    file.write(0, torch.zeros(3, 6))
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_left_is_tidied_up(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "entry")], check=False)
    assert opened(tmp_path / "entry", LENGTHS) is None
    [left] = tmp_path.iterdir()
    written(tmp_path / "entry")
    assert left.exists()  # it could be another process's, at work
    for path in (left, *left.iterdir()):
        os.utime(path, (1e9, 1e9))
    written(tmp_path / "entry")
    assert [path.name for path in tmp_path.iterdir()] == ["entry"]


FULL = """
import resource, signal, sys, torch
from pathlib import Path
from polyhead.errors import UserError
from polyhead.training.activations.store import writing
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    with writing(Path(sys.argv[1]), lengths=torch.tensor([9000]), width=6, dtype=torch.float32, about={}) as file:
        file.write(0, torch.zeros(9000, 6))
except UserError as error:
    print(error)
"""


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "entry")], capture_output=True, text=True, check=True
    )
    assert "entry: cannot be written" in found.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "entry").write_text("mine")
    with pytest.raises(UserError, match="this is a file"):
        written(tmp_path / "entry")


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    rows=st.lists(st.integers(0, 11), min_size=1, max_size=20),
)
def test_padded_rows_are_the_rows(lengths: list[int], rows: list[int]) -> None:
    rows = [row % len(lengths) for row in rows]
    own = [torch.arange(length) + 100 * number for number, length in enumerate(lengths)]
    ragged = Ragged.of([each.numpy() for each in own])
    width = max(lengths[row] for row in rows)
    padded = ragged.padded(torch.tensor(rows), width, -1)
    for row, found in zip(rows, padded, strict=True):
        assert found.tolist() == own[row].tolist() + [-1] * (width - lengths[row])
