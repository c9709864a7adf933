"""Paths where no file can be written are refused at once, in words that say what to do."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tf2numpy._errors import InvalidArgument, OutputExists
from tf2numpy.sinks._atomic import AtomicFile


def refusal(path, error=InvalidArgument, **options):
    with pytest.raises(error) as caught:
        AtomicFile(path, **{"overwrite": True, **options})
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

    file = AtomicFile(tmp_path / "x", overwrite=False)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InvalidArgument) as caught:
        file.create(0)
    assert str(caught.value) == (
        f"{str(tmp_path / 'x')!r} cannot be written: the folder {str(tmp_path)!r} takes no new file "
        f"(Read-only file system); choose another folder"
    )
