"""Tensors written to files: against plain `write` under the same sync policy, and against each format's own library."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tensorflow as tf
import zarr
from safetensors import numpy as safetensors

import tf2numpy as t2n

from ._measure import Result, faster, in_turns

_BYTES = 2 << 30
_BLOCK = 64 << 20


def _h5py(path: Path, array: Any) -> None:
    with h5py.File(path, "w") as file:
        file["data"] = array


# suffix -> the least share of a plain write's throughput
_BARS = {".npy": 0.85, ".h5": 0.85, ".safetensors": 0.85, ".zarr": 0.6}
# suffix -> what people write, and how much faster we must be
_PLAIN: dict[str, tuple[str, float, Callable[[Path, Any], None]]] = {
    ".npy": ("np.save(path, t.numpy())", 1, lambda path, array: np.save(path, array)),
    ".npz": ("np.savez(path, data=t.numpy())", 1, lambda path, array: np.savez(path, data=array)),
    ".h5": ('file["data"] = t.numpy()', 1, _h5py),
    ".safetensors": ("save_file({...}, path)", 1, lambda path, array: safetensors.save_file({"data": array}, path)),
    ".zarr": ("zarr.save_group(path, data=...)", 2, lambda path, array: zarr.save_group(path, data=array)),
}


def results() -> Iterator[Result]:
    """Measure every format in turn."""
    tensor = tf.random.uniform([_BYTES // 4 // 1024, 1024])
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        for suffix, bar in _BARS.items():
            path = Path(folder) / f"x{suffix}"
            ours, theirs, samples = in_turns(_saved(tensor, path), _written(tensor, path), repeats=5)
            yield Result(
                f'save(t, "x{suffix}"), 2 GB',
                theirs / ours,
                "x the throughput",
                f">= {bar} x",
                theirs / ours >= bar,
                ours,
                theirs,
                "write + fsync + rename",
                samples,
            )
        small = tensor[: 256 << 10]  # 1 GB
        for suffix, (library, bar, plain) in _PLAIN.items():
            path = Path(folder) / f"x{suffix}"
            yield faster(
                f'save(t, "x{suffix}"), 1 GB, by the library',
                bar,
                library,
                _saved(small, path),
                _by_library(small, path, plain),
                repeats=3,
            )
        yield from _growth(Path(folder))


def _growth(folder: Path) -> Iterator[Result]:
    """Time 1 GB and 8 GB of rows that take no memory: a byte should cost what it costs a plain write of as many."""
    row = np.random.default_rng(0).random((1, 1 << 20), np.float32)
    cost = {}
    for gb in (1, 8):
        rows = np.broadcast_to(row, (gb * 256, 1 << 20))
        ours, theirs, samples = in_turns(
            _saved(rows, folder / "g.npy"), _repeated(row, gb * 256, folder / "g.npy"), repeats=3
        )
        cost[gb] = ours / theirs
    ratio = cost[8] / cost[1]
    yield Result(
        'save(x, "x.npy"), 8 GB, the time of a byte beside a plain write',
        ratio,
        "x that of 1 GB",
        "<= 1.15 x",
        ratio <= 1.15,
        ours,
        theirs,
        "write + fsync + rename",
        samples,
    )


def _saved(tensor: Any, path: Path) -> Callable[[], None]:
    def run() -> None:
        t2n.save(tensor, path)
        _remove(path)

    return run


def _by_library(tensor: Any, path: Path, plain: Callable[[Path, Any], None]) -> Callable[[], None]:
    def run() -> None:
        plain(path, tensor.numpy())
        _remove(path)

    return run


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _written(tensor: Any, path: Path) -> Callable[[], None]:
    data = memoryview(np.asarray(tensor).reshape(-1)).cast("B")
    return _plainly([data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK)], path)


def _repeated(row: Any, count: int, path: Path) -> Callable[[], None]:
    block = memoryview(np.repeat(row, _BLOCK // row.nbytes, axis=0).reshape(-1)).cast("B")
    return _plainly([block] * (count * row.nbytes // _BLOCK), path)


def _plainly(blocks: list[memoryview], path: Path) -> Callable[[], None]:
    def run() -> None:
        partial = path.with_suffix(".partial")
        with open(partial, "wb", buffering=0) as file:
            for block in blocks:
                file.write(block)
            os.fsync(file.fileno())
        partial.rename(path)
        path.unlink()

    return run
