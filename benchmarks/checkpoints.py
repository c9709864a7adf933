"""Checkpoints without TensorFlow: against TensorFlow's own reader, and against `cp` of the same bytes.

BENCH_CHECKPOINT_BYTES: another size than 2 GB, for a quick look.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

import tf2numpy as t2n

from ._measure import Result, faster, in_turns
from ._process import output_of, peak_of

_BYTES = int(os.environ.get("BENCH_CHECKPOINT_BYTES", 2 << 30))
_SHAPE = (2048, 1024)
_ONE = "import sys, tf2numpy as t2n\nwith t2n.open(sys.argv[1]) as file:\n    file['step'][...]"
_ONE_THEIRS = (
    "import sys, tensorflow as tf\ntf.train.load_checkpoint(sys.argv[1]).get_tensor('step/.ATTRIBUTES/VARIABLE_VALUE')"
)
_COMMAND = "import sys, tf2numpy.cli as cli\nsys.exit(cli.main(sys.argv[1:]))"
_SAVE = "import sys, tf2numpy as t2n\nwith t2n.open(sys.argv[1]) as file:\n    t2n.save(file, sys.argv[2])"


def results() -> Iterator[Result]:
    """Make a checkpoint once, and read it in every way."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        path = Path(folder) / "ck"
        _make(path)
        size = f"{_BYTES / (1 << 30):.2g} GB"
        yield faster(
            f"open(checkpoint), {size}, one scalar, a whole process",
            15,
            "load_checkpoint",
            lambda: output_of(_ONE, path),
            lambda: output_of(_ONE_THEIRS, path),
            repeats=5,
        )
        yield _peak(f"open(checkpoint), {size}, one scalar: peak of the process", 100, _ONE, path)
        ours, theirs, samples = in_turns(
            lambda: output_of(_COMMAND, "inspect", path), lambda: output_of(_COMMAND, "--version"), repeats=9
        )
        yield Result(
            f"tf2numpy inspect, {size}, a whole process",
            ours,
            "s",
            "<= 0.4 s",
            ours <= 0.4,
            ours,
            theirs,
            "tf2numpy --version",
            samples,
        )
        yield faster(
            f"to_numpy(open(checkpoint)), {size}, checked",
            1.5,
            "load_checkpoint, get_tensor",
            lambda: _all(path),
            lambda: _all_theirs(path),
            repeats=7,
            memory_bytes=_BYTES,
        )
        yield faster(
            f"to_numpy(open(checkpoint, check=False), copy=False), {size}",
            100,
            "load_checkpoint, get_tensor",
            lambda: _views(path),
            lambda: _all_theirs(path),
            repeats=7,
            memory_bytes=_BYTES,
        )
        ours, theirs, samples = in_turns(_saved(path), _copied(path), repeats=7, memory_bytes=_BYTES)
        yield Result(
            f"save(open(checkpoint), 'x.safetensors'), {size}, checked",
            theirs / ours,
            "x the throughput",
            ">= 0.7 x",
            theirs / ours >= 0.7,
            ours,
            theirs,
            "cp + fsync",
            samples,
        )
        output = path.parent / "p.safetensors"
        yield _peak(f"save(open(checkpoint), 'x.safetensors'), {size}: peak of the process", 128, _SAVE, path, output)


def _make(path: Path) -> None:
    count = _BYTES // (4 * _SHAPE[0] * _SHAPE[1])
    layers = [tf.Variable(tf.random.uniform(_SHAPE)) for _ in range(count)]
    tf.train.Checkpoint(layers=layers, step=tf.Variable(3)).write(path)


def _all(path: Path) -> Any:
    with t2n.open(path) as file:
        return t2n.to_numpy(file)


def _views(path: Path) -> Any:
    with t2n.open(path, check=False) as file:
        return t2n.to_numpy(file, copy=False)


def _all_theirs(path: Path) -> Any:
    reader = tf.train.load_checkpoint(str(path))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def _saved(path: Path) -> Callable[[], None]:
    output = path.parent / "x.safetensors"

    def run() -> None:
        with t2n.open(path) as file:
            t2n.save(file, output)
        output.unlink()

    return run


def _copied(path: Path) -> Callable[[], None]:
    source, output = path.parent / "ck.data-00000-of-00001", path.parent / "copy"

    def run() -> None:
        subprocess.run(["cp", source, output], check=True)
        with output.open("rb") as file:
            os.fsync(file.fileno())
        output.unlink()

    return run


def _peak(name: str, limit: int, program: str, *arguments: Path) -> Result:
    mebibytes = peak_of(program, *arguments)
    return Result(name, mebibytes, "MiB", f"<= {limit} MiB", mebibytes <= limit)
