"""Files on a server, read by range: against downloading them, from another process on this machine.

There is no latency here, which is what ranges that are asked for at once save most of elsewhere.
BENCH_STORE_BYTES: another size than 512 MB, for a quick look.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import tf2numpy as t2n

from ._file_server import SENT
from ._measure import Result, at_most, faster
from ._process import peak_of

_BYTES = int(os.environ.get("BENCH_STORE_BYTES", 512 << 20))
_SHAPE = (2048, 1024)
_FILES = ("ck.index", "ck.data-00000-of-00001")
_SAVE = "import sys, tf2numpy as t2n\nwith t2n.open(sys.argv[1]) as file:\n    t2n.save(file, sys.argv[2])"


def results() -> Iterator[Result]:
    """Make the files once, and read them in every way."""
    size = f"{_BYTES >> 20} MB"
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder, _serving(folder) as root:
        _make(Path(folder))
        before = _sent(root)
        _one(root)
        kibibytes = (_sent(root) - before) / 1024
        yield Result(
            f"open(url of a checkpoint), {size}, one scalar: fetched", kibibytes, "KiB", "<= 256 KiB", kibibytes <= 256
        )
        yield faster(
            f"open(url of a checkpoint), {size}, one scalar",
            10,
            "download with urllib, open",
            lambda: _one(root),
            lambda: _downloaded(root, Path(folder) / "copy"),
            repeats=5,
        )
        yield at_most(
            f"to_numpy(open(url)), {size}, one array in .npy",
            1.3,  # each byte is copied once more than by one answer that is read into bytes
            "urlopen(url).read()",
            lambda: _whole(f"{root}/x.npy"),
            lambda: _read(f"{root}/x.npy"),
            repeats=5,
        )
        output = Path(folder) / "x.safetensors"
        mebibytes = peak_of(_SAVE, f"{root}/{_FILES[0]}", output)
        name = f"save(open(url of a checkpoint), 'x.safetensors'), {size}: peak of the process"
        yield Result(name, mebibytes, "MiB", "<= 128 MiB", mebibytes <= 128)


@contextmanager
def _serving(folder: str) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks._file_server", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def _make(folder: Path) -> None:
    count = max(1, _BYTES // (4 * _SHAPE[0] * _SHAPE[1]))
    layers = [tf.Variable(tf.random.uniform(_SHAPE)) for _ in range(count)]
    tf.train.Checkpoint(layers=layers, step=tf.Variable(3)).write(folder / "ck")
    np.save(folder / "x.npy", np.random.default_rng(0).random(_BYTES // 4, np.float32))


def _sent(root: str) -> int:
    return int(_read(f"{root}/{SENT}"))


def _one(root: str) -> Any:
    with t2n.open(f"{root}/{_FILES[0]}") as file:
        return file["step"][...]


def _downloaded(root: str, folder: Path) -> Any:
    folder.mkdir(exist_ok=True)
    for name in _FILES:
        with urllib.request.urlopen(f"{root}/{name}") as answer, (folder / name).open("wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
    with t2n.open(folder / "ck") as file:
        return file["step"][...]


def _whole(url: str) -> Any:
    with t2n.open(url) as file:
        return t2n.to_numpy(file["data"])


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        return bytes(answer.read())
