"""Tensors written to files, against plain `write` of the same bytes under the same sync policy."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

import tf2numpy as t2n

from ._measure import Result, in_turns

_BYTES = 2 << 30
_BLOCK = 64 << 20


def results() -> Iterator[Result]:
    """Measure `.npy` and `.h5` in turn."""
    tensor = tf.random.uniform([_BYTES // 4])
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        for suffix in (".npy", ".h5"):
            path = Path(folder) / f"x{suffix}"
            ours, theirs, samples = in_turns(_saved(tensor, path), _written(tensor, path), repeats=7)
            yield Result(
                f'save(t, "x{suffix}"), 2 GB',
                theirs / ours,
                "x the throughput",
                ">= 0.85 x",
                theirs / ours >= 0.85,
                ours,
                theirs,
                "write + fsync + rename",
                samples,
            )


def _saved(tensor: Any, path: Path) -> Callable[[], None]:
    def run() -> None:
        t2n.save(tensor, path)
        path.unlink()

    return run


def _written(tensor: Any, path: Path) -> Callable[[], None]:
    data = memoryview(tensor).cast("B")

    def run() -> None:
        partial = path.with_suffix(".partial")
        with open(partial, "wb", buffering=0) as file:
            for start in range(0, len(data), _BLOCK):
                file.write(data[start : start + _BLOCK])
            os.fsync(file.fileno())
        partial.rename(path)
        path.unlink()

    return run
