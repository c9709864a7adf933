"""Compressed files while threads encode and write them: whose memory is read, what errors become, what is begun."""

import errno
import os
import threading

import numpy as np
import pytest

from tf2numpy import _codecs
from tf2numpy._errors import StorageFull
from tf2numpy._types import ArraySpec, Chunk, Layout, Request
from tf2numpy.formats.zarr import zarr
from tf2numpy.sinks import _hdf5_chunks, _hdf5_journal, _writeback, _zarr_files

from .hdf5 import new_sink, read_array
from .zarr_folders import numbers, sink_at

SINKS = {
    "zarr": (sink_at, lambda path: zarr(path, b"").arrays["x"].fetch(Request())),
    "h5": (lambda path, **layout: new_sink(path, Layout(**layout)), lambda path: read_array(path, "x")),
}


@pytest.mark.parametrize("format", SINKS)
@pytest.mark.parametrize("pieces", [1, 2])
def test_a_piece_may_change_once_it_is_written(tmp_path, monkeypatch, format, pieces):
    """The chunks that no thread has come to yet are copies."""
    make, read = SINKS[format]
    gate, encoder = threading.Event(), _codecs._zstd_encoder

    def slow(purpose):
        encode = encoder(purpose)
        return lambda array: encode(array) if gate.wait(10) else b""

    monkeypatch.setitem(_codecs._ENCODERS, "zstd", slow)
    monkeypatch.setattr("tf2numpy.sinks._pool.cpus", lambda: 2)
    path, array = tmp_path / f"a.{format}", numbers(pieces * 2, 1000)
    sink = make(path, compression="zstd", chunks=(1, 1000))
    sink.begin({"x": ArraySpec(array.shape, array.dtype)})
    for start in range(0, len(array), 2):
        piece = array[start : start + 2].copy()
        sink.write(Chunk("x", (slice(start, start + 2),), piece))
        piece[...] = -1
    assert not gate.is_set()
    gate.set()
    sink.commit()
    assert (read(path) == array).all()


@pytest.mark.parametrize("format", SINKS)
def test_a_piece_of_many_chunks_may_change_once_it_is_written(tmp_path, format):
    make, read = SINKS[format]
    path, array = tmp_path / f"a.{format}", np.random.default_rng(0).random((64, 50_000))
    sink = make(path, compression="gzip", chunks=(1, 50_000))
    sink.begin({"x": ArraySpec(array.shape, array.dtype)})
    for start in range(0, 64, 32):
        piece = array[start : start + 32].copy()
        sink.write(Chunk("x", (slice(start, start + 32),), piece))
        piece[...] = -1
    sink.commit()
    assert (read(path) == array).all()


def test_a_full_disk_under_the_threads(tmp_path, monkeypatch):
    """The message is the one of any other write, and what could not be written is not lost."""
    pwrite = os.pwrite

    def full(fd, data, offset):
        if len(data) > 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(fd, data, offset)

    path, array = tmp_path / "a.zarr", np.random.default_rng(0).random((3, 1000))
    sink = sink_at(path, compression="zstd", chunks=(1, 1000))
    sink.begin({"x": ArraySpec(array.shape, array.dtype)})
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(StorageFull) as caught:  # noqa: PT012 (either may be the first to tell)
        sink.write(Chunk("x", (), array))
        sink.state()
    assert str(caught.value) == (
        f"no room to write {str(path)!r} (No space left on device) after 0 B (0 bytes); "
        "free some room, or choose a path on another file system"
    )
    monkeypatch.undo()
    sink.abort()
    assert not os.listdir(tmp_path)


def test_the_disk_begins_on_each_chunk_as_it_is_written(tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr(_zarr_files, "begin_writeback", lambda fd: begun.append(os.readlink(f"/proc/self/fd/{fd}")))
    array = numbers(5, 4)
    sink = sink_at(tmp_path / "a.zarr", compression="zstd", chunks=(1, 4))
    sink.begin({"x": ArraySpec(array.shape, array.dtype)})
    sink.write(Chunk("x", (), array))
    sink.state()
    folder = tmp_path / ".a.zarr.partial" / "output" / "x" / "c"
    assert sorted(begun) == [str(folder / str(row) / "0") for row in range(5)]
    sink.abort()


@pytest.mark.parametrize("marked", [False, True])
def test_the_disk_begins_on_hdf5_once_it_must(tmp_path, monkeypatch, marked):
    """On what waits only after a first state: of a short save, that never has to be on the disk."""
    begun = {"journal": 0, "chunks": 0}

    def counter(name):
        def count(fd):
            begun[name] += 1

        return count

    for name, module in {"journal": _hdf5_journal, "chunks": _hdf5_chunks}.items():
        monkeypatch.setattr(module, "begin_writeback", counter(name))
        monkeypatch.setattr(module, "WRITEBACK_BYTES", 1000)
    array = np.random.default_rng(0).random((8, 1000))
    sink = new_sink(tmp_path / "a.h5", Layout(compression="gzip", chunks=(1, 1000)))
    sink.begin({"x": ArraySpec(array.shape, array.dtype)})
    if marked:
        sink.state()
    sink.write(Chunk("x", (), array))
    sink.commit()
    assert begun == {"journal": 8 if marked else 0, "chunks": 8}


@pytest.mark.parametrize("known", [True, False])
def test_beginning_changes_nothing(tmp_path, monkeypatch, known):
    if not known:
        monkeypatch.setattr(_writeback, "_sync_file_range", None)
    with open(tmp_path / "x", "wb", buffering=0) as file:
        file.write(b"abc")
        _writeback.begin_writeback(file.fileno())
        file.write(b"def")
    assert (tmp_path / "x").read_bytes() == b"abcdef"
    _writeback.begin_writeback(-1)  # told by no one: the sync that follows would
