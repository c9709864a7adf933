"""An array in a file of its own: what was written is copied to its place, whatever the system can do for it."""

import errno
import os

import numpy as np
import pytest

from conformance.arrays import sample
from tf2numpy._types import ArraySpec
from tf2numpy._workspace import Workspace
from tf2numpy.sinks import _growing
from tf2numpy.sinks._growing import Growing
from tf2numpy.sinks._output_file import OutputFile

ARRAY = sample((9, 3), np.dtype("f4"))
SPEC = ArraySpec((None, 3), ARRAY.dtype)


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path / "x", overwrite=False)
    workspace.open()
    yield workspace
    workspace.discard()


def no_ranges(*args):
    raise OSError(errno.EXDEV, "other file system")


@pytest.mark.parametrize("how", ["kernel", "without ranges", "no such call", "a few bytes at a time"])
def test_rows_reach_their_place(workspace, monkeypatch, how):
    grown = Growing(workspace, "rows", SPEC)
    grown.write((slice(0, 4), slice(0, 3)), ARRAY[:4])
    grown.close()
    grown = Growing(workspace, "rows", SPEC, rows=4)
    grown.write((slice(4, 9), slice(0, 3)), ARRAY[4:])
    grown.sync()
    assert (grown.shape, grown.nbytes) == ((9, 3), ARRAY.nbytes)
    if how == "without ranges":
        monkeypatch.setattr(os, "copy_file_range", no_ranges)
    if how == "no such call":
        monkeypatch.delattr(os, "copy_file_range")
    if how == "a few bytes at a time":
        monkeypatch.setattr(_growing, "_PIECE_BYTES", 7)
    output = OutputFile(workspace)
    before = workspace.written
    grown.append_to(output, 100)
    assert workspace.output.read_bytes() == bytes(100) + ARRAY.tobytes()
    assert workspace.written - before == ARRAY.nbytes
    grown.close()
    grown.close()
    output.close()


def test_rows_after_the_last_state_do_not_count(workspace):
    grown = Growing(workspace, "rows", SPEC)
    grown.write((slice(0, 9), slice(0, 3)), ARRAY)
    grown.close()
    grown = Growing(workspace, "rows", SPEC, rows=2)
    output = OutputFile(workspace)
    grown.append_to(output, 0)
    assert workspace.output.read_bytes() == ARRAY[:2].tobytes()
    grown.close()
    output.close()


def test_a_file_that_is_too_short(workspace):
    grown = Growing(workspace, "rows", SPEC)
    grown.write((slice(0, 2), slice(0, 3)), ARRAY[:2])
    grown.close()
    grown = Growing(workspace, "rows", SPEC, rows=3)
    output = OutputFile(workspace)
    with pytest.raises(OSError) as caught:
        grown.append_to(output, 0)
    assert str(caught.value) == f"{workspace.folder / 'rows'} ended at byte 24, before 36"
    grown.close()
    output.close()
