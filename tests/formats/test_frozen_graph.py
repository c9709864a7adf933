"""Frozen graphs are read as the constants they have."""

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.arrays import assert_same
from hostile.mutate import mutations
from tf2numpy import FormatError, Tf2NumpyError
from wire.messages import const, graph_def, tensor, text

from .golden_models import GOLDEN, expected


def test_its_constants():
    arrays = expected("frozen")
    with t2n.open(GOLDEN / "frozen.pb") as file:
        assert file.kind == "frozen graph"
        assert list(file) == list(arrays)
        for name, array in arrays.items():
            assert_same(np.asarray(file[name]), array)


def test_one_value_for_all_is_no_array_in_memory():
    view = t2n.to_numpy(t2n.open(GOLDEN / "frozen.pb")["scope/filled"], copy=None)
    assert view.strides == (0, 0)
    assert not view.flags.writeable
    assert t2n.to_numpy(t2n.open(GOLDEN / "frozen.pb")["scope/filled"]).strides == (20, 4)


def test_it_is_saved_as_other_files_are(tmp_path):
    pytest.importorskip("h5py")
    t2n.save(t2n.open(GOLDEN / "frozen.pb"), tmp_path / "weights.h5")
    with t2n.open(tmp_path / "weights.h5") as file:
        for name, array in expected("frozen").items():
            assert_same(np.asarray(file[name]), array)


def test_a_graph_without_constants(tmp_path):
    (tmp_path / "graph.pb").write_bytes(graph_def(text(1, "x") + text(2, "Placeholder")))
    assert dict(t2n.open(tmp_path / "graph.pb")) == {}


def test_a_damaged_graph(tmp_path):
    path = tmp_path / "graph.pb"
    path.write_bytes(graph_def(const("a", tensor(1, (), b"abcd"))) + b"\x0a\x20short")
    with pytest.raises(FormatError) as error:
        t2n.open(path)
    assert str(error.value) == f"{str(path)!r} cannot be read: the field 1 at offset 35 has 32 bytes, and 5 follow"


@pytest.mark.parametrize("data", [b"\n", b"\nsome text\n", b"\n\x05\n\x03abc", b"\n\x00\n\x00"])
def test_what_only_begins_as_a_graph(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(FormatError, match="is of no format that can be read"):
        t2n.open(tmp_path / "file")


def test_damaged_files(tmp_path):
    path, taken = tmp_path / "graph.pb", 0
    for damaged in mutations((GOLDEN / "frozen.pb").read_bytes(), 1000, seed=4):
        path.write_bytes(damaged)
        try:
            with t2n.open(path) as file:
                for name in file:
                    if file[name].nbytes < 1 << 20:
                        np.asarray(file[name])
        except Tf2NumpyError:
            continue
        taken += 1
    assert taken
