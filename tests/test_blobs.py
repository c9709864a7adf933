"""Files are read by range, and never outside of it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tf2numpy import FormatError
from tf2numpy._blob_file import BlobFile
from tf2numpy._blobs import Held, Slice, Trail, blob_of


def test_ranges_are_read_only_views(tmp_path):
    (tmp_path / "a").write_bytes(b"0123456789")
    blob = blob_of(tmp_path / "a")
    assert (blob.name, blob.size) == (str(tmp_path / "a"), 10)
    assert bytes(blob.read(2, 5)) == b"234"
    assert not blob.read(2, 5).flags.writeable
    part = Slice(blob, 3, 9, "part")
    assert bytes(part.read(1, part.size)) == b"45678"
    (tmp_path / "empty").write_bytes(b"")
    assert blob_of(tmp_path / "empty").read(0, 0).size == 0


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (5, 11), (11, 12)])
def test_ranges_outside(tmp_path, start, stop):
    (tmp_path / "a").write_bytes(b"0123456789")
    with pytest.raises(FormatError) as caught:
        blob_of(tmp_path / "a").read(start, stop)
    assert str(caught.value) == f"{str(tmp_path / 'a')!r} ends at 10, and bytes {start} to {stop} of it are needed"


def test_bytes_in_memory():
    held = Held(b"0123456789", "unpacked")
    assert (held.name, held.size) == ("unpacked", 10)
    assert bytes(held.read(2, 5)) == b"234"
    assert not held.read(2, 5).flags.writeable
    held.release()
    assert bytes(held.read(9, 10)) == b"9"


def test_a_blob_as_a_file():
    file = BlobFile(Slice(Held(b"0123456789", "x"), 2, 8, "part"))
    assert file.readable()
    assert file.seekable()
    assert not file.writable()
    assert file.read(2) == b"23"
    assert (file.seek(1), file.read()) == (1, b"34567")
    assert (file.seek(-2, 2), file.read(100), file.tell()) == (4, b"67", 6)
    assert (file.seek(3), file.seek(1, 1), file.read(1)) == (3, 4, b"6")
    assert (file.seek(100), file.read(1), file.tell()) == (100, b"", 100)
    with pytest.raises(OSError, match=r"^\[Errno 22\] byte -1 was asked for: 'part'$"):
        file.seek(-1)


def resident_bytes(path):
    """How much of a file is mapped into this process and looked at."""
    found, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0]:
            inside = line.rstrip().endswith(str(path))
        elif inside and line.startswith("Rss:"):
            found += int(line.split()[1]) * 1024
    return found


def ways_to_copy(tmp_path):
    (tmp_path / "a").write_bytes(b"0123456789")
    blob = blob_of(tmp_path / "a")
    return {"file": blob, "range": Slice(blob, 0, 10, "part"), "memory": Held(b"0123456789", "held")}


@pytest.mark.parametrize("kind", ["file", "range", "memory"])
def test_ranges_copied_to_their_place(tmp_path, kind):
    blob = ways_to_copy(tmp_path)[kind]
    target = np.zeros(6, np.uint8)
    blob.read_into(3, target[1:5])
    assert bytes(target) == b"\x003456\x00"
    blob.read_into(10, target[:0])
    with pytest.raises(FormatError) as caught:
        blob.read_into(7, target)
    assert str(caught.value) == f"{blob.name!r} ends at 10, and bytes 7 to 13 of it are needed"


def test_copies_where_the_system_cannot_read_into_memory(tmp_path, monkeypatch):
    blob = ways_to_copy(tmp_path)["file"]
    monkeypatch.delattr(os, "preadv")
    target = np.zeros(4, np.uint8)
    blob.read_into(2, target)
    assert bytes(target) == b"2345"


def test_a_file_that_is_cut_short_while_it_is_read(tmp_path):
    blob = ways_to_copy(tmp_path)["file"]
    os.truncate(tmp_path / "a", 4)
    with pytest.raises(FormatError) as caught:
        blob.read_into(2, np.zeros(5, np.uint8))
    assert str(caught.value) == f"{str(tmp_path / 'a')!r} ended at 4 while it was read, and had 10 bytes"


def test_folders_are_no_files(tmp_path):
    with pytest.raises(IsADirectoryError):
        blob_of(tmp_path)


def test_pages_are_given_back(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * (1 << 14))
    blob = blob_of(path)
    view = blob.read(0, blob.size)
    whole = int(view.sum())
    assert resident_bytes(path) == blob.size
    Slice(blob, 5, 10, "part").release()
    assert resident_bytes(path) == 0
    assert int(view.sum()) == whole


def test_a_trail_gives_back_what_was_read_of_all(tmp_path):
    released = []

    class Noted(Held):
        def release(self):
            released.append(self.name)

    first, second = Noted(b"", "first"), Noted(b"", "second")
    trail = Trail(most_bytes=100)
    trail.passed(first, 60)
    trail.passed(second, 39)
    assert released == []
    trail.passed(first, 1)
    assert released == ["first", "second"]
    trail.passed(first, 99)
    assert len(released) == 2
    trail.passed(first, 1)
    assert released[2:] == ["first"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_addresses_to_map_a_file_to(tmp_path):
    """As `ulimit -v` leaves: 128 MiB in a process that has 64 MiB of addresses left."""
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(0))
    with path.open("r+b") as file:
        file.truncate(128 << 20)
    program = """
import resource, sys, pathlib
from tf2numpy._blobs import blob_of
blob = blob_of(pathlib.Path(sys.argv[1]))
used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), -1))
try:
    blob.read(0, 8)
except MemoryError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert done.stdout == (
        f"HostMemoryError {str(path)!r} has {128 << 20} bytes, and this process may not map as many: it costs no "
        "memory, but addresses, which are limited (ulimit -v shows by how much); raise the limit\n"
    )
