"""TFRecords of Examples: against TensorFlow's batched parser, the `tfrecord` package, a copy of the bytes and the
decompressor alone, and the memory that a large file takes on its way to another format.

Files are in the system's cache; checksums are compared on both sides. Ours has one thread and TensorFlow two, but for
gzip, where decoding goes on beside the decompressor. BENCH_RECORDS_GB says how much is converted, 5 by default.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from isal import isal_zlib

import tf2numpy as t2n

from ._decoding import columns_of
from ._measure import Result, at_most, faster, in_turns
from ._process import output_of, peak_of

_SMALL, _LARGE, _FLOATS = 100_000, 2_000, 125_000
_BATCH = 1024
_PIECE_BYTES = 1 << 20
_MAX_MIB, _BESIDE_MIB = 64, 128

_CONVERT = """
import sys
import tf2numpy as t2n
t2n.convert(sys.argv[1], sys.argv[2], max_bytes="64MiB", progress=False)
"""

# The package brings messages of its own that cannot be beside TensorFlow's, so both sides run where there is none.
_BY_THE_PACKAGE = """
import json, sys
from pathlib import Path
from tfrecord import tfrecord_loader
from benchmarks._decoding import columns_of
from benchmarks._measure import in_turns
kinds = {"label": "int", "number": "int", "name": "byte", "box": "float"}
theirs = lambda: list(tfrecord_loader(sys.argv[1], None, kinds))
print(json.dumps(in_turns(lambda: columns_of(Path(sys.argv[1])), theirs, repeats=3, inner=20, inner_theirs=1)))
"""


def results() -> Iterator[Result]:
    """Write each file once, and read it in turns."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        yield from _of_small(Path(folder))
        yield from _of_large(Path(folder))
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        yield from _of_memory(Path(folder))


def _of_small(folder: Path) -> Iterator[Result]:
    path = folder / "small"
    specs = _write_small(path)
    name = f"{_SMALL:,} Examples of 4 features, 144 bytes, checked"
    memory_bytes = 2 * path.stat().st_size
    yield faster(
        name,
        5,
        "TFRecordDataset, batch, parse_example",
        lambda: columns_of(path),
        lambda: _theirs(path, specs),
        repeats=15,
        memory_bytes=memory_bytes,
    )
    if importlib.util.find_spec("tfrecord"):
        ours, theirs, samples = json.loads(output_of(_BY_THE_PACKAGE, path))
        ratio = theirs / ours
        yield Result(name, ratio, "x faster", ">= 100 x", ratio >= 100, ours, theirs, "the tfrecord package", samples)
    yield _of_gzip(path, f"{5 * _SMALL:,} Examples of 4 features", times=5)


def _of_large(folder: Path) -> Iterator[Result]:
    path = folder / "large"
    specs = _write_large(path)
    nbytes = path.stat().st_size
    name = f"{_LARGE:,} Examples of 500 KB of floats"
    yield faster(
        f"{name}, checked",
        3,
        "TFRecordDataset, batch, parse_example",
        lambda: columns_of(path),
        lambda: _theirs(path, specs),
        repeats=5,
        memory_bytes=2 * nbytes,
    )
    ours, theirs, samples = in_turns(lambda: columns_of(path), _copy(nbytes), repeats=9, memory_bytes=nbytes)
    yield Result(
        f"{name}, checked, of the speed of a copy",
        theirs / ours,
        "x the throughput",
        ">= 0.5 x",
        theirs / ours >= 0.5,
        ours,
        theirs,
        "memcpy into fresh memory",
        samples,
    )
    path.unlink()
    pixels = folder / "pixels"
    _write_large(pixels, _LARGE // 5, steps=256)
    yield _of_gzip(pixels, f"{_LARGE // 5:,} Examples of 500 KB of floats of 256 values")


def _of_gzip(path: Path, name: str, times: int = 1) -> Result:
    """Compress a file, several times over, and read it to arrays."""
    packed = path.with_suffix(".gz")
    packed.write_bytes(gzip.compress(path.read_bytes() * times, 6))
    return at_most(
        f"{name}, gzip, to arrays",
        1.15,
        "isal_zlib.decompressobj alone",
        lambda: t2n.to_numpy(t2n.open(packed)),
        lambda: _unpacked(packed),
        repeats=9,
        memory_bytes=2 * times * path.stat().st_size,
    )


def _of_memory(folder: Path) -> Iterator[Result]:
    """Convert a file in a process of its own, whose memory all counts."""
    gigabytes = float(os.environ.get("BENCH_RECORDS_GB", "5"))
    path, most = folder / "rows", _MAX_MIB + _BESIDE_MIB
    _write_large(path, round(gigabytes * 2000))
    for suffix in (".parquet", ".zarr"):
        peak = peak_of(_CONVERT, path, folder / f"rows{suffix}")
        name = f'convert(records, "x{suffix}"), {gigabytes:g} GB in {_MAX_MIB} MiB: peak of the process'
        yield Result(name, peak, "MiB", f"<= {most} MiB", peak <= most)


def _unpacked(path: Path) -> int:
    """Unpack a file in pieces, and use none."""
    work, nbytes = isal_zlib.decompressobj(31), 0
    with open(path, "rb") as file:
        while data := file.read(_PIECE_BYTES):
            while data:
                nbytes += len(work.decompress(data, _PIECE_BYTES))
                data = work.unconsumed_tail
    return nbytes


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


def _write_large(path: Path, count: int = _LARGE, *, steps: int | None = None) -> dict[str, Any]:
    """steps: how many values there are; None: as many as floats."""
    rng = np.random.default_rng(0)
    some = rng.random((100, _FLOATS), np.float32) if steps is None else rng.integers(steps, size=(100, _FLOATS)) / steps
    records = [_example({"values": _feature(float_list=tf.train.FloatList(value=one))}) for one in some]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number in range(count):
            writer.write(records[number % len(records)])
    return {"values": tf.io.FixedLenFeature([_FLOATS], tf.float32)}


def _feature(**values: Any) -> Any:
    return tf.train.Feature(**values)


def _example(features: dict[str, Any]) -> bytes:
    message: bytes = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    return message
