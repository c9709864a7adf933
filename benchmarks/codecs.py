"""Compressed files, against the codec alone over the same chunks on as many cores."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from isal import isal_zlib

import tf2numpy as t2n

from ._measure import Result, at_most

_BYTES = 1 << 30
_CHUNK_BYTES = 4 << 20


def results() -> Iterator[Result]:
    """Measure HDF5 and Zarr with gzip and zstd."""
    # Smooth noise, as measured images have: it compresses to about half.
    scene = np.cumsum(np.random.default_rng(0).integers(-3, 4, (_BYTES // 2 // 1024, 1024)), 1).astype(np.int16)
    chunk = (_CHUNK_BYTES // 2048, 1024)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        for suffix in (".h5", ".zarr"):
            for codec, encode in _CODECS.items():
                yield at_most(
                    f'save(x, "x{suffix}", compression="{codec}"), 1 GB',
                    1.1,
                    f"{codec} alone, {os.cpu_count()} threads",
                    _saved(scene, Path(folder), suffix, compression=codec, chunks=chunk),
                    _alone(scene, encode),
                    repeats=5,
                )


def _saved(array: Any, folder: Path, suffix: str, **options: Any) -> Callable[[], Path]:
    names = (folder / f"{number}{suffix}" for number in itertools.count())  # removing a file is not saving one
    return lambda: t2n.save(array, next(names), overwrite=True, **options)


# The codecs and levels that the files are written with; HDF5's shuffle before them is not counted here.
def _zstd(data: Any) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(data)


def _gzip(data: Any) -> bytes:
    return isal_zlib.compress(data, 1)


_CODECS: dict[str, Callable[[Any], bytes]] = {"zstd": _zstd, "gzip": _gzip}


def _alone(array: Any, encode: Callable[[Any], bytes]) -> Callable[[], int]:
    data = memoryview(array).cast("B")
    chunks = [data[start : start + _CHUNK_BYTES] for start in range(0, len(data), _CHUNK_BYTES)]

    def run() -> int:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            return sum(map(len, threads.map(encode, chunks)))

    return run
