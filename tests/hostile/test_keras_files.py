"""Damaged Keras files: what is read of them is an array, or one of our errors; in bounded time and memory."""

import resource
import shutil
import time
from contextlib import suppress
from pathlib import Path

import pytest

import tf2numpy as t2n

from .mutate import mutations

pytest.importorskip("h5py", reason="h5py is not installed in this environment")

GOLDEN = Path(__file__).parents[1] / "golden" / "keras"
COUNT = 300
MOST_SECONDS_EACH = 20  # of a machine that does other things besides; a hang is longer
MOST_GROWTH_KIB = 200 << 10


def read_all(path):
    with suppress(t2n.Tf2NumpyError), t2n.open(path, slots=True) as file:
        for array in file.values():
            with suppress(t2n.Tf2NumpyError):
                t2n.to_numpy(array)


@pytest.mark.parametrize(
    "name",
    [
        "whole.keras",
        "old.keras",
        "plain.weights.h5",
        "legacy.h5",
        "old.h5",
        "sharded.weights.json",
        "sharded_00001.weights.h5",
    ],
)
def test_damage(tmp_path, name):
    for shard in GOLDEN.glob("sharded*"):
        shutil.copy(shard, tmp_path)
    path = tmp_path / ("sharded.weights.json" if name.startswith("sharded") else name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for data in mutations((GOLDEN / name).read_bytes(), COUNT):
        (tmp_path / name).write_bytes(data)
        start = time.monotonic()
        read_all(path)
        assert time.monotonic() - start < MOST_SECONDS_EACH
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH_KIB


def test_each_byte_of_what_says_where_things_are(tmp_path):
    """The superblock, the heap of names, and the zip directory, bit by bit."""
    for name in ("plain.weights.h5", "whole.keras"):
        data = (GOLDEN / name).read_bytes()
        heap = data.index(b"GCOL")
        places = [*range(96), *range(heap, heap + 64), *range(len(data) - 300, len(data))]
        for at in places:
            changed = bytearray(data)
            changed[at] ^= 0xFF if at % 2 else 1
            (tmp_path / name).write_bytes(changed)
            read_all(tmp_path / name)
