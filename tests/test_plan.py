import dataclasses
import os

import ml_dtypes
import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import _memory


@pytest.fixture(autouse=True)
def free(monkeypatch):
    """Ten GiB are free, or what the test sets."""
    free = [10 << 30]
    monkeypatch.setattr(_memory, "free_bytes", lambda: free[0])
    return free


def test_numpy_passes():
    x = {"a": np.zeros((2, 3)), "b": [1.5, None, np.array([1], ml_dtypes.bfloat16)]}
    assert str(t2n.plan(x)) == (
        "kind      structure\n"
        "device    host\n"
        "bytes     58 B\n"
        "free      10.0 GiB\n"
        "strategy  pass: it is NumPy's or Python's already and passes through unchanged\n"
        "  array  dtype     shape\n"
        "  a      float64   (2, 3)\n"
        "  b/0    float64   ()\n"
        "  b/2    bfloat16  (1,)"
    )


def test_a_lone_array_is_named_data():
    assert str(t2n.plan(np.zeros(5, np.int8))).splitlines()[-1] == "  data   int8   (5,)"


def test_a_tensor_is_copied(tf):
    assert str(t2n.plan(tf.zeros([1000, 1000]))) == (
        "kind      tensor\n"
        "device    CPU:0\n"
        "bytes     3.8 MiB\n"
        "free      10.0 GiB\n"
        "strategy  copy: one host copy, independent and writable; copy=None gives a read-only view for nothing\n"
        "  array  dtype    shape\n"
        "  data   float32  (1000, 1000)"
    )


def test_a_dataset_of_unknown_length(tf):
    dataset = tf.data.Dataset.from_tensor_slices({"x": tf.zeros([9, 2]), "r": tf.ragged.range([1] * 9)})
    assert str(t2n.plan({"rows": dataset.filter(lambda row: True)})) == (
        "kind      structure\n"
        "device    host (tf.data)\n"
        "bytes     unknown\n"
        "free      10.0 GiB\n"
        "strategy  copy: the size is not stated; rows are gathered as they come, and refused when memory runs out\n"
        "  array              dtype    shape\n"
        "  rows/r/row_splits  int64    (?,)\n"
        "  rows/r/values      int32    (?,)\n"
        "  rows/x             float32  (?, 2)"
    )


def test_a_dataset_of_known_length(tf, free):
    dataset = tf.data.Dataset.from_tensor_slices(tf.zeros([9, 2]))
    plan = t2n.plan(dataset.batch(4))
    assert (plan.nbytes, plan.strategy, plan.why) == (72, "copy", "it fits into the free host memory")
    free[0] = 71
    assert t2n.plan(dataset.batch(4)).strategy == "spill"


def test_what_does_not_fit(tf, free):
    free[0] = 1 << 20
    plan = t2n.plan(tf.zeros([1 << 20]))
    assert (plan.strategy, plan.why) == (
        "view",
        "a copy does not fit; copy=None gives a read-only view, iter_chunks and save work in pieces",
    )
    plan = t2n.plan(tf.data.Dataset.from_tensor_slices(tf.zeros([1 << 20])))
    assert (plan.strategy, plan.why) == (
        "spill",
        "it does not fit; spill='big.npy' (or .h5) backs it by a file, iter_chunks and save work in pieces",
    )
    plan = t2n.plan(tf.fill([1 << 15], "x"))
    assert (plan.nbytes, plan.strategy, plan.why) == (
        (8 + 33 + 1) << 15,
        "chunks",
        "it does not fit, and strings cannot be backed by a file; iter_chunks and save work in pieces",
    )


def test_max_bytes_stands_for_what_is_free(tf):
    tensor = tf.zeros([1000])
    assert t2n.plan(tensor, max_bytes="4KB").strategy == "copy"
    assert t2n.plan(tensor, max_bytes=3999).strategy == "view"


@pytest.mark.parametrize("path", [None, "x.npy"])
def test_a_bad_max_bytes(path):
    for bad in (0, "much"):
        with pytest.raises(t2n.InvalidArgument) as caught:
            t2n.plan({"a": 1}, path, max_bytes=bad)
        assert str(caught.value) == (
            f"max_bytes={bad!r} is not a positive number of bytes; give an int, or text such as '64MiB' or '2GB'"
        )


def test_a_path(tmp_path):
    path = tmp_path / "x.npy"
    assert t2n.plan(np.zeros(3), path).why == (
        f"written to {path} region by region, with at most 64.0 MiB of host memory alive"
    )
    plan = t2n.plan(np.zeros(3), str(path), max_bytes="1KiB")
    assert (plan.strategy, plan.why) == (
        "chunks",
        f"written to {path} region by region, with at most 1.0 KiB of host memory alive",
    )
    assert os.listdir(tmp_path) == []
    with pytest.raises(t2n.FormatError) as caught:
        t2n.plan(np.zeros(3), "x.mat")
    assert str(caught.value).startswith("the suffix '.mat' names no format that can be written; known are .npy, ")


def test_twenty_arrays_are_shown():
    plan = t2n.plan({f"{i:02}": np.zeros(1) for i in range(25)})
    assert len(plan.arrays) == 25
    assert str(plan).splitlines()[-2:] == ["  19                     float64  (1,)", "  ... and 5 more arrays"]


def test_html_escapes_names():
    page = t2n.plan({"<b>&": np.zeros((1, 2), np.int8)})._repr_html_()
    assert page == (
        "<table><tr><th>kind</th><td>structure</td></tr><tr><th>device</th><td>host</td></tr>"
        "<tr><th>bytes</th><td>2 B</td></tr><tr><th>free</th><td>10.0 GiB</td></tr>"
        "<tr><th>strategy</th><td>pass: it is NumPy&#x27;s or Python&#x27;s already and passes through unchanged</td>"
        "</tr></table><table><tr><td>array</td><td>dtype</td><td>shape</td></tr>"
        "<tr><td>&lt;b&gt;&amp;</td><td>int8</td><td>(1, 2)</td></tr></table>"
    )


def test_a_plan_is_frozen():
    plan = t2n.plan(np.zeros(1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.nbytes = 0


def test_nothing_is_read(tf):
    def read(i):
        raise AssertionError

    dataset = tf.data.Dataset.range(3).map(lambda i: tf.ensure_shape(tf.py_function(read, [i], tf.int64), []))
    assert t2n.plan(dataset).arrays[""].shape == (3,)
    assert t2n.plan(dataset.batch(2), "x.npy").arrays[""].shape == (3,)
    variable = tf.Variable(tf.zeros([1000, 1000]))
    assert t2n.plan(variable).nbytes == 4_000_000


def test_what_cannot_be_converted_cannot_be_planned(tf):
    with pytest.raises(t2n.UnsupportedKind) as caught:
        t2n.plan({"a": object()})
    assert str(caught.value) == (
        "at x['a']: a builtins.object has no NumPy form; give a TensorFlow value (tensor, variable, dataset, model "
        "...), an array or number, or a structure of these"
    )
