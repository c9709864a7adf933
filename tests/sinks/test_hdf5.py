"""The HDF5 sink is a sink like any other, and lays its files out as it says."""

import h5py
import numpy as np
import pytest

from conformance.sink import SinkSuite, assert_same, logical, sample
from tf2numpy._types import ArraySpec, Chunk, Layout
from tf2numpy.formats.hdf5 import hdf5
from tf2numpy.sinks.hdf5 import Hdf5Sink

from .hdf5 import fill, new_sink, read_array


class TestHdf5(SinkSuite):
    sink = Hdf5Sink
    reader = hdf5

    def read_back(self, path, name):
        return read_array(path, name)


def test_layout(tmp_path):
    arrays = {
        "known": sample((3, 5), np.dtype("f4")),
        "rows": sample((3, 5), np.dtype("f4")),
        "wide": sample((3, 5 << 20), np.dtype("u1")),
        "odd": sample((3,), np.dtype("u1")),
    }
    fill(tmp_path / "x.h5", arrays, unknown=["rows", "wide"])
    with h5py.File(tmp_path / "x.h5") as file:
        for name, array in arrays.items():
            assert file[name].chunks is None
            assert file[name].maxshape == array.shape
            assert file[name].id.get_offset() % 64 == 0


def test_chunks_lie_close_beside_what_is_aligned(tmp_path):
    arrays = {"c": np.arange(12.0).reshape(3, 4), "r": sample((5,), np.dtype("u1"))}
    fill(tmp_path / "x.h5", arrays, unknown=["r"], layout=Layout(chunks=(1, 1)))
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["c"].chunks == (1, 1)
        assert file["r"].id.get_offset() % 64 == 0
        places = sorted(file["c"].id.get_chunk_info(i).byte_offset for i in range(12))
        assert min(np.diff(places)) == 8
        assert file["c"][...].tolist() == arrays["c"].tolist()
        assert file["r"][...].tolist() == arrays["r"].tolist()


def test_hdf5_has_let_go_of_the_file_before_it_is_filled(tmp_path):
    before = h5py.h5f.get_obj_count(types=h5py.h5f.OBJ_FILE)
    sink = new_sink(tmp_path / "x.h5")
    sink.begin({"x": ArraySpec((4,), np.dtype("f4")), "empty": ArraySpec((0, 4), np.dtype("f4"))})
    assert h5py.h5f.get_obj_count(types=h5py.h5f.OBJ_FILE) == before
    with h5py.File(tmp_path / ".x.h5.partial" / "output") as file:
        assert list(file) == ["empty", "x"]
    sink.abort()


def test_many_arrays_of_every_kind_do_not_touch_each_other(tmp_path):
    arrays = {}
    for i in range(120):
        dtype = [np.dtype("f4"), np.dtype(object), logical("bfloat16"), np.dtype("u1")][i % 4]
        arrays[f"g{i % 7}/d{i}"] = sample((i % 11, 50), dtype, seed=i)
    unknown = [name for i, name in enumerate(arrays) if i % 3 == 0]
    sink = new_sink(tmp_path / "x.h5")
    sink.begin({n: ArraySpec((None, 50) if n in unknown else a.shape, a.dtype) for n, a in arrays.items()})
    for row in range(11):
        for name, array in arrays.items():
            if row < len(array):
                sink.write(Chunk(name, (slice(row, row + 1),), array[row : row + 1]))
    sink.commit()
    for name, array in arrays.items():
        assert_same(read_array(tmp_path / "x.h5", name), array)


def test_no_arrays_at_all(tmp_path):
    fill(tmp_path / "x.h5", {})
    with h5py.File(tmp_path / "x.h5") as file:
        assert list(file) == []


def test_mapped_rows_that_were_counted_at_the_end(tmp_path):
    arrays = {"a": sample((7, 3), logical("bfloat16")), "b": sample((5,), np.dtype(">f8"))}
    found = fill(tmp_path / "x.h5", arrays, unknown=["a", "b"]).mapped()
    for name, array in arrays.items():
        assert isinstance(found[name], np.memmap)
        assert_same(np.asarray(found[name]), array)
        found[name][1:2] = array[:1]
        found[name].flush()
        assert_same(read_array(tmp_path / "x.h5", name)[1:2], array[:1])


def test_an_exception_of_hdf5_leaves_nothing(tmp_path, monkeypatch):
    def fail(*args):
        raise ValueError("from HDF5")

    sink = new_sink(tmp_path / "x.h5")
    sink.begin({"x": ArraySpec((None,), np.dtype("f8"))})
    monkeypatch.setattr("tf2numpy.sinks._hdf5_arrays.Growing.build", fail)
    with pytest.raises(ValueError, match="from HDF5"):
        sink.commit()
    sink.abort()
    assert list(tmp_path.iterdir()) == []
