"""Compressed and chunked HDF5 files: every codec is a sink like any other, and h5py reads what comes of it."""

import sys
import tracemalloc

import h5py
import numpy as np
import pytest

from conformance.arrays import SHAPES
from conformance.sink import VariantSuite, sample
from tf2numpy import _registry
from tf2numpy._errors import FormatError, MissingExtra
from tf2numpy._types import ArraySpec, Chunk, Layout
from tf2numpy.formats.hdf5 import hdf5
from tf2numpy.sinks.hdf5 import Hdf5Sink

from .hdf5 import fill, needs_codecs, new_sink, read_array


class TestGzip(VariantSuite):
    sink = Hdf5Sink
    reader = hdf5
    layout = Layout(compression="gzip")

    def read_back(self, path, name):
        return read_array(path, name)

    @pytest.mark.parametrize("shape", [shape for shape in SHAPES if np.prod(shape) and shape], ids=str)
    def test_mapped_is_the_array_and_writable(self, path, shape):
        """It is not: nothing that is cut into chunks is one range of the file."""
        sink = self.fill_one(path, sample(shape, np.dtype("f4")))
        with h5py.File(path) as file:
            if file["x"].chunks is None:
                assert len(sink.mapped()) == 1
                return
        with pytest.raises(FormatError) as caught:
            sink.mapped()
        assert str(caught.value) == (
            "array 'x' cannot be mapped: it is to be cut into chunks, which compression needs too; "
            "save it, and open the file with h5py"
        )


class TestChunks(TestGzip):
    layout = Layout(chunks=(3, 4000))


@needs_codecs
class TestZstdInSmallChunks(TestGzip):
    layout = Layout(compression="zstd", chunks=(2, 3, 2))


@needs_codecs
class TestBlosc(TestGzip):
    layout = Layout(compression="blosc", chunks=(3, 2, 2))


@pytest.mark.parametrize("compression", ["gzip", pytest.param("zstd", marks=needs_codecs)])
def test_layout_of_compressed_arrays(tmp_path, compression):
    arrays = {
        "small": sample((3, 5), np.dtype("f4")),
        "tall": sample((300_000, 5), np.dtype("f4")),
        "wide": sample((3, 6 << 20), np.dtype("u1")),
        "grows": sample((3, 5), np.dtype("f4")),
        "scalar": sample((), np.dtype("f4")),
        "empty": sample((4, 0), np.dtype("f4")),
        "text": sample((4,), np.dtype(object)),
    }
    fill(tmp_path / "x.h5", arrays, unknown=["grows"], layout=Layout(compression=compression))
    with h5py.File(tmp_path / "x.h5") as file:
        rows = (1 << 20) // 20
        assert {name: file[name].chunks for name in arrays} == {
            "small": (3, 5),
            "tall": (rows, 5),
            "wide": (1, 1 << 20),
            "grows": (rows, 5),
            "scalar": None,
            "empty": None,
            "text": None,
        }
        assert file["tall"].shuffle
        assert not file["wide"].shuffle
        assert {name: file[name].maxshape for name in ("tall", "grows")} == {"tall": (300_000, 5), "grows": (None, 5)}
        assert all(file[name].id.get_storage_size() for name in ("tall", "wide"))


def test_compressed_arrays_take_less(tmp_path):
    fill(tmp_path / "x.h5", {"x": np.arange(1 << 20)}, layout=Layout(compression="gzip"))
    assert (tmp_path / "x.h5").stat().st_size < (8 << 20) / 4


@pytest.mark.parametrize("unknown", [False, True])
def test_memory_stays_bounded(tmp_path, unknown):
    block = sample((1 << 20,), np.dtype("f4"))
    sink = new_sink(tmp_path / "x.h5", Layout(compression="gzip"))
    sink.begin({"x": ArraySpec((None if unknown else 40 << 20,), block.dtype)})
    tracemalloc.start()
    for start in range(0, 40 << 20, 1 << 20):
        sink.write(Chunk("x", (slice(start, start + (1 << 20)),), block))
        sink.state()
    sink.commit()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 << 20


def test_chunks_larger_than_hdf5_counts(tmp_path):
    sink = new_sink(tmp_path / "x.h5", Layout(chunks=(1 << 15, 1 << 16)))
    with pytest.raises(FormatError) as caught:
        sink.begin({"x": ArraySpec((None, 1 << 16), np.dtype("u2"))})
    assert str(caught.value) == (
        "array 'x': a chunk of shape (32768, 65536) is 4.0 GiB (4294967296 bytes), and here it must be less than "
        "4.0 GiB; choose smaller chunks"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("compression", ["zstd", "blosc"])
def test_without_the_plugin(tmp_path, monkeypatch, compression):
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    monkeypatch.setitem(_registry._EXTRAS, "hdf5plugin", "compression")
    with pytest.raises(MissingExtra) as caught:
        new_sink(tmp_path / "x.h5", Layout(compression=compression)).begin({})
    assert str(caught.value) == (
        f"{compression} compression in HDF5 needs hdf5plugin, which is not installed; "
        "pip install 'tf2numpy[compression]'"
    )
    assert list(tmp_path.iterdir()) == []


@needs_codecs
def test_a_plugin_that_gives_no_filter(tmp_path, monkeypatch):
    import hdf5plugin

    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda number: False)
    with pytest.raises(FormatError) as caught:
        new_sink(tmp_path / "x.h5", Layout(compression="zstd")).begin({})
    assert str(caught.value) == (
        f"hdf5plugin {hdf5plugin.version} gives this HDF5 ({h5py.version.hdf5_version}) no filter for zstd; "
        "reinstall hdf5plugin, or choose compression='gzip'"
    )


def test_an_error_of_the_codec_reaches_the_caller(tmp_path, monkeypatch):
    def fail(array):
        raise RuntimeError("from the codec")

    sink = new_sink(tmp_path / "x.h5", Layout(compression="gzip"))
    sink.begin({"x": ArraySpec((4,), np.dtype("f4"))})
    monkeypatch.setattr(sink._encoder, "codec", sink._encoder.codec._replace(encode=fail))
    sink.write(Chunk("x", (slice(0, 4),), np.zeros(4, "f4")))
    with pytest.raises(RuntimeError, match="from the codec"):
        sink.commit()
    sink.abort()
    assert list(tmp_path.iterdir()) == []
