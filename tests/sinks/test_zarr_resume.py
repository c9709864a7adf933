import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from conformance.sink_resume import contents
from sinks.zarr_folders import numbers, sink_at, written
from tf2numpy._errors import OutputExists, StorageFull
from tf2numpy._types import ArraySpec, Chunk, Request
from tf2numpy.formats.zarr import zarr as reader
from tf2numpy.sinks import _zarr_files

# Writes rows of arrays for as long as it lives, and tells its state after each piece.
WRITER = """
    import json, sys
    from pathlib import Path
    import numpy as np
    from tf2numpy._types import ArraySpec, Chunk, Layout
    from tf2numpy._workspace import Workspace
    from tf2numpy.sinks import _zarr_layout
    from tf2numpy.sinks.zarr import ZarrSink
    _zarr_layout._MOST_RAW_FILES = _zarr_layout._MOST_ENCODED_FILES = 100
    compression = json.loads(sys.argv[2])
    sink = ZarrSink(Workspace(Path(sys.argv[1]), overwrite=False), Layout(compression, (700, 16)))
    shapes = {"known": (200_000, 64), "grows": (None, 64)}
    sink.begin({name: ArraySpec(shape, np.dtype("i4")) for name, shape in shapes.items()})
    for start in range(0, 200_000, 1000):
        for name in shapes:
            rows = np.arange(start * 64, (start + 1000) * 64, dtype="i4").reshape(1000, 64)
            sink.write(Chunk(name, (slice(start, start + 1000),), rows))
        state = json.dumps(sink.state())
        sink.sync()
        print(start + 1000, state, flush=True)
"""


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("lines", [1, 8, 30])
def test_a_killed_writer_is_gone_on_from(tmp_path, monkeypatch, compression, lines):
    from tf2numpy.sinks import _zarr_layout

    monkeypatch.setattr(_zarr_layout, "_MOST_RAW_FILES", 100)
    monkeypatch.setattr(_zarr_layout, "_MOST_ENCODED_FILES", 100)
    path = tmp_path / "a.zarr"
    command = [sys.executable, "-c", textwrap.dedent(WRITER), path, json.dumps(compression)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        told = [child.stdout.readline() for _ in range(lines)][-1]
        child.send_signal(signal.SIGKILL)
    rows, state = told.split(" ", 1)
    total, start = int(rows) + 3500, int(rows)
    specs = {"known": ArraySpec((200_000, 64), np.dtype("i4")), "grows": ArraySpec((None, 64), np.dtype("i4"))}
    sink = sink_at(path, keep=True, compression=compression, chunks=(700, 16))
    sink.begin(specs, json.loads(state))
    array = numbers(total, 64, dtype="i4")
    for name in specs:
        sink.write(Chunk(name, (slice(start, total),), array[start:]))
    sink.commit()
    assert os.listdir(tmp_path) == ["a.zarr"]
    stored = reader(path, b"")
    assert (stored.arrays["grows"].fetch(Request()) == array).all()
    assert (stored.arrays["known"].read(np.s_[: total // 700 * 700,]) == array[: total // 700 * 700]).all()


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("unknown", [False, True])
def test_a_torn_chunk_is_written_again(tmp_path, compression, unknown):
    array, spec = numbers(100, 4), {"x": ArraySpec((None if unknown else 100, 4), np.dtype("f4"))}
    path = tmp_path / "a.zarr"
    sink = sink_at(path, compression=compression, chunks=(30, 4))
    sink.begin(spec)
    sink.write(Chunk("x", (slice(0, 40),), array[:40]))
    state = json.loads(json.dumps(sink.state()))
    sink.sync()
    sink.write(Chunk("x", (slice(40, 95),), array[40:95] * 3))
    sink.suspend()
    folder = tmp_path / ".a.zarr.partial" / "output" / "x" / "c"
    for torn in ("1", "2"):
        if (folder / torn / "0").exists():
            with open(folder / torn / "0", "r+b") as file:
                file.truncate(7)
                file.write(b"garbage" * 100)
            if compression is None:
                os.truncate(folder / torn / "0", 30 * 16)
    if compression is None:  # what a state tells of is there: a kill tears none of it
        with open(folder / "1" / "0", "r+b") as file:
            file.write(array[30:40].tobytes())
    sink = sink_at(path, keep=True, compression=compression, chunks=(30, 4))
    sink.begin(spec, state)
    sink.write(Chunk("x", (slice(40, 100),), array[40:]))
    sink.commit()
    straight = written(tmp_path / "b.zarr", array, unknown=unknown, compression=compression, chunks=(30, 4))
    assert contents(path) == contents(straight)


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("again", ["same sink", "new process"])
@pytest.mark.parametrize("fails_at", [0, 1, 2, 3])
def test_a_commit_that_failed_is_done_again(tmp_path, monkeypatch, compression, again, fails_at):
    array, text = numbers(50, 4), np.array([[b"ab\0", b""]] * 50, object)
    specs = {"x": ArraySpec((None, 4), array.dtype), "t": ArraySpec((None, 2), text.dtype)}
    path = tmp_path / "a.zarr"
    sink = sink_at(path, compression=compression)
    sink.begin(specs)
    sink.write(Chunk("x", (slice(0, 50),), array))
    sink.write(Chunk("t", (slice(0, 50),), text))
    state = json.loads(json.dumps(sink.state()))
    put, calls = _zarr_files.Files.put, []

    def failing(self, path, data):
        calls.append(path)
        if len(calls) == fails_at + 1:
            raise StorageFull("no room")
        put(self, path, data)

    monkeypatch.setattr(_zarr_files.Files, "put", failing)
    monkeypatch.setattr(_zarr_files.Files, "try_put", lambda self, path, data: False)
    with pytest.raises(StorageFull):
        sink.commit()
    monkeypatch.undo()
    if again == "new process":
        sink.suspend()
        sink = sink_at(path, keep=True, compression=compression)
        sink.begin(specs, state)
    sink.commit()
    stored = reader(path, b"")
    assert (stored.arrays["x"].fetch(Request()) == array).all()
    assert (stored.arrays["t"].fetch(Request()) == text).all()


def test_a_commit_in_the_way_of_another_file_is_done_again(tmp_path):
    sink = sink_at(tmp_path / "a.zarr")
    sink.begin({"x": ArraySpec((3,), np.dtype("f4"))})
    sink.write(Chunk("x", (slice(0, 3),), numbers(3)))
    (tmp_path / "a.zarr").touch()
    with pytest.raises(OutputExists):
        sink.commit()
    (tmp_path / "a.zarr").unlink()
    sink.commit()
    assert (reader(tmp_path / "a.zarr", b"").arrays["x"].fetch(Request()) == numbers(3)).all()


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_slots_that_older_states_tell_of_stay(tmp_path, compression, steps):
    """Going on from a state is possible until the state after the next two is taken."""
    array, spec = numbers(64, 8), {"x": ArraySpec((64, 8), np.dtype("f4"))}
    path = tmp_path / "a.zarr"
    sink = sink_at(path, compression=compression, chunks=(3, 2))
    sink.begin(spec)
    states = []
    for start in range(0, 40, 4):
        sink.write(Chunk("x", (slice(start, start + 4),), array[start : start + 4]))
        if start >= 20 and len(states) < steps:
            states.append((start + 4, json.dumps(sink.state())))
    sink.suspend()
    start, state = states[-min(3, steps)]
    sink = sink_at(path, keep=True, compression=compression, chunks=(3, 2))
    sink.begin(spec, json.loads(state))
    sink.write(Chunk("x", (slice(start, 64),), array[start:]))
    sink.commit()
    assert (reader(path, b"").arrays["x"].fetch(Request()) == array).all()


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("syncfs", [True, False])
@pytest.mark.parametrize("rows", [2, 40])
def test_sync_reaches_every_file_that_the_state_counts(tmp_path, monkeypatch, syncfs, rows, compression):
    synced = set()
    fsync = os.fsync

    def noted(fd):
        synced.add(os.readlink(f"/proc/self/fd/{fd}"))
        fsync(fd)

    whole = []
    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(_zarr_files, "_syncfs", lambda: (lambda fd: whole.append(fd) or 0) if syncfs else None)
    sink = sink_at(tmp_path / "a.zarr", chunks=(1, 4), compression=compression)
    sink.begin({"x": ArraySpec((rows, 4), np.dtype("f4"))})
    sink.write(Chunk("x", (), numbers(rows, 4)))
    sink.sync()
    assert not synced
    assert not whole
    sink.state()
    sink.sync()
    folder = tmp_path / ".a.zarr.partial"
    if syncfs and rows > 16:
        assert len(whole) == 1
        assert not synced
    else:
        every = {str(p) for p in (folder / "output").rglob("*")} | {str(folder), str(folder / "output")}
        assert synced == every
    sink.abort()


def test_an_error_while_syncing_is_raised_each_time(tmp_path, monkeypatch):
    def failing(fd):
        _zarr_files.ctypes.set_errno(28)
        return -1

    monkeypatch.setattr(_zarr_files, "_syncfs", lambda: failing)
    sink = sink_at(tmp_path / "a.zarr", chunks=(1, 4))
    sink.begin({"x": ArraySpec((40, 4), np.dtype("f4"))})
    sink.write(Chunk("x", (), numbers(40, 4)))
    sink.state()
    for _ in range(2):
        with pytest.raises(StorageFull) as caught:
            sink.sync()
        assert str(caught.value) == (
            f"no room to write {str(tmp_path / 'a.zarr')!r} (No space left on device) after 640 B (640 bytes); "
            "free some room, or choose a path on another file system"
        )
    sink.abort()
