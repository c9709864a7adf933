"""Images in TFRecords to arrays in memory: against TensorFlow's own parsing and decoding, two threads on both sides.

Both decode JPEGs by libjpeg's accurate transform, so that the pixels are the same.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import tf2numpy as t2n

from ._measure import Result, faster

_CASES = ((1_000, 64), (200, 256), (20, 1024))
_BATCH = 64


def results() -> Iterator[Result]:
    """Write files of images of several sizes, and read each in turns."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        for kind in ("JPEG", "PNG"):
            for count, side in _CASES:
                path = Path(folder) / f"{kind}-{side}"
                _write(path, kind, count, side)
                yield faster(
                    f"{count:,} {kind}s of {side} x {side} in records",
                    1,
                    f"TFRecordDataset, parse_example, decode_{kind.lower()}, batch",
                    lambda path=path, side=side: _ours(path, side),
                    lambda path=path, kind=kind, side=side: _theirs(path, kind, side),
                    repeats=5,
                    memory_bytes=4 * count * side * side * 3,
                )


def _ours(path: Path, side: int) -> Any:
    return t2n.to_numpy(t2n.open(path, schema={"image": t2n.Image((side, side, 3))}))["image"]


def _theirs(path: Path, kind: str, side: int) -> Any:
    spec = {"image": tf.io.FixedLenFeature([], tf.string)}

    def decoded(record: Any) -> Any:
        data = tf.io.parse_single_example(record, spec)["image"]
        if kind == "PNG":
            return tf.ensure_shape(tf.io.decode_png(data, channels=3), (side, side, 3))
        return tf.ensure_shape(tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE"), (side, side, 3))

    batches = tf.data.TFRecordDataset(str(path)).map(decoded, num_parallel_calls=2).batch(_BATCH)
    return np.concatenate(list(batches.as_numpy_iterator()))


def _write(path: Path, kind: str, count: int, side: int) -> None:
    rng, (y, x) = np.random.default_rng(0), np.mgrid[0:side, 0:side]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number in range(count):
            waves = np.sin(x[..., None] / 19 + number) * 60 + np.cos(y[..., None] / 23 + np.arange(3)) * 60 + 128
            pixels = np.clip(waves + rng.normal(size=waves.shape) * 6, 0, 255).astype(np.uint8)
            encode = tf.io.encode_png if kind == "PNG" else tf.io.encode_jpeg
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[encode(pixels).numpy()]))
            example = tf.train.Example(features=tf.train.Features(feature={"image": feature}))
            writer.write(example.SerializeToString())
