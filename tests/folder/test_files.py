import errno
import os
from pathlib import Path
from typing import Any

import pytest

from polyhead.errors import UserError
from polyhead.folder.files import read_json, read_json_value, whole_folder, write_bytes, write_json, write_text


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def saved(path: Path, content: str = "new") -> Path:
    """A folder written whole: a file, and a file in a folder."""
    with whole_folder(path) as folder:
        (folder / "a.txt").write_text(content)
        (folder / "below").mkdir()
        (folder / "below" / "b.txt").write_text(content)
    return path


def broken_off(path: Path, error: BaseException) -> None:
    with whole_folder(path) as folder:
        (folder / "a.txt").write_text("half")
        raise error


def content(path: Path) -> dict[str, str]:
    return {str(each.relative_to(path)): each.read_text() for each in path.rglob("*") if each.is_file()}


NEW = {"a.txt": "new", str(Path("below", "b.txt")): "new"}


class Refusal:
    """Stands in for ``os.replace``: it works but for one call, which finds the disk full."""

    def __init__(self, refused: int) -> None:
        self.calls = 0
        self.refused = refused
        self._replace = os.replace

    def __call__(self, source: Any, target: Any) -> None:
        self.calls += 1
        if self.calls == self.refused:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._replace(source, target)


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, True]}, {"ünïcode 北京": "é\n"}, {}])
def test_json_goes_round(tmp_path: Path, value: dict[str, Any]) -> None:
    write_json(tmp_path / "below" / "x.json", value)
    assert read_json(tmp_path / "below" / "x.json") == value
    assert names(tmp_path / "below") == ["x.json"]


def test_json_is_for_people_too(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"é": 1})
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == '{\n  "é": 1\n}\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "no readable JSON"),
        (b"", "no readable JSON"),
        (b'"\xff"', "no readable JSON"),
        (b"[" * 100_000, "no readable JSON"),
        (b"[1]", "must hold a JSON object, found list"),
        (b"null", "must hold a JSON object, found NoneType"),
    ],
    ids=range(6),
)
def test_files_that_are_no_json_object(tmp_path: Path, text: bytes, says: str) -> None:
    (tmp_path / "x.json").write_bytes(text)
    with pytest.raises(UserError, match=rf"x\.json: {says}"):
        read_json(tmp_path / "x.json")


def test_a_missing_file_and_a_folder_are_no_json(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"x\.json: this file is missing; the folder is incomplete"):
        read_json(tmp_path / "x.json")
    with pytest.raises(UserError, match="no readable JSON"):
        read_json_value(tmp_path)


def test_any_value_can_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[1, 2]")
    assert read_json_value(tmp_path / "x.json") == [1, 2]


def test_a_file_is_replaced(tmp_path: Path) -> None:
    write_text(tmp_path / "x", "long old content")
    write_bytes(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"new"
    assert names(tmp_path) == ["x"]


def test_a_file_that_cannot_be_replaced_keeps_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "x", "old")
    monkeypatch.setattr(os, "replace", Refusal(1))
    with pytest.raises(UserError, match=r"x: cannot be written \(No space left on device\)"):
        write_text(tmp_path / "x", "new")
    assert (tmp_path / "x").read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_a_folder_cannot_be_written_as_a_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write_text(tmp_path, "new")
    assert names(tmp_path.parent) == [each for each in names(tmp_path.parent) if not each.endswith(".tmp")]


@pytest.mark.parametrize("below", ["x", "y/x"])
def test_a_file_cannot_be_written_below_a_file(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(UserError, match="cannot be written"):
        write_text(tmp_path / "file" / below, "new")
    assert (tmp_path / "file").read_text() == "old"


def test_a_name_that_is_too_long_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write_text(tmp_path / ("x" * 300), "new")
    with pytest.raises(UserError, match="cannot be written"):
        saved(tmp_path / ("x" * 300))


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "up" / "model") as folder:
        (folder / "a.txt").write_text("new")
        assert not (tmp_path / "up" / "model").exists()
        assert folder.parent == tmp_path / "up", "on the same disk, or a rename would be a copy"
    assert content(tmp_path / "up" / "model") == {"a.txt": "new"}
    assert names(tmp_path / "up") == ["model"]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    old = saved(tmp_path / "model", "old")
    (old / "stale.txt").write_text("old")
    with whole_folder(old) as folder:
        assert names(folder) == []
        (folder / "a.txt").write_text("new")
        assert (old / "stale.txt").exists()
    assert content(old) == {"a.txt": "new"}
    assert names(tmp_path) == ["model"]


def test_a_folder_can_be_read_by_others(tmp_path: Path) -> None:
    """Whatever rights the libraries gave that wrote the files."""
    model = tmp_path / "model"
    with whole_folder(model) as folder:
        (folder / "below").mkdir()
        (folder / "below" / "b.txt").write_text("new")
        (folder / "below" / "b.txt").chmod(0o600)
    assert model.stat().st_mode & 0o777 == 0o755
    assert (model / "below" / "b.txt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), UserError("a fault"), OSError(5, "broken")])
@pytest.mark.parametrize("existing", [True, False])
def test_an_exception_changes_nothing(tmp_path: Path, error: BaseException, existing: bool) -> None:
    if existing:
        saved(tmp_path / "model", "old")
    before = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    expected = UserError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        broken_off(tmp_path / "model", error)
    assert {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert names(tmp_path) == (["model"] if existing else [])


@pytest.mark.parametrize("refused", [1, 2])
def test_a_folder_that_cannot_be_replaced_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    """Whichever of the two renames fails: moving the old one away, or putting the new one in its place."""
    saved(tmp_path / "model", "old")
    monkeypatch.setattr(os, "replace", Refusal(refused))
    with pytest.raises(UserError, match=r"model: cannot be written \(No space left on device\)"):
        saved(tmp_path / "model", "new")
    assert set(content(tmp_path / "model").values()) == {"old"}
    assert names(tmp_path) == ["model"]


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("old")
    with pytest.raises(UserError, match=r"model: a folder is to be written here, but this is a file"):
        saved(tmp_path / "model")
    assert (tmp_path / "model").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(UserError, match="cannot be written"):
        saved(tmp_path / "file" / "model")
    assert names(tmp_path) == ["file"]


def test_a_link_to_a_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    saved(tmp_path / "real", "old")
    (tmp_path / "model").symlink_to(tmp_path / "real", target_is_directory=True)
    saved(tmp_path / "model")
    assert content(tmp_path / "model") == NEW
    assert names(tmp_path) == ["model", "real"]


def test_writers_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Two at once: each has a folder of its own until it is done."""
    with whole_folder(tmp_path / "model") as one, whole_folder(tmp_path / "model") as two:
        assert one != two
        (one / "a.txt").write_text("one")
        (two / "a.txt").write_text("two")
    assert content(tmp_path / "model") == {"a.txt": "one"}
    assert names(tmp_path) == ["model"]
