"""The HDF5 sink is a sink like any other, and lays its files out as it says."""

import h5py
import numpy as np
import pytest

from conformance.sink import SinkSuite, assert_same, logical, sample
from tf2numpy._types import ArraySpec, Chunk
from tf2numpy.sinks.hdf5 import Hdf5Sink

from .hdf5 import fill, stored_bits


class TestHdf5(SinkSuite):
    def make_sink(self, path, overwrite=False):
        return Hdf5Sink(path, overwrite=overwrite)

    def read_back(self, path, name):
        with h5py.File(path) as file:
            dataset = file[name]
            if "dtype" not in dataset.attrs:
                found = np.empty(dataset.shape, dataset.dtype)
                if found.size:
                    dataset.read_direct(found)
                return found
            if dataset.attrs["dtype"] != "string":
                return stored_bits(dataset)
            found = np.empty(dataset.shape, object)
            rows = np.empty(dataset.shape, object)
            rows[()] = dataset[()]
            for place in np.ndindex(*dataset.shape):
                found[place] = rows[place].tobytes()
            return found


def test_layout(tmp_path):
    arrays = {
        "known": sample((3, 5), np.dtype("f4")),
        "rows": sample((3, 5), np.dtype("f4")),
        "wide": sample((3, 5 << 20), np.dtype("u1")),
        "odd": sample((3,), np.dtype("u1")),
    }
    fill(tmp_path / "x.h5", arrays, unknown=["rows", "wide"])
    with h5py.File(tmp_path / "x.h5") as file:
        for name in ("known", "odd"):
            assert file[name].chunks is None
            assert file[name].maxshape == arrays[name].shape
            assert file[name].id.get_offset() % 64 == 0
        assert file["rows"].chunks == ((1 << 20) // 20, 5)
        assert file["rows"].maxshape == (None, 5)
        assert file["wide"].chunks == (1, 5 << 20)


def test_the_rest_of_the_last_chunk_is_zeros(tmp_path):
    rows = (1 << 20) // 8
    sink = Hdf5Sink(tmp_path / "x.h5", overwrite=False)
    sink.begin({"x": ArraySpec((None,), np.dtype("u8"))})
    for start, count in ((0, 1), (1, rows), (rows + 1, 2)):  # the buffer is used twice
        sink.write(Chunk("x", (slice(start, start + count),), np.full(count, 2**64 - 1, "u8")))
    sink.commit()
    with h5py.File(tmp_path / "x.h5") as file:
        _, last = file["x"].id.read_direct_chunk((rows,))
    assert_same(np.frombuffer(last, "u8"), np.array([2**64 - 1] * 3 + [0] * (rows - 3), "u8"))


def test_a_file_of_known_shapes_is_closed_before_it_is_filled(tmp_path):
    sink = Hdf5Sink(tmp_path / "x.h5", overwrite=False)
    sink.begin({"x": ArraySpec((4,), np.dtype("f4")), "empty": ArraySpec((0, 4), np.dtype("f4"))})
    assert not sink._h5
    (hidden,) = tmp_path.iterdir()
    with h5py.File(hidden) as file:
        assert list(file) == ["empty", "x"]
    sink.abort()


def test_many_arrays_of_every_kind_do_not_touch_each_other(tmp_path):
    arrays = {}
    for i in range(120):
        dtype = [np.dtype("f4"), np.dtype(object), logical("bfloat16"), np.dtype("u1")][i % 4]
        arrays[f"g{i % 7}/d{i}"] = sample((i % 11, 50), dtype, seed=i)
    unknown = [name for i, name in enumerate(arrays) if i % 3 == 0]
    suite = TestHdf5()
    sink = Hdf5Sink(tmp_path / "x.h5", overwrite=False)
    sink.begin({n: ArraySpec((None, 50) if n in unknown else a.shape, a.dtype) for n, a in arrays.items()})
    for row in range(11):
        for name, array in arrays.items():
            if row < len(array):
                sink.write(Chunk(name, (slice(row, row + 1),), array[row : row + 1]))
    sink.commit()
    for name, array in arrays.items():
        assert_same(suite.read_back(tmp_path / "x.h5", name), array)


def test_no_arrays_at_all(tmp_path):
    fill(tmp_path / "x.h5", {})
    with h5py.File(tmp_path / "x.h5") as file:
        assert list(file) == []


def test_an_exception_of_hdf5_leaves_nothing(tmp_path, monkeypatch):
    def fail(*args):
        raise ValueError("from HDF5")

    monkeypatch.setattr("tf2numpy.sinks._hdf5_arrays.Chunked.finish", fail)
    with pytest.raises(ValueError, match="from HDF5"):
        fill(tmp_path / "x.h5", {"x": np.zeros(3)}, unknown=["x"])
    assert list(tmp_path.iterdir()) == []
