"""An interrupted save is gone on with: the finished file is the one an uninterrupted save gives, or it is refused."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails
from conformance.sink_resume import contents
from tf2numpy import _resume
from tf2numpy._sources import Plain
from tf2numpy._workspace import Workspace

# `make soak` kills more often.
KILLS = int(os.environ.get("TF2NUMPY_KILLS", "4"))
SUFFIXES = [".npy", ".npz", ".h5", ".zarr", ".safetensors", ""]


class Interrupted(Exception):
    pass


@pytest.fixture(params=SUFFIXES, ids=lambda suffix: suffix or "dir")
def path(request, tmp_path, monkeypatch):
    monkeypatch.setattr(_resume, "_MARK_EVERY_S", 0.0)
    return tmp_path / f"x{request.param}"


def save(value, path, **options):
    return t2n.save(value, path, format=None if path.suffix else "dir", max_bytes=4096, **options)


def interrupted(value, path, after_bytes, **options):
    """Save until so many bytes are written."""

    def stop(done, total):
        if done >= after_bytes:
            raise Interrupted

    with pytest.raises(Interrupted) as caught:
        save(value, path, progress=stop, **options)
    assert os.listdir(path.parent) == [f".{path.name}.partial"]
    assert not path.exists()
    return caught.value


def finished(value, path, reference):
    """Go on, and compare with what an uninterrupted save gives."""
    save(value, path, resume=True)
    assert os.listdir(path.parent) == [path.name]
    save(value, reference)
    assert contents(path) == contents(reference)


def values(tf, path):
    yield np.arange(10_000.0).reshape(100, 100)
    yield tf.reshape(tf.range(10_000), [4, 2500])
    yield tf.data.Dataset.range(3000).map(lambda i: tf.cast([i, i * i], tf.float32))
    yield tf.data.Dataset.range(3000).filter(lambda i: i % 3 > 0)
    if path.suffix != ".npy":
        yield {"a": np.arange(2000), "b": [tf.range(3000), tf.ones([5, 7])]}
        ragged = tf.data.Dataset.range(900).map(lambda i: tf.range(i % 7))
        yield tf.data.Dataset.zip(ragged, tf.data.Dataset.range(900).batch(1).unbatch())
        sparse = tf.data.Dataset.range(600).map(lambda i: tf.sparse.from_dense(tf.one_hot(i % 9, 9)))
        yield sparse.batch(50)


@pytest.mark.parametrize("part", [0.01, 0.4, 0.97])
def test_going_on_gives_the_file_of_an_uninterrupted_save(tf, path, tmp_path, part):
    reference = tmp_path / "reference"
    for number, value in enumerate(values(tf, path)):
        here = tmp_path / str(number) / path.name
        reference = tmp_path / f"reference {number}" / path.name
        here.parent.mkdir()
        reference.parent.mkdir()
        total = t2n.plan(value).nbytes or 8000
        interrupted(value, here, part * total)
        finished(value, here, reference)


def test_several_interruptions(path):
    value = np.arange(10_000.0)
    for part in (10_000, 10_000, 30_000):
        interrupted(value, path, part, resume=True)
    finished(value, path, path.with_name(f"reference{path.suffix}"))


def test_what_is_written_is_not_read_again(path, monkeypatch):
    value = np.arange(10_000.0)
    interrupted(value, path, 60_000)
    read, whole = [], Plain.read
    monkeypatch.setattr(Plain, "read", lambda self, index: read.append(index[0].start) or whole(self, index))
    save(value, path, resume=True)
    first, last, *rest = read
    assert first == 0  # the first piece and the last one written are compared
    assert last >= (60_000 - 4096) // 8 - 512
    assert rest == list(range(last + 512, 10_000, 512))


def test_without_resume_it_begins_anew(path):
    interrupted(np.zeros(10_000), path, 60_000)
    save(np.ones(10), path)
    with t2n.open(path) as file:
        assert file["data"][:].tolist() == [1] * 10
    assert os.listdir(path.parent) == [path.name]


def test_resume_with_nothing_to_go_on_from(path):
    save(np.ones(10), path, resume=True)
    with fails(
        t2n.OutputExists, f"{str(path)!r} exists already; pass overwrite=True to replace it, or choose another name"
    ):
        save(np.ones(10), path, resume=True)


def changed(which):
    value = np.arange(10_000.0)
    value[{"first": 3, "last": 7000}[which]] = -1
    return value


@pytest.mark.parametrize("which", ["first", "last"])
def test_another_value_is_refused(path, which):
    interrupted(np.arange(10_000.0), path, 7001 * 8)
    with fails(
        t2n.InvalidArgument,
        f"the value is not the one that {str(path)!r} was begun with: the {which} piece that is written differs; save "
        "that one, or this one without resume=True, which begins anew",
    ):
        save(changed(which), path, resume=True)
    save(np.arange(10_000.0), path, resume=True)  # the right one still goes on
    with t2n.open(path) as file:
        assert file["data"][-1] == 9999


def test_another_shape_dtype_or_option_is_refused(path):
    value = np.arange(10_000.0)
    interrupted(value, path, 60_000)
    shown = repr(str(path))
    was = [["data", [10000], "float64", "<f8"]]
    for other, now in (
        (value[:-1], [["data", [9999], "float64", "<f8"]]),
        (value.astype("f4"), [["data", [10000], "float32", "<f4"]]),
    ):
        with fails(
            t2n.InvalidArgument,
            f"{shown} was begun with arrays {was}, and now arrays is {now}; save it as it was begun, or without "
            "resume=True, which begins anew",
        ):
            save(other, path, resume=True)
    with fails(t2n.InvalidArgument, f"{shown} was begun with max_bytes=4096, and its pieces need as much; found 1024"):
        t2n.save(value, path, format=None if path.suffix else "dir", max_bytes=1024, resume=True)
    t2n.save(value, path, format=None if path.suffix else "dir", max_bytes="1MiB", resume=True)


def test_a_row_count_that_lied_before_the_interruption(tf, tmp_path, monkeypatch):
    monkeypatch.setattr(_resume, "_MARK_EVERY_S", 0.0)
    lies = tf.data.Dataset.range(3000).filter(lambda i: i % 2 == 0)
    monkeypatch.setattr(type(lies), "cardinality", lambda self: tf.constant(2000, tf.int64))
    calls = []

    def stop(done, total):
        calls.append(total)
        if total is None and done > 6000:
            raise Interrupted

    path = tmp_path / "x.npy"
    with pytest.warns(UserWarning, match="said it had 2000 rows and gave 1500"), pytest.raises(Interrupted):
        save(lies, path, progress=stop)
    assert None in calls
    save(lies, path, resume=True)
    assert np.load(path).tolist() == list(range(0, 3000, 2))


def test_a_second_save_of_one_destination_is_refused(path):
    def again(done, total):
        with fails(
            t2n.OutputBusy,
            f"{str(path)!r} is being written already, by this or another process; wait for it to end, or choose "
            "another name",
        ):
            save(np.zeros(3), path)

    save(np.arange(10_000.0), path, progress=again)
    with t2n.open(path) as file:
        assert file["data"][-1] == 9999


def test_a_kill_before_the_first_mark(path, tmp_path):
    """There is a hidden folder, and nothing in it to go on from."""
    workspace = Workspace(path, overwrite=False, marker="arrays.json" if not path.suffix else "zarr.json")
    workspace.open()
    for left in ("journal", "output", "staged"):
        (workspace.folder / left).write_bytes(b'{"format": ".npy"}\n')
    workspace.release()
    save(np.arange(10.0), path, resume=True)
    assert os.listdir(path.parent) == [path.name]
    with t2n.open(path) as file:
        assert file["data"][:].tolist() == list(range(10))


CHILD = """
    import sys, time
    import numpy as np
    import tf2numpy as t2n
    from tf2numpy import _resume
    _resume._MARK_EVERY_S = 0.0
    def slowly(done, total):
        print(done, flush=True)
        time.sleep(0.004)
    value = {"a": np.arange(300_000.0), "b": np.arange(100_000, dtype="i2"), "c": np.zeros((0, 3))}
    value = value["a"] if sys.argv[1].endswith(".npy") else value
    t2n.save(value, sys.argv[1], format=sys.argv[2] or None, max_bytes=65_536, resume=True, progress=slowly)
"""


@pytest.mark.parametrize("moment", range(KILLS))
def test_a_kill_at_any_moment(path, tmp_path, moment):
    """Nothing but the finished file is ever seen under the name, and going on gives that of an uninterrupted save."""
    command = [sys.executable, "-c", textwrap.dedent(CHILD)]
    form = "" if path.suffix else "dir"
    (tmp_path / "reference").mkdir()
    reference = tmp_path / "reference" / path.name
    steps = subprocess.run([*command, reference, form], check=True, capture_output=True).stdout.count(b"\n")
    child = subprocess.Popen([*command, path, form], stdout=subprocess.PIPE, text=True)
    for _ in range(1 + round(steps * moment / KILLS)):  # the last ones fall into the commit
        child.stdout.readline()
    time.sleep(random.uniform(0, 0.01))
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    if path.exists():  # it was quicker
        assert contents(path) == contents(reference)
    else:
        assert [name for name in os.listdir(tmp_path) if name != "reference"] == [f".{path.name}.partial"]
        subprocess.run([*command, path, form], check=True, capture_output=True)
        assert contents(path) == contents(reference)
    assert sorted(os.listdir(tmp_path)) == sorted(["reference", path.name])
