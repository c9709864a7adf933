"""An HDF5 file that was interrupted, at whatever moment, becomes the file that it would have become anyway."""

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import h5py
import numpy as np
import pytest

from conformance.arrays import assert_same, logical, sample
from conformance.sink_resume import text
from tf2numpy._errors import FormatError
from tf2numpy._types import PLAIN, ArraySpec, Chunk, Layout
from tf2numpy.sinks import _hdf5_held

from .hdf5 import new_sink, read_array, specs_of

ARRAYS = {
    "a/known": sample((60, 4), np.dtype("f4")),
    "a/grows": sample((60, 3), logical("bfloat16"), 1),
    "b/text": text(60, 2),
    "b/text grows": text(60, 1),
    "z": sample((60,), np.dtype(">i8"), 2),
}
SPECS = specs_of(ARRAYS, ["a/grows", "b/text grows"])
LAYOUTS = [PLAIN, Layout(compression="gzip"), Layout(compression="gzip", chunks=(7, 2)), Layout(chunks=(11,))]


def write(sink, start, stop):
    for name, array in ARRAYS.items():
        sink.write(Chunk(name, (slice(start, stop),), array[start:stop]))


def straight(path, layout):
    sink = new_sink(path, layout)
    sink.begin(SPECS)
    write(sink, 0, 60)
    sink.commit()
    return path.read_bytes()


def resumed(path, layout, state):
    sink = new_sink(path, layout, keep=True)
    sink.begin(SPECS, json.loads(json.dumps(state)))
    return sink


KILLED = """
    import json, os, signal, sys
    from pathlib import Path
    from sinks.test_hdf5_resume import LAYOUTS, SPECS, new_sink, write
    from tf2numpy.sinks._output_file import OutputFile
    path, layout, calls = Path(sys.argv[1]), LAYOUTS[int(sys.argv[2])], int(sys.argv[3])
    sink = new_sink(path, layout)
    sink.begin(SPECS)
    write(sink, 0, 60)
    path.with_name("state").write_text(json.dumps(sink.state()))
    real = OutputFile.pwrite
    def pwrite(file, data, offset):
        global calls
        calls -= 1
        if calls == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        real(file, data, offset)
    OutputFile.pwrite = pwrite
    sink.commit()
"""


