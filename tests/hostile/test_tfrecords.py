"""Damaged TFRecords of Examples give what is whole in them, or an error of ours, in bounded time."""

import time
from pathlib import Path

import pytest

import tf2numpy as t2n
from formats.example_files import flat
from hostile.mutate import TIMES, mutations
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
