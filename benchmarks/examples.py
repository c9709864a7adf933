"""TFRecords of Examples to columns in memory: against TensorFlow's batched parser, and against a copy of the bytes.

Files are in the system's cache; checksums are compared on both sides. Ours has one thread, TensorFlow two.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf2numpy._blobs import blob_of
from tf2numpy.wire.examples import Columns, Decoder
from tf2numpy.wire.records import blocks

from ._measure import Result, faster, in_turns

_SMALL, _LARGE, _FLOATS = 100_000, 2_000, 125_000
_BATCH = 1024


def results() -> Iterator[Result]:
    """Write both files once, and read each in turns."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        small, large = Path(folder) / "small", Path(folder) / "large"
        specs = _write_small(small)
        yield faster(
            f"{_SMALL:,} Examples of 4 features, 144 bytes, checked",
            5,
            "TFRecordDataset, batch, parse_example",
            lambda: _ours(small),
            lambda: _theirs(small, specs),
            repeats=15,
            memory_bytes=2 * small.stat().st_size,
        )
        specs = _write_large(large)
        nbytes = large.stat().st_size
        yield faster(
            f"{_LARGE:,} Examples of 500 KB of floats, checked",
            3,
            "TFRecordDataset, batch, parse_example",
            lambda: _ours(large),
            lambda: _theirs(large, specs),
            repeats=5,
            memory_bytes=2 * nbytes,
        )
        ours, theirs, samples = in_turns(lambda: _ours(large), _copy(nbytes), repeats=9, memory_bytes=nbytes)
        yield Result(
            f"{_LARGE:,} Examples of 500 KB of floats, checked, of the speed of a copy",
            theirs / ours,
            "x the throughput",
            ">= 0.5 x",
            theirs / ours >= 0.5,
            ours,
            theirs,
            "memcpy into fresh memory",
            samples,
        )


def _ours(path: Path) -> Columns:
    blob, decoder = blob_of(path), Decoder()
    for block in blocks(blob.read, blob.size):
        block.check()
        decoder.decode(block.data, block.starts, block.stops, block.numbers)
    return decoder.take()


def _theirs(path: Path, specs: dict[str, Any]) -> dict[str, Any]:
    parsed = (
        tf.data.TFRecordDataset(str(path))
        .batch(_BATCH)
        .map(lambda records: tf.io.parse_example(records, specs), num_parallel_calls=2)
    )
    parts = list(parsed.as_numpy_iterator())
    return {name: np.concatenate([part[name] for part in parts]) for name in specs}


def _copy(nbytes: int) -> Callable[[], np.ndarray[Any, Any]]:
    source = np.ones(nbytes, np.uint8)
    return source.copy


def _write_small(path: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number in range(_SMALL):
            features = {
                "label": _feature(int64_list=tf.train.Int64List(value=[int(rng.integers(10))])),
                "number": _feature(int64_list=tf.train.Int64List(value=[number])),
                "name": _feature(bytes_list=tf.train.BytesList(value=[b"%08d.jpeg" % number])),
                "box": _feature(float_list=tf.train.FloatList(value=rng.random(12, np.float32))),
            }
            writer.write(_example(features))
    return {
        "label": tf.io.FixedLenFeature([], tf.int64),
        "number": tf.io.FixedLenFeature([], tf.int64),
        "name": tf.io.FixedLenFeature([], tf.string),
        "box": tf.io.FixedLenFeature([12], tf.float32),
    }


def _write_large(path: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for _ in range(_LARGE):
            values = tf.train.FloatList(value=rng.random(_FLOATS, np.float32))
            writer.write(_example({"values": _feature(float_list=values)}))
    return {"values": tf.io.FixedLenFeature([_FLOATS], tf.float32)}


def _feature(**values: Any) -> Any:
    return tf.train.Feature(**values)


def _example(features: dict[str, Any]) -> bytes:
    message: bytes = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    return message
