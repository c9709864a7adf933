"""Memory beside the result, each in a process of its own, as the kernel counts it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator

from ._measure import Result

_HEAD = """
import os, resource, sys
import numpy as np, psutil
import tensorflow as tf
import tf2numpy as t2n

def status(field):
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith(field)).split()[1]) * 1024

def peak_beside(run):
    before = status("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts again from here
    result = run()
    peak = status("VmHWM") - before
    print((peak - getattr(result, "nbytes", 0)) / 2**20)
"""

_COLLECT = """
images = tf.data.Dataset.from_tensor_slices(np.zeros((20_000, 32, 32, 3), np.float32) + 1)
t2n.to_numpy(images.take(100))
peak_beside(lambda: t2n.to_numpy({dataset}))
"""

_SAVE = """
tensor = tf.random.uniform([(2 << 30) // 4])
t2n.save(tensor[:1000], sys.argv[1] + "/warm{suffix}")
peak_beside(lambda: t2n.save(tensor, sys.argv[1] + "/x{suffix}"))
"""

_GROWN = """
row = np.random.default_rng(0).random((1, 1 << 20), np.float32)
t2n.save(row, sys.argv[1] + "/warm{suffix}")
peak_beside(lambda: t2n.save(np.broadcast_to(row, ({gb} * 256, 1 << 20)), sys.argv[1] + "/x{suffix}"))
"""

_LIMITED = """
rows = tf.data.Dataset.range({gb} * 1000 // 2).map(lambda i: tf.fill([500, 1000], tf.cast(i, tf.float32)))
t2n.save(rows.take(4), sys.argv[1] + "/warm{suffix}")
start = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (start + (1 << 30), resource.RLIM_INFINITY))
path = t2n.save(rows, sys.argv[1] + "/x{suffix}")
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)  # the check below maps the whole file
if "{suffix}" == ".npy":
    saved = np.load(path, mmap_mode="r")
    assert saved.shape == ({gb} * 500, 500, 1000), saved.shape
    assert all((saved[i] == i).all() for i in range(0, len(saved), 97))
else:
    import h5py
    with h5py.File(path) as file:
        saved = file["data"]
        assert saved.shape == ({gb} * 500, 500, 1000), saved.shape
        assert all((saved[i] == i).all() for i in range(0, len(saved), 97))
print(1)
"""


def results() -> Iterator[Result]:
    """Run each in a fresh process."""
    for name, dataset in (("count known", "images"), ("count unknown", "images.filter(lambda x: True)")):
        value = _run(_HEAD + _COLLECT.format(dataset=dataset))
        yield _at_most_64(f"to_numpy(dataset), 20,000 images, {name}: peak beside the result", value)
    for suffix in (".npy", ".h5"):
        value = _run(_HEAD + _SAVE.format(suffix=suffix))
        yield _at_most_64(f'save(t, "x{suffix}"), 2 GB: peak beside the tensor', value)
    for suffix in (".npy", ".h5", ".safetensors", ".zarr"):
        one, eight = (_run(_HEAD + _GROWN.format(suffix=suffix, gb=gb)) for gb in (1, 8))
        name = f'save(x, "x{suffix}"), 8 GB: peak beside the array, above that of 1 GB'
        yield Result(name, eight - one, "MiB", "<= 8 MiB", eight - one <= 8)
    for suffix in (".npy", ".h5"):
        done = _run(_HEAD + _LIMITED.format(suffix=suffix, gb=6))
        yield Result(f'save(dataset, "x{suffix}"), 6 GB, in 1 GiB', done, "of 1 saved", "succeeds", done == 1)


def _at_most_64(name: str, mebibytes: float) -> Result:
    return Result(name, mebibytes, "MiB", "<= 64 MiB", mebibytes <= 64)


def _run(program: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-3000:], file=sys.stderr)
        return float("nan")
    return float(done.stdout.split()[-1])
