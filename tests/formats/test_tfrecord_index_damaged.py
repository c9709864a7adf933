"""The index beside TFRecords where it or the file is damaged, or it lies: it is made anew, or what is wrong is said."""

import os

import pytest

import tf2numpy as t2n
from conformance.kind import fails
from hostile.mutate import mutations
from tf2numpy.wire import group_index

from .example_files import written
from .test_tfrecord_index import MANY, beside, some_rows


@pytest.fixture
def path(tmp_path):
    return written(tmp_path / "x.tfrecord", *some_rows())


def test_damaged_records_are_told(path):
    assert len(t2n.open(path, index=True)["n"]) == MANY
    before, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    file = t2n.open(path, index=True)
    assert file["n"][0] == 0
    with pytest.raises(t2n.ChecksumError, match="is damaged"):
        file["n"][:]


def test_a_damaged_index_is_made_anew(path):
    assert len(t2n.open(path, index=True)["n"]) == MANY
    good = beside(path).read_bytes()
    for data in (*mutations(good, 20), b"", good[:-1]):
        beside(path).write_bytes(data)
        assert t2n.open(path, index=True)["n"][1234] == 1234
        assert beside(path).read_bytes() == good


def lying(path, change):
    """Change what an index says, with sums that fit."""
    index = group_index.decoded(beside(path).read_bytes())
    change(index)
    beside(path).write_bytes(group_index.encoded(index))


def column(index, name):
    return next(one for one in index.columns if one.name == name)


def longer(index):
    column(index, b"v").lengths = (4, 4)
    column(index, b"v").of_groups[1][:] *= 2


def whole(index):
    column(index, b"late").present = MANY
    column(index, b"late").lengths = (0, 1)


def moved(index):
    index.records[0] += 1
    index.records[1] -= 1


def more_values(index):
    column(index, b"w").of_groups[1][0] += 1
    column(index, b"w").lengths = (0, 4)


def shifted(index):
    index.starts[1] += 1


def of_another_kind(index):
    column(index, b"n").kind = "float"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (longer, "v"),
        (whole, "late/values"),
        (moved, "n"),
        (more_values, "w/values"),
        (shifted, "n"),
        (of_another_kind, "n"),
    ],
)
def test_an_index_that_lies(path, change, name):
    assert len(t2n.open(path, index=True)["n"]) == MANY
    lying(path, change)
    file = t2n.open(path, index=True)
    if change in (shifted, of_another_kind):
        try:  # the place of a group is one of those by which the file is recognised
            found = file[name][:]
        except t2n.FormatError:
            return
        assert found.tolist() == list(range(MANY))
        return
    with fails(
        t2n.FormatError,
        f"{str(path)!r} holds other records than its index {str(beside(path))!r} says; delete the index",
    ):
        file[name][:]
