"""Sinks of several arrays that are killed, or fail in the middle of a commit, and go on."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from conformance.sink import assert_same, sample
from conformance.sink_resume import contents
from tf2numpy._types import PLAIN, ArraySpec, Chunk, Layout
from tf2numpy._workspace import Workspace
from tf2numpy.formats.folder import folder
from tf2numpy.formats.npz import npz
from tf2numpy.formats.safetensors import safetensors
from tf2numpy.sinks.folder import FolderSink
from tf2numpy.sinks.npz import NpzSink
from tf2numpy.sinks.safetensors import SafetensorsSink

SINKS = {
    "folder": (FolderSink, folder, PLAIN),
    "npz": (NpzSink, npz, PLAIN),
    "npz, deflated": (NpzSink, npz, Layout(compression="gzip")),
    "safetensors": (SafetensorsSink, safetensors, PLAIN),
}
ROWS = 1000
ARRAYS = {
    "known": sample((ROWS, 3), np.dtype("f4")),
    "grows": sample((ROWS, 5), np.dtype("f8")),
    "grows/too": sample((ROWS, 7), np.dtype("u1")),
    "b grows": sample((ROWS,), np.dtype("i2")),
}
SPECS = {name: ArraySpec((None if "grows" in name else ROWS, *a.shape[1:]), a.dtype) for name, a in ARRAYS.items()}


@pytest.fixture(params=SINKS)
def kind(request):
    return request.param


def make(kind, path, keep=False):
    factory, _, layout = SINKS[kind]
    workspace = Workspace(path, overwrite=False, marker="arrays.json")
    if keep:
        workspace.open(keep=True)
    return factory(workspace, layout)


def write(sink, start, stop):
    for name, array in ARRAYS.items():
        sink.write(Chunk(name, (slice(start, stop),), array[start:stop]))


def straight(kind, path):
    sink = make(kind, path)
    sink.begin(SPECS)
    write(sink, 0, ROWS)
    sink.commit()
    return contents(path)


def check(kind, path):
    head = path.read_bytes()[:64] if path.is_file() else b""
    found = SINKS[kind][1](path, head)
    assert sorted(found.arrays) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        assert_same(np.asarray(found.arrays[name].read((slice(0, ROWS),))), array)
    found.close()
    assert contents(path) == straight(kind, path.with_name("straight"))


def test_killed_while_writing(tmp_path, kind):
    program = """
        import json, sys, time
        from pathlib import Path
        from sinks import test_many_arrays_interrupted as t
        sink = t.make(sys.argv[1], Path(sys.argv[2]))
        sink.begin(t.SPECS)
        for start in range(0, 1000, 10):
            t.write(sink, start, start + 10)
            state = sink.state()
            sink.sync()
            print(json.dumps([start + 10, state]), flush=True)
            time.sleep(0.002)
    """
    path = tmp_path / "out"
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), kind, path], stdout=subprocess.PIPE, text=True, env=env
    )
    for _ in range(20):
        line = child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    done, state = json.loads(line)
    assert 0 < done < ROWS
    assert not path.exists()
    sink = make(kind, path, keep=True)
    sink.begin(SPECS, state)
    write(sink, done, ROWS)
    sink.commit()
    check(kind, path)


# Every way to the file is cut off once: the first, the second, ... call of the commit fails.
@pytest.mark.parametrize("call", ["fsync", "ftruncate", "pwrite", "copy_file_range", "mkdir", "link"])
def test_a_commit_that_fails_anywhere_can_be_done_again(tmp_path, kind, call, monkeypatch):
    if not hasattr(os, call):
        pytest.skip(f"this system has no {call}")
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    real, left = getattr(os, call), [0]

    def failing(*args, **options):
        left[0] -= 1
        if left[0] == -1:
            raise OSError(5, "Input/output error")
        return real(*args, **options)

    for number in range(100):
        path = tmp_path / f"out{number}"
        sink = make(kind, path)
        sink.begin(SPECS)
        write(sink, 0, ROWS)
        state = sink.state()
        monkeypatch.setattr(os, call, failing)
        left[0] = number
        try:
            sink.commit()
            ended = True
        except OSError as error:
            ended = False
            assert error.strerror == "Input/output error"  # noqa: PT017
        monkeypatch.setattr(os, call, real)
        if not path.exists():
            assert not ended
            sink.suspend()
            sink = make(kind, path, keep=True)
            sink.begin(SPECS, state)
            sink.commit()
        else:
            sink.abort()
        found = contents(path)
        assert found == straight(kind, tmp_path / f"straight{number}")
        if left[0] >= 0:
            return  # so often it is never called
    raise AssertionError("called without end")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
@pytest.mark.parametrize("call", ["ftruncate", "open"])
def test_a_begin_that_fails_leaves_no_file_open(tmp_path, kind, call, monkeypatch):
    real, left = getattr(os, call), [0]

    def failing(*args, **options):
        left[0] -= 1
        if left[0] == -1:
            raise OSError(28, "No space left on device")
        return real(*args, **options)

    before = len(os.listdir("/proc/self/fd"))
    for number in range(1, 20):  # the first file is the workspace's lock
        sink = make(kind, tmp_path / "out")
        monkeypatch.setattr(os, call, failing)
        left[0] = number
        try:
            sink.begin(SPECS)
        except OSError:
            pass
        finally:
            monkeypatch.setattr(os, call, real)
            sink.abort()
        assert len(os.listdir("/proc/self/fd")) == before
        if left[0] >= 0:
            break
    assert number > (call == "open")
    assert list(tmp_path.iterdir()) == []


def test_killed_in_the_middle_of_a_commit(tmp_path, kind):
    program = """
        import os, signal, sys, json
        from pathlib import Path
        from sinks import test_many_arrays_interrupted as t
        sink = t.make(sys.argv[1], Path(sys.argv[2]))
        sink.begin(t.SPECS)
        t.write(sink, 0, 1000)
        print(json.dumps(sink.state()), flush=True)
        sink.sync()
        count = [int(sys.argv[3])]
        def counted(real):
            def call(*args):
                count[0] -= 1
                if count[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*args)
            return call
        os.pwrite, os.fsync, os.ftruncate = counted(os.pwrite), counted(os.fsync), counted(os.ftruncate)
        sink.commit()
    """
    path = tmp_path / "out"
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), kind, path, "3"], stdout=subprocess.PIPE, text=True, env=env
    )
    assert run.returncode == -signal.SIGKILL
    assert not path.exists()
    sink = make(kind, path, keep=True)
    sink.begin(SPECS, json.loads(run.stdout))
    sink.commit()
    check(kind, path)
