"""What spilling gives, and what an error, an interrupt or a full disk in the middle of a file leaves behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap

import h5py
import ml_dtypes
import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import _write

SUFFIXES = pytest.mark.parametrize("suffix", [".npy", ".h5"])


def stored(path):
    """The one array of a file."""
    if path.suffix == ".npy":
        return np.load(path)
    with h5py.File(path) as file:
        return file["data"][()]


@SUFFIXES
@pytest.mark.parametrize("known", [True, False])
def test_an_error_in_the_middle_leaves_what_was_written(tf, tmp_path, suffix, known):
    """The error names the row; what is written is kept, and is nothing that could be taken for the file."""

    def check(i):
        with tf.control_dependencies([tf.debugging.Assert(tf.not_equal(i, 700), ["boom"])]):
            return tf.identity(i)

    dataset = tf.data.Dataset.range(1000).map(check)
    dataset = dataset if known else dataset.filter(lambda i: True)
    path = tmp_path / f"x{suffix}"
    with pytest.raises(tf.errors.InvalidArgumentError, match="boom") as caught:
        t2n.save(dataset, path, max_bytes=1024)
    reading, kept = caught.value.__notes__
    assert re.fullmatch(r"while reading the dataset, after (6\d\d|700) rows", reading)
    assert kept == (
        f"What is written so far is kept in '.x{suffix}.partial' beside {str(path)!r}: save it with resume=True to go "
        "on from there; saving it without begins anew and removes that."
    )
    assert os.listdir(tmp_path) == [f".x{suffix}.partial"]
    assert stored(t2n.save(tf.range(3), path)).tolist() == [0, 1, 2]
    assert os.listdir(tmp_path) == [f"x{suffix}"]


@SUFFIXES
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupt_leaves_what_was_there(tmp_path, monkeypatch, suffix, error):
    path = t2n.save(np.arange(5), tmp_path / f"x{suffix}")
    parts = []

    def interrupt(self, count):
        parts.append(os.listdir(tmp_path))
        if len(parts) == 3:
            raise error

    monkeypatch.setattr(_write.Progress, "update", interrupt)
    with pytest.raises(error):
        t2n.save(np.arange(1000), path, max_bytes=1024, overwrite=True)
    assert len(parts[-1]) == 2  # there was a hidden folder
    assert sorted(os.listdir(tmp_path)) == [f".{path.name}.partial", path.name]
    assert stored(path).tolist() == [0, 1, 2, 3, 4]


@SUFFIXES
def test_a_spilled_tensor_is_a_writable_map(tf, tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    tensor = tf.reshape(tf.range(12, dtype=tf.float32), [3, 4])
    found = t2n.to_numpy(tensor, spill=path)
    assert type(found) is np.memmap
    assert (found.dtype, found.tolist()) == (np.float32, tensor.numpy().tolist())
    found[1, 2] = -1
    found.flush()
    assert stored(path)[1, 2] == -1
    assert tensor[1, 2] == 6
    with pytest.raises(t2n.OutputExists) as caught:
        t2n.to_numpy(tensor, spill=path)
    assert str(caught.value) == (f"{path} exists, and spill= replaces no file; remove it, or name another")


def test_a_spilled_structure(tf, tmp_path):
    ragged = tf.ragged.constant([[[1, 2], []], [], [[3]]])
    sparse = tf.sparse.from_dense(np.eye(2))
    value = {
        "n": 3,
        "s0": "text",
        "none": None,
        "t": (tf.zeros([2, 2]), tf.cast([1, 2], tf.bfloat16)),
        "r": ragged,
        "s": sparse,
    }
    path = tmp_path / "x.h5"
    found = t2n.to_numpy(value, spill=path)
    assert list(found) == list(value)
    assert type(found["n"]) is int
    assert found["s0"] == "text"
    assert found["none"] is None
    assert type(found["t"]) is tuple
    assert found["t"][1].dtype == ml_dtypes.bfloat16
    assert found["t"][1].tolist() == [1, 2]
    assert found["r"].to_list() == ragged.to_list()
    assert found["s"].to_dense().tolist() == [[1, 0], [0, 1]]
    for array in (*found["t"], found["r"].flat_values, found["r"].row_splits, found["s"].values):
        assert type(array) is np.memmap
        assert array.flags.writeable
    found["r"].flat_values[0] = 9
    found["t"][0][0, 1] = 8
    for array in (found["r"].flat_values, found["t"][0]):
        array.flush()
    with h5py.File(path) as file:
        assert set(file) == {"t", "r", "s"}
        assert file["r/values/values"][()].tolist() == [9, 2, 3]
        assert file["t/0"][()].tolist() == [[0, 8], [0, 0]]


@SUFFIXES
def test_a_spilled_dataset(tf, tmp_path, suffix):
    rows = np.arange(300, dtype=np.int16).reshape(100, 3)
    found = t2n.to_numpy(tf.data.Dataset.from_tensor_slices(rows).batch(7), spill=tmp_path / f"x{suffix}", dtype="i4")
    assert type(found) is np.memmap
    assert (found.dtype, found.tolist()) == (np.int32, rows.tolist())


def test_spilling_rows_of_unknown_number(tf, tmp_path):
    dataset = tf.data.Dataset.range(100).filter(lambda i: i % 2 == 0)
    found = t2n.to_numpy(dataset, spill=tmp_path / "x.npy")
    assert type(found) is np.memmap
    assert found.tolist() == list(range(0, 100, 2))


def refused(error, *args, **options):
    with pytest.raises(error) as caught:
        t2n.to_numpy(*args, **options)
    return str(caught.value)


def test_what_cannot_be_spilled(tf, tmp_path):
    path = tmp_path / "x.h5"
    assert refused(t2n.FormatError, {"a": tf.constant(["x"]), "b": [tf.constant(b"y")], "c": 1}, spill=path) == (
        "strings cannot be mapped from a file, and a, b/0 holds some; write them with save(x, 'x.h5'), or take them "
        "in pieces with iter_chunks(x)"
    )
    assert refused(t2n.FormatError, tf.constant("text"), spill=path) == (
        "strings cannot be mapped from a file, and data holds some; write them with save(x, 'x.h5'), or take them "
        "in pieces with iter_chunks(x)"
    )
    for alone in ("text", 1):
        assert refused(t2n.FormatError, alone, spill=path) == (
            f"there is nothing to write to {path}: this constant holds no array"
        )
    assert refused(t2n.InvalidArgument, np.zeros(2), spill=path, out=np.zeros(2)) == (
        "out= and spill= name two places for one result; leave one of them out"
    )
    assert refused(t2n.InvalidArgument, np.zeros(2), spill=path, copy=False) == (
        "spill= makes a copy in a file and copy=False forbids one; leave one of them out"
    )
    assert refused(t2n.FormatError, [np.zeros(1), np.zeros(1)], spill=tmp_path / "x.npy") == (
        "a .npy file holds exactly one array, found '0', '1'; choose a .h5 path for several"
    )
    assert os.listdir(tmp_path) == []


@SUFFIXES
def test_a_disk_that_fills_up(tf, small_disk, suffix):
    dataset = tf.data.Dataset.range(16).map(lambda i: tf.fill([1 << 20], tf.cast(i, tf.uint8))).filter(lambda row: True)
    path = small_disk / f"x{suffix}"
    with pytest.raises(t2n.StorageFull, match=r"^no room to write .*No space left on device.*; free some"):
        t2n.save(dataset, path, max_bytes="4MiB")
    assert os.listdir(small_disk) == []
    with pytest.raises(t2n.StorageFull) as caught:
        t2n.save(tf.zeros([2 << 20]), path)
    assert str(caught.value).startswith(f"{str(path)!r} needs 8.0 MiB (8388")
    assert os.listdir(small_disk) == []


def run(program, **environment):
    words = [sys.executable, "-W", "error::UserWarning", "-c", textwrap.dedent(program)]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_limit_on_the_size_of_files(tf, tmp_path):
    program = f"""
    import os, resource, signal
    import tensorflow as tf, tf2numpy as t2n
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, resource.RLIM_INFINITY))
    rows = tf.data.Dataset.range(16).map(lambda i: tf.fill([1 << 20], tf.cast(i, tf.uint8)))
    for suffix in (".npy", ".h5"):
        for value in (rows, rows.filter(lambda row: True), tf.zeros([1 << 20])):
            try:
                t2n.save(value, {str(tmp_path)!r} + "/x" + suffix, max_bytes="2MiB")
            except t2n.StorageFull as error:
                print("File too large" in str(error), os.listdir({str(tmp_path)!r}))
    """
    assert run(program) == "True []\n" * 6


@pytest.mark.slow
def test_a_dataset_larger_than_the_memory(tf, tmp_path):
    program = f"""
    import resource
    import psutil
    import h5py, numpy as np, tensorflow as tf, tf2numpy as t2n
    rows = tf.data.Dataset.range(1500).map(lambda i: tf.fill([1 << 20], tf.cast(i % 251, tf.uint8)))
    next(iter(rows))
    vms = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (vms + (700 << 20),) * 2)
    try:
        t2n.to_numpy(rows)
    except t2n.HostMemoryError:
        print("refused")
    t2n.save(rows, {str(tmp_path)!r} + "/x.npy")
    t2n.save(rows, {str(tmp_path)!r} + "/x.h5")
    """
    # One arena: glibc reserves 64 MiB of address space for each thread's own.
    assert run(program, MALLOC_ARENA_MAX="1", TF_NUM_INTEROP_THREADS="2") == "refused\n"
    with h5py.File(tmp_path / "x.h5") as file:
        for array in (np.load(tmp_path / "x.npy", mmap_mode="r"), file["data"]):
            assert (array.shape, array.dtype) == ((1500, 1 << 20), np.uint8)
            for row in (0, 777, 1499):
                assert (array[row] == row % 251).all()
    for name in ("x.npy", "x.h5"):
        (tmp_path / name).unlink()  # pytest keeps the folders of the last runs
