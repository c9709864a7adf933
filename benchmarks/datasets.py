"""Datasets collected into arrays, against a loop over the elements and against the best batching by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

import tf2numpy as t2n

from ._measure import Result, at_most, faster, in_turns

_IMAGES = 20_000
_SCALARS = 200_000


def results() -> Iterator[Result]:
    """Measure each bar in turn."""
    images = tf.data.Dataset.from_tensor_slices(np.random.default_rng(0).random((_IMAGES, 32, 32, 3), np.float32))
    yield faster(
        "to_numpy(dataset), 20,000 images 32x32x3",
        15,
        "np.array([x for x in ds.as_numpy_iterator()])",
        lambda: t2n.to_numpy(images),
        lambda: np.array(list(images.as_numpy_iterator())),
        repeats=3,
    )
    ways = [(rows, how) for rows in (64, 256, 1024) for how in ("", ", parallel")]
    by_hand = {f"{rows} a batch{how}": _by_hand(images, rows, how) for rows, how in ways}
    best = min(by_hand, key=lambda name: in_turns(by_hand[name], by_hand[name], repeats=3)[0])
    yield at_most(
        "to_numpy(dataset), 20,000 images 32x32x3, by hand",
        1.2,
        f"the best of six batchings by hand ({best})",
        lambda: t2n.to_numpy(images),
        by_hand[best],
        repeats=11,
    )
    scalars = tf.data.Dataset.range(_SCALARS)
    yield faster(
        "to_numpy(dataset), 200,000 scalars",
        200,
        "np.array([x for x in ds.as_numpy_iterator()])",
        lambda: t2n.to_numpy(scalars),
        lambda: np.array(list(scalars.as_numpy_iterator())),
        repeats=3,
    )


def _by_hand(images: Any, rows: int, how: str) -> Callable[[], Any]:
    def run() -> Any:
        batches = images.batch(rows, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2) if how else images.batch(rows)
        result, start = np.empty((_IMAGES, 32, 32, 3), np.float32), 0
        for batch in batches:
            stop = start + batch.shape[0]
            result[start:stop] = batch
            start = stop
        return result

    return run
