"""`predict` into files: against a loop that throws the outputs away, against what people write; its peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

import tf2numpy as t2n

from ._measure import Result, at_most, faster


def results() -> Iterator[Result]:
    """Measure a small convolutional model whose outputs are far larger than its inputs."""
    model = tf.keras.Sequential(
        [
            tf.keras.Input((64, 64, 3)),
            tf.keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            tf.keras.layers.Conv2D(4, 3, padding="same"),
        ]
    )
    images = np.random.default_rng(0).random((2048, 64, 64, 3), np.float32)
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(64)
    run = tf.function(lambda batch: model(batch, training=False))

    def thrown_away() -> None:
        for batch in dataset:
            run(batch)

    def piled_up(path: Path) -> None:
        np.save(path, np.concatenate([model.predict_on_batch(batch) for batch in dataset]))

    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        for suffix in (".zarr", ".h5"):
            path = Path(folder) / f"y{suffix}"
            yield at_most(
                f'predict(model, dataset, "y{suffix}"), 2,048 images',
                1.1,
                "a loop that throws the outputs away",
                lambda path=path: t2n.predict(model, dataset, path, overwrite=True),
                thrown_away,
                repeats=5,
            )
        path = Path(folder) / "y.npy"
        yield faster(
            'predict(model, dataset, "y.npy"), 2,048 images, by hand',
            1,
            "np.save(np.concatenate([...predict_on_batch...]))",
            lambda: t2n.predict(model, dataset, path, overwrite=True),
            lambda: piled_up(path),
            repeats=3,
        )
        for suffix in (".zarr", ".h5"):
            peak = _peak(Path(folder) / f"z{suffix}")
            yield Result(
                f'predict(..., "y{suffix}"), 5 GB of outputs: peak beside the model',
                peak,
                "MiB",
                "<= 512 MiB",
                peak <= 512,
            )


_PROGRAM = """
import sys
import numpy as np, tensorflow as tf, tf2numpy as t2n
def status(field):
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith(field)).split()[1]) * 1024
grow = tf.function(lambda x: tf.repeat(x, 1 << 16, axis=1))
rows = np.arange(20_000, dtype=np.float32)[:, None]
t2n.predict(grow, rows[:128], sys.argv[1] + ".warm" + sys.argv[2], format=sys.argv[2])
before = status("VmRSS")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
path = t2n.predict(grow, rows, sys.argv[1])
peak = status("VmHWM") - before
with t2n.open(path) as file:
    assert file["data"].shape == (20_000, 1 << 16)
    assert all((file["data"][i] == i).all() for i in range(0, 20_000, 997))
print(peak / 2**20)
"""


def _peak(path: Path) -> float:
    """Give the peak memory, beside what TensorFlow takes anyway, of outputs ten times the limit."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(path), path.suffix], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stderr[-3000:], file=sys.stderr)
        return float("nan")
    return float(done.stdout.split()[-1])
