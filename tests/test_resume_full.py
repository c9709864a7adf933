"""A disk that is full at any moment: a clear error each time, and the save goes on once there is room."""

import errno
import os
import re

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.sink_resume import contents
from tf2numpy import _resume

# `make soak` tries more often.
MOMENTS = 20 if "TF2NUMPY_KILLS" in os.environ else 3
SUFFIXES = [".npy", ".npz", ".h5", ".zarr", ".safetensors", ""]


def rows(tf):
    """About 2 MiB of rows whose number nobody knows, so that no room can be asked for in advance."""
    return tf.data.Dataset.range(2048).map(lambda i: tf.fill([128], tf.cast(i, tf.float64))).filter(lambda row: True)


def attempt(value, path, **options):
    """Save, and give what was raised where there was no room."""
    try:
        t2n.save(value, path, max_bytes=65_536, resume=True, **options)
    except t2n.StorageFull as error:
        return error
    return None


@pytest.mark.parametrize("suffix", SUFFIXES, ids=lambda suffix: suffix or "dir")
def test_on_after_the_disk_was_full(tf, small_disk, tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(_resume, "_MARK_EVERY_S", 0.0)
    form = None if suffix else "dir"
    path, reference = small_disk / f"x{suffix}", tmp_path / f"x{suffix}"
    t2n.save(rows(tf), reference, format=form, max_bytes=65_536)
    ballast, free = small_disk / "ballast", 0
    total = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    went_on = 0
    for moment in range(MOMENTS):
        free = int(total * 0.25 * (moment + 0.5) / MOMENTS) + 65_536
        left = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        ballast.write_bytes(bytes(max(0, left - free)))
        error = attempt(rows(tf), path, format=form)
        if error is None:
            break
        assert str(error).startswith((f"no room to write {str(path)!r} (", f"{str(path)!r} needs "))
        went_on += any("resume=True to go on from there" in note for note in getattr(error, "__notes__", ()))
        assert not path.exists()
        assert set(os.listdir(small_disk)) <= {"ballast", f".{path.name}.partial"}
        ballast.unlink()
    ballast.unlink(missing_ok=True)
    if not path.exists():
        t2n.save(rows(tf), path, format=form, max_bytes=65_536, resume=True)
    assert went_on
    assert contents(path) == contents(reference)
    assert os.listdir(small_disk) == [path.name]
    assert np.shape(t2n.to_numpy(t2n.open(path)["data"])) == (2048, 128)


def test_no_room_for_a_mark(tmp_path, monkeypatch):
    def write(fd, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(_resume, "_MARK_EVERY_S", 0.0)
    monkeypatch.setattr(os, "write", write)
    path = tmp_path / "x.npy"
    with pytest.raises(t2n.StorageFull) as caught:
        t2n.save(np.zeros((64, 1024)), path, max_bytes=65_536)
    said = str(caught.value)
    assert re.fullmatch(
        rf"no room to write '{re.escape(str(path))}' \(No space left on device\) after .* \(\d+ bytes\); free some "
        "room, or choose a path on another file system",
        said,
    )
