"""Damaged TFRecords of Examples give what is whole in them, or an error of ours, in bounded time."""

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from formats.example_files import flat, row, written
from hostile.mutate import TIMES, mutations
from tf2numpy.wire import crc32c
from wire.test_records import framed

GOLDEN = Path(__file__).parent.parent / "golden" / "examples"
SECONDS = 60


def read_all(path, **options):
    """Read a file in every way, and count how often that gave arrays."""
    given = 0
    for way in (
        t2n.to_numpy,
        lambda file: list(t2n.iter_chunks(file)),
        flat,
    ):
        try:
            way(t2n.open(path, **options))
            given += 1
        except t2n.Tf2NumpyError:
            continue
    return given


@pytest.mark.parametrize("options", [{}, {"check": False}, {"on_corrupt": "skip"}, {"partial": True}], ids=str)
@pytest.mark.parametrize("name", ["examples-none", "sequences-gzip"])
def test_damaged_files(tmp_path, name, options):
    good = (GOLDEN / f"{name}.tfrecord").read_bytes()
    path, begun, given = tmp_path / "x", time.monotonic(), 0
    for number, data in enumerate(mutations(good, 250, seed=len(options))):
        assert time.monotonic() - begun < SECONDS * TIMES, f"{number} copies took too long"
        path.write_bytes(data)
        given += read_all(path, **options)
    assert given or not options or name.endswith("gzip")


def test_messages_under_sums_that_are_right(tmp_path):
    good = (GOLDEN / "sequences-none.tfrecord").read_bytes()
    length = int.from_bytes(good[:8], "little")
    path, begun, given = tmp_path / "x", time.monotonic(), 0
    for number, data in enumerate(mutations(good[12 : 12 + length], 500)):
        assert time.monotonic() - begun < SECONDS * TIMES, f"{number} copies took too long"
        path.write_bytes(framed(data, good[12 : 12 + length]))
        given += read_all(path)
    assert given


def test_indexes_that_lie_under_a_sum_that_is_right(tmp_path):
    rows = [row(n=[n], v=[1.0] * 3, w=[b"w"] * (n % 3 + 1), pad=[bytes(30_000)]) for n in range(100)]
    path = written(tmp_path / "x", *rows)
    wanted = flat(t2n.open(path, index=True, select="[nvw]"))
    index = tmp_path / ".x.t2n-index"
    good, begun, given = index.read_bytes()[:-4], time.monotonic(), 0
    for number, data in enumerate(mutations(good, 300)):
        assert time.monotonic() - begun < SECONDS * TIMES, f"{number} copies took too long"
        index.write_bytes(data + crc32c.masked(data).to_bytes(4, "little"))
        file = t2n.open(path, index=True, select=["n", "v", "w"])
        try:
            found = flat(file)
        except t2n.Tf2NumpyError:
            continue
        given += 1
        for name in found.keys() & wanted.keys():
            np.testing.assert_array_equal(found[name], wanted[name], err_msg=name)
    assert given


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
def test_descriptions_of_datasets(tmp_path, name):
    folder = shutil.copytree(GOLDEN.parent / "tfds" / "small", tmp_path / "small")
    good, begun, given = (folder / name).read_bytes(), time.monotonic(), 0
    for number, data in enumerate(mutations(good, 60)):
        assert time.monotonic() - begun < SECONDS * TIMES, f"{number} copies took too long"
        (folder / name).write_bytes(data)
        given += read_all(folder)
    assert given or name == "dataset_info.json"
    assert sorted(os.listdir(folder)) == sorted(os.listdir(GOLDEN.parent / "tfds" / "small"))