def run_child(program, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("calls", [1, 3, 7])
def test_a_commit_that_is_killed_leaves_no_trace(tmp_path, number, calls):
    """What HDF5 had written into the file by then stays there."""
    path = tmp_path / "x.h5"
    with run_child(KILLED, path, number, calls) as child:
        assert child.wait() == -signal.SIGKILL
    assert not path.exists()
    sink = resumed(path, LAYOUTS[number], json.loads((tmp_path / "state").read_text()))
    sink.commit()
    assert path.read_bytes() == straight(tmp_path / "straight.h5", LAYOUTS[number])
    for name, array in ARRAYS.items():
        assert_same(read_array(path, name), array)


@pytest.mark.parametrize("at", ["_hdf5_strings.Strings", "_hdf5_arrays.Growing"])
def test_an_error_in_the_middle_of_a_commit(tmp_path, monkeypatch, at):
    path = tmp_path / "x.h5"
    sink = new_sink(path)
    sink.begin(SPECS)
    write(sink, 0, 60)
    state = sink.state()

    def fail(*args):
        raise RuntimeError("here")

    with monkeypatch.context() as broken:
        broken.setattr(f"tf2numpy.sinks.{at}.build", fail)
        with pytest.raises(RuntimeError, match="here"):
            sink.commit()
        sink.suspend()
    sink = resumed(path, PLAIN, state)
    sink.commit()
    assert path.read_bytes() == straight(tmp_path / "straight.h5", PLAIN)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_regions_in_any_order_with_many_interruptions(tmp_path, layout):
    names = [name for name, spec in SPECS.items() if None not in spec.shape]
    specs = {name: SPECS[name] for name in names}
    pieces = [(name, row, col) for name in names for row in range(0, 60, 5) for col in range(specs[name].shape[-1])]
    random.Random(1).shuffle(pieces)
    path = tmp_path / "x.h5"
    sink = new_sink(path, layout)
    sink.begin(specs)
    for i, (name, row, col) in enumerate(pieces):
        index = (slice(row, row + 5),) + ((slice(col, col + 1),) if len(specs[name].shape) > 1 else ())
        if len(index) == 2 or col == 0:
            sink.write(Chunk(name, index, ARRAYS[name][index]))
        if i % 7 == 6:
            state = sink.state()
            if len(index) == 2:
                sink.write(Chunk(name, index, ARRAYS[name][index]))  # lost, and not written again
            sink.suspend()
            sink = new_sink(path, layout, keep=True)
            sink.begin(specs, json.loads(json.dumps(state)))
    sink.commit()
    for name in names:
        assert_same(read_array(path, name), ARRAYS[name])


def test_what_is_held_of_unfinished_chunks_does_not_pile_up(tmp_path, monkeypatch):
    monkeypatch.setattr(_hdf5_held, "_LEAST_BYTES", 10_000)
    array = sample((400, 100), np.dtype("f4"))
    path, layout = tmp_path / "x.h5", Layout(compression="gzip", chunks=(8, 100))
    spec = {"x": ArraySpec((None, 100), array.dtype)}
    sink, most = new_sink(path, layout), 0
    sink.begin(spec)
    for row in range(400):
        sink.write(Chunk("x", (slice(row, row + 1),), array[row : row + 1]))
        state = sink.state()
        sink.sync()
        folder = tmp_path / ".x.h5.partial"
        most = max(most, sum(p.stat().st_size for p in folder.iterdir() if p.name.startswith("held")))
        if row % 50 == 3:
            sink.suspend()
            sink = new_sink(path, layout, keep=True)
            sink.begin(spec, state)
    sink.commit()
    assert most < 30_000
    assert_same(read_array(path, "x"), array)


def test_another_version_of_hdf5_does_not_go_on(tmp_path):
    path = tmp_path / "x.h5"
    sink = new_sink(path)
    sink.begin(SPECS)
    state = sink.state()
    sink.suspend()
    ours = f"h5py {h5py.version.version} with HDF5 {h5py.version.hdf5_version}"
    with pytest.raises(FormatError) as caught:
        resumed(path, PLAIN, {**state, "hdf5": "h5py 1.0 with HDF5 1.2"})
    assert str(caught.value) == (
        f"the unfinished file of {str(path)!r} was laid out by h5py 1.0 with HDF5 1.2, and only that can go on with "
        f"it, found {ours}; install that version again, or start over"
    )


CHILD = """
    import json, os, sys
    from pathlib import Path
    from sinks.test_hdf5_resume import LAYOUTS, SPECS, new_sink, resumed, write
    path, layout = Path(sys.argv[1]), LAYOUTS[int(sys.argv[2])]
    progress = path.with_name("progress")
    done, state = json.loads(progress.read_text()) if progress.exists() else (0, None)
    if state is None:
        sink = new_sink(path, layout)
        sink.begin(SPECS)
    else:
        sink = resumed(path, layout, state)
    print("ready", flush=True)
    for row in range(done, 60):
        write(sink, row, row + 1)
        state = sink.state()
        sink.sync()
        new = progress.with_name("new")
        new.write_text(json.dumps([row + 1, state]))
        os.replace(new, progress)
    sink.commit()
"""


@pytest.mark.parametrize("number", range(3))
def test_killed_at_any_moment(tmp_path, number):
    path, moments = tmp_path / "x.h5", random.Random(number)
    kills = 0
    while not path.exists():
        with run_child(CHILD, path, number) as child:
            child.stdout.readline()
            if kills < 5:
                time.sleep(moments.random() * 0.12)
                child.send_signal(signal.SIGKILL)
                kills += 1
            assert child.wait() in (0, -signal.SIGKILL)
    for name, array in ARRAYS.items():
        assert_same(read_array(path, name), array)
    assert path.read_bytes() == straight(tmp_path / "straight.h5", LAYOUTS[number])
