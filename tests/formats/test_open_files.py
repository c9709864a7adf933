"""More files than a process may have open, and files that are changed between two reads."""

import os
import sys

import pytest

import tf2numpy as t2n
from conformance.kind import fails

from .example_files import row, written

COUNT, BESIDE = 200, 150  # files of a table, and how many a process may open beside those that it has


@pytest.fixture
def many(tmp_path):
    for number in range(COUNT):
        written(tmp_path / f"x-{number}", row(n=[number]))
    return tmp_path


@pytest.fixture
def few_open():
    """Let hardly more files be open than there are."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + BESIDE, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
@pytest.mark.parametrize("index", [False, True])
def test_more_files_than_may_be_open(many, few_open, index):
    file = t2n.open(many / "x-*", index=index)
    assert t2n.to_numpy(file)["n"].tolist() == list(range(COUNT))
    assert file["n"][:].tolist() == list(range(COUNT))
    assert sum(len(chunk.value["n"]) for chunk in t2n.iter_chunks(file)) == COUNT


def test_a_file_that_was_changed_meanwhile(many):
    file = t2n.open(many / "x-*", partial=True)
    with open(many / "x-3", "ab") as stream:  # as whoever still writes it does
        stream.write((many / "x-4").read_bytes())
    assert t2n.to_numpy(file)["n"].tolist() == list(range(COUNT))
    whole = t2n.open(many / "x-*")
    changed = many / "x-5"
    os.truncate(changed, 3)
    why = "it is shorter than it was when it was opened; open it anew"
    with fails(t2n.FormatError, f"{str(changed)!r} cannot be read: {why}"):
        t2n.to_numpy(whole)
    assert t2n.to_numpy(file)["n"].tolist() == [*range(5), *range(6, COUNT)]
    assert dict(file.left_out) == {str(changed): f"{why}; the records before it are given"}
    (many / "x-7").rename(changed)
    why = "it is another file than it was when it was opened; open it anew"
    with fails(t2n.FormatError, f"{str(changed)!r} cannot be read: {why}"):
        t2n.to_numpy(whole)
    assert t2n.to_numpy(t2n.open(many / "x-[4-6]"))["n"].tolist() == [4, 7, 6]


def test_files_are_let_go_of(many):
    file = t2n.open(many / "x-[0-9]")
    if not os.path.isdir("/dev/fd"):
        pytest.skip("nothing tells which files are open")
    before = len(os.listdir("/dev/fd"))
    file.close()
    assert len(os.listdir("/dev/fd")) < before
    assert t2n.to_numpy(file)["n"].tolist() == list(range(10))
