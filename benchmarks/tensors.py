"""Tensors and variables in memory, against their own `.numpy()`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

import tf2numpy as t2n

from ._measure import Result, at_most, faster

_GB = 1 << 30


def results() -> Iterator[Result]:
    """Measure each bar in turn, so that only one large value is alive."""
    yield from _small()
    yield from _large()
    yield from _variable()


def _small() -> Iterator[Result]:
    tensor = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    yield at_most(
        "to_numpy(t), 2 x 2",
        1.5,
        "t.numpy()",
        lambda: t2n.to_numpy(tensor),
        lambda: tensor.numpy(),
        repeats=15,
        inner=20_000,
    )


def _large() -> Iterator[Result]:
    tensor, once = tf.random.uniform([_GB // 4]), {"inner": 1000, "inner_theirs": 1}
    view = faster(
        "to_numpy(t, copy=None), 1 GB",
        5000,
        "t.numpy()",
        lambda: t2n.to_numpy(tensor, copy=None),
        lambda: tensor.numpy(),
        repeats=7,
        **once,
    )
    yield view
    microseconds = (view.ours or 0) * 1e6
    yield Result("to_numpy(t, copy=None), 1 GB, one call", microseconds, "us", "<= 20 us", microseconds <= 20)
    yield at_most(
        "to_numpy(t), 1 GB", 1.05, "t.numpy()", lambda: t2n.to_numpy(tensor), lambda: tensor.numpy(), repeats=11
    )
    out = np.ones(_GB // 4, np.float32)
    yield at_most(
        "to_numpy(t, out=out), 1 GB",
        0.5,
        "t.numpy()",
        lambda: t2n.to_numpy(tensor, out=out),
        lambda: tensor.numpy(),
        repeats=11,
    )


def _variable() -> Iterator[Result]:
    variable = tf.Variable(tf.random.uniform([_GB // 4]))
    yield at_most(
        "to_numpy(v), 1 GB", 0.5, "v.numpy()", lambda: t2n.to_numpy(variable), lambda: variable.numpy(), repeats=11
    )
