"""Damaged Keras files: what is read of them is an array, or one of our errors; in bounded time and memory.

HDF5 is a C library, so they are read in a process of their own.
"""

import shutil
from pathlib import Path

import pytest

from hostile.apart import survives
from hostile.limits import limited
from hostile.reading import place, read_all

pytest.importorskip("h5py", reason="h5py is not installed in this environment")

GOLDEN = Path(__file__).parents[1] / "golden" / "keras"
COUNT, AT_LENGTH = 100, 500


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
    shutil.copy(GOLDEN / name, tmp_path)
    path = tmp_path / ("sharded.weights.json" if name.startswith("sharded") else name)
    survives(tmp_path / name, path, COUNT, AT_LENGTH, slots=True)


@pytest.mark.parametrize("damaged", ["config.json", "metadata.json", "model.weights.h5"])
def test_folders(tmp_path, damaged):
    """An archive that was unpacked."""
    shutil.unpack_archive(GOLDEN / "whole.keras", tmp_path / "model", "zip")
    assert survives(tmp_path / "model" / damaged, tmp_path / "model", COUNT, AT_LENGTH, slots=True)


def test_each_byte_of_what_says_where_things_are(tmp_path):
    """The superblock, the heap of names, and the zip directory, bit by bit."""
    for name in ("plain.weights.h5", "whole.keras"):
        data = (GOLDEN / name).read_bytes()
        heap = data.index(b"GCOL")
        places = [*range(96), *range(heap, heap + 64), *range(len(data) - 300, len(data))]
        for at in places:
            changed = bytearray(data)
            changed[at] ^= 0xFF if at % 2 else 1
            place(tmp_path / name, changed)
            with limited(len(data), f"byte {at}"):
                read_all(tmp_path / name, pieces=False, slots=True)
