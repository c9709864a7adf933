"""A disk that fills up under an HDF5 file: one error that says so, no crash of HDF5, nothing left."""

import errno
import os
import re
import subprocess
import sys
import textwrap

import pytest

from tf2numpy._units import format_bytes
from tf2numpy._workspace import Workspace
from tf2numpy.sinks._hdf5_file import ShieldedFile
from tf2numpy.sinks._output_file import OutputFile


def test_hdf5_never_learns_of_a_failed_write(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path / "x", overwrite=False)
    workspace.open()
    file = OutputFile(workspace)

    shield = ShieldedFile(file)
    assert shield.write(memoryview(b"0123456789")) == 10
    shield.check()

    def fail(fd, *args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", fail)
        broken.setattr(os, "ftruncate", fail)
        shield.seek(-2, os.SEEK_CUR)
        assert shield.write(memoryview(b"abcd")) == 4
        shield.truncate(100)
    assert shield.write(memoryview(b"ef")) == 2
    shield.seek(-6, os.SEEK_CUR)
    assert shield.write(memoryview(b"AB")) == 2
    with pytest.raises(OSError, match="No space left on device"):
        shield.check()
    assert (shield.tell(), shield.seek(0, os.SEEK_END), shield.seek(6)) == (10, 100, 6)
    found = bytearray(b"?" * 10)
    assert shield.readinto(memoryview(found)) == 10
    assert found == b"67ABcdef\0\0"
    shield.seek(1)
    assert shield.read(3) == b"123"
    assert os.path.getsize(file.path) == 10
    file.close()
    workspace.discard()


FULL = """
    import resource, sys
    from pathlib import Path
    import numpy as np
    from tf2numpy._types import ArraySpec, Chunk
    from tf2numpy._workspace import Workspace
    from tf2numpy._errors import StorageFull
    from tf2numpy.sinks.hdf5 import Hdf5Sink
    limit, rows, dtype = int(sys.argv[2]), int(sys.argv[3]) or None, np.dtype(sys.argv[4])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sink = Hdf5Sink(Workspace(Path(sys.argv[1]), overwrite=False))
    rows_per_piece = 30_000 if dtype == object else 300_000
    piece = np.full(rows_per_piece, b"0123456789" * 3 if dtype == object else 1, dtype)
    try:
        sink.begin({"x": ArraySpec((rows,), dtype)})
        for start in range(0, 12_000_000, rows_per_piece):
            sink.write(Chunk("x", (slice(start, start + rows_per_piece),), piece))
        sink.commit()
    except StorageFull as error:
        print(error, end="")
    sink.abort()
    sink.abort()
"""


def run_full(path, limit, rows, dtype):
    command = [sys.executable, "-c", textwrap.dedent(FULL), path, str(limit), str(rows), dtype]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert list(path.parent.iterdir()) == []
    written = int(re.search(r"\((\d+) bytes\)", run.stdout)[1])  # HDF5's own bytes differ by its version
    return written, run.stdout


@pytest.mark.parametrize("dtype", ["u1", "O"])
@pytest.mark.parametrize("limit", [6_000_000, 4_200_000, 1_000_000, 100_000, 3000, 1000])
def test_disk_full_in_the_middle(tmp_path, limit, dtype):
    path = tmp_path / "x.h5"
    written, message = run_full(path, limit, 0, dtype)
    assert 0 <= written <= limit * 1.5  # what HDF5 writes twice counts twice
    assert message == (
        f"no room to write {str(path)!r} (File too large) after {format_bytes(written)} ({written} bytes); "
        f"free some room, or choose a path on another file system"
    )


def test_disk_full_from_the_start(tmp_path):
    path = tmp_path / "x.h5"
    written, message = run_full(path, 6_000_000, 12_000_000, "u1")
    assert written < 10_000
    assert message == (
        f"no room to write {str(path)!r} (File too large) after {format_bytes(written)} ({written} bytes); "
        f"free some room, or choose a path on another file system"
    )


@pytest.mark.parametrize("dtype", ["u1", "O"])
def test_a_file_system_that_is_really_full(small_disk, dtype):
    path = small_disk / "x.h5"
    written, message = run_full(path, 0, 0, dtype)
    assert message == (
        f"no room to write {str(path)!r} (No space left on device) after {format_bytes(written)} "
        f"({written} bytes); free some room, or choose a path on another file system"
    )
