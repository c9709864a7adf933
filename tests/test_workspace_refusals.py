"""Paths where no file can be written are refused at once, in words that say what to do."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tf2numpy._errors import InvalidArgument, OutputExists
from tf2numpy._workspace import Workspace


def refusal(path, error=InvalidArgument, **options):
    with pytest.raises(error) as caught:
        Workspace(path, **{"overwrite": True, **options})
    return str(caught.value)


def test_missing_folder(tmp_path):
    path = tmp_path / "no" / "x"
    assert refusal(path) == (
        f"{str(path)!r} cannot be written: there is no folder {str(tmp_path / 'no')!r}; create it first"
    )


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "x"
    assert refusal(path) == (
        f"{str(path)!r} cannot be written: there is no folder {str(tmp_path / 'file')!r}; create it first"
    )


@pytest.mark.parametrize("overwrite", [False, True])
def test_path_is_a_folder(tmp_path, overwrite):
    assert refusal(tmp_path, overwrite=overwrite) == (f"{str(tmp_path)!r} is a folder; give the name of a file in it")


def test_devices_are_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (Path("/dev/null"), tmp_path / "fifo"):
        assert refusal(path) == f"{str(path)!r} is not an ordinary file, and no other kind can be replaced"


def test_existing_file(tmp_path):
    (tmp_path / "x").touch()
    assert refusal(tmp_path / "x", OutputExists, overwrite=False) == (
        f"{str(tmp_path / 'x')!r} exists already; pass overwrite=True to replace it, or choose another name"
    )


def test_read_only_folder():
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # every user can reach it, unlike tmp_path
    folder.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.setresuid(65534, 65534, 0)
    try:
        message = refusal(folder / "x")
    finally:
        if is_root:
            os.setresuid(0, 0, 0)
        shutil.rmtree(folder)
    assert message == (
        f"{str(folder / 'x')!r} cannot be written: the folder {str(folder)!r} takes no new file "
        f"(Permission denied); choose another folder"
    )


def test_folder_that_refuses_the_file_itself(tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError(errno.EROFS, "Read-only file system")

    workspace = Workspace(tmp_path / "x", overwrite=False)
    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(InvalidArgument) as caught:
        workspace.open()
    assert str(caught.value) == (
        f"{str(tmp_path / 'x')!r} cannot be written: the folder {str(tmp_path)!r} takes no new file "
        f"(Read-only file system); choose another folder"
    )


def test_a_folder_that_was_not_saved_here_is_never_replaced(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "one.jpg").write_bytes(b"dear")
    assert refusal(folder, marker="zarr.json") == (
        f"{str(folder)!r} is a folder without 'zarr.json' in it, so it is none that was saved here; choose another name"
    )
    (folder / "zarr.json").touch()
    Workspace(folder, overwrite=True, marker="zarr.json")
    assert refusal(folder, OutputExists, overwrite=False, marker="zarr.json") == (
        f"{str(folder)!r} exists already; pass overwrite=True to replace it, or choose another name"
    )


@pytest.mark.parametrize("trap", ["file", "link"])
def test_something_else_has_the_hidden_name(tmp_path, trap):
    workspace = Workspace(tmp_path / "x", overwrite=False)
    if trap == "file":
        workspace.folder.write_bytes(b"theirs")
    else:
        (tmp_path / "elsewhere").mkdir()
        workspace.folder.symlink_to("elsewhere")
    with pytest.raises(InvalidArgument, match=r"takes no new file \((File exists|'\.x\.partial' there is not ours)\)"):
        workspace.open()
    workspace.discard()
    assert os.path.lexists(workspace.folder)
    if trap == "link":
        assert os.listdir(tmp_path / "elsewhere") == []
