"""Full file systems: found out before the first byte where the size is known, cleaned up after where it is not."""

import errno
import os

import pytest

from tf2numpy._errors import OutputExists, StorageFull
from tf2numpy._workspace import Workspace
from tf2numpy.sinks._output_file import OutputFile
from workspace import make


def fake_free(monkeypatch, tmp_path, blocks, free):
    real = os.statvfs(tmp_path)
    fake = os.statvfs_result((real[0], 1024, blocks, free + 7, free, *real[5:]))
    monkeypatch.setattr(os, "statvfs", lambda path: fake)


def test_no_room_for_what_is_known(tmp_path, monkeypatch):
    fake_free(monkeypatch, tmp_path, blocks=1000, free=3)
    with pytest.raises(StorageFull) as caught:
        Workspace(tmp_path / "x", overwrite=False).require(3073)
    assert str(caught.value) == (
        f"{str(tmp_path / 'x')!r} needs 3.0 KiB (3073 bytes), and 3.0 KiB (3072 bytes) are free on the file "
        f"system of {str(tmp_path)!r}; free some room there, or choose a path on another file system"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("blocks", "free", "needed"), [(1000, 3, 3072), (0, 0, 1 << 40)])
def test_room_enough_or_unknown(tmp_path, monkeypatch, blocks, free, needed):
    fake_free(monkeypatch, tmp_path, blocks, free)
    Workspace(tmp_path / "x", overwrite=False).require(needed)


@pytest.mark.parametrize(
    "error",
    [OSError(number, os.strerror(number)) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)],
    ids=str,
)
def test_no_room_in_the_middle(tmp_path, error):
    file = make(tmp_path / "x")
    with pytest.raises(StorageFull) as caught, file.guard():
        raise error
    assert str(caught.value) == (
        f"no room to write {str(tmp_path / 'x')!r} ({error.strerror}) after 3 B (3 bytes); "
        f"free some room, or choose a path on another file system"
    )
    assert file.output.read_bytes() == b"new"  # what is there can be gone on from
    file.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError(errno.EIO, "x"), OSError("x"), RuntimeError("x"), OutputExists("x")])
def test_other_errors_pass(tmp_path, error):
    file = make(tmp_path / "x")
    with pytest.raises(type(error)) as caught, file.guard():
        raise error
    assert caught.value is error
    file.discard()


def test_no_room_when_syncing(tmp_path, monkeypatch):
    def fsync(fd):
        raise OSError(errno.EDQUOT, "quota")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageFull):
        make(tmp_path / "x").publish()
    assert not (tmp_path / "x").exists()


def test_no_room_on_a_small_disk(small_disk):
    workspace = Workspace(small_disk / "x", overwrite=False)
    workspace.open()
    file = OutputFile(workspace)

    def fill():
        with file.guard():
            for i in range(9):
                file.pwrite(bytes(1 << 20), i << 20)

    with pytest.raises(StorageFull) as caught:
        fill()
    assert str(caught.value) == (
        f"no room to write {str(small_disk / 'x')!r} (No space left on device) after 6.0 MiB (6291456 bytes); "
        f"free some room, or choose a path on another file system"
    )
    file.close()
    workspace.discard()
    assert list(small_disk.iterdir()) == []
    with pytest.raises(StorageFull, match=r"needs 6\.1 MiB"):
        Workspace(small_disk / "x", overwrite=False).require(6_400_000)
