import os
import warnings
from dataclasses import replace

import numpy as np
import pytest

from conformance.sink import DtypeTests, VariantSuite, logical
from tf2numpy._types import ArraySpec, Chunk, Layout
from tf2numpy.formats.zarr import zarr as reader
from tf2numpy.sinks.zarr import ZarrSink

zarr = pytest.importorskip("zarr", "3")


class ZarrSuite(VariantSuite):
    sink = ZarrSink
    reader = reader
    marker = "zarr.json"

    @pytest.fixture(autouse=True)
    def no_waiting_for_the_disk(self, monkeypatch):
        monkeypatch.setattr(os, "fsync", lambda fd: None)

    def read_back(self, path, name):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # names of dtypes that no specification has yet
            array = zarr.open_group(path, mode="r", use_consolidated=False)[name]
            found = array[...]
        found = np.array(found, object) if array.dtype.hasobject and not array.ndim else np.asarray(found)
        if "dtype" in array.attrs:
            return found.view(logical(array.attrs["dtype"]))
        chain = array.metadata.codecs[0].codecs if array.shards else array.metadata.codecs
        endian = getattr(getattr(chain[0], "endian", None), "value", "little")  # zarr gives its values in native order
        return found.astype(found.dtype.newbyteorder(">")) if endian == "big" else found

    @pytest.mark.parametrize("unknown", [False, True])
    def test_nothing_is_visible_before_commit(self, path, unknown):
        sink = self.make_sink(path)
        assert self.leftovers(path) == []
        sink.begin({"x": ArraySpec((None if unknown else 4, 3), np.dtype("f4"))})
        sink.write(Chunk("x", (slice(0, 4),), np.ones((4, 3), "f4")))
        assert self.leftovers(path) == [".out.partial"]
        sink.commit()
        assert self.leftovers(path) == ["out"]
        umask = os.umask(0)
        os.umask(umask)
        assert path.stat().st_mode & 0o777 == 0o777 & ~umask
        assert (path / "zarr.json").stat().st_mode & 0o777 == 0o666 & ~umask


class TestZarr(DtypeTests, ZarrSuite):
    pass


class Fitting(ZarrSink):
    """Takes sizes of chunks as a hint: the suite has arrays of any number of axes."""

    def begin(self, specs, state=None):
        fitting = [spec for spec in specs.values() if len(spec.shape) == len(self._layout.chunks)]
        if not fitting or any((spec.shape[1] or 0) > 100 for spec in fitting):  # some millions of files
            self._layout = replace(self._layout, chunks=None)
        super().begin(specs, state)


class TestSmallChunks(ZarrSuite):
    sink = Fitting
    layout = Layout(chunks=(3, 2))


class TestZstd(ZarrSuite):
    layout = Layout(compression="zstd")


class TestBlosc(ZarrSuite):
    layout = Layout(compression="blosc")


class TestZstdSmallChunks(ZarrSuite):
    sink = Fitting
    layout = Layout(compression="zstd", chunks=(3, 2))


@pytest.fixture
def few_files(monkeypatch):
    from tf2numpy.sinks import _zarr_layout

    monkeypatch.setattr(_zarr_layout, "_MOST_RAW_FILES", 0)
    monkeypatch.setattr(_zarr_layout, "_MOST_ENCODED_FILES", 0)
    monkeypatch.setattr(_zarr_layout, "_MOST_IN_SHARD", 6)
    monkeypatch.setattr(_zarr_layout, "RAW_CHUNK_BYTES", 32)
    monkeypatch.setattr(_zarr_layout, "ENCODED_CHUNK_BYTES", 32)


@pytest.mark.usefixtures("few_files")
class ShardedSuite(ZarrSuite):
    test_unknown_rows_of_several_megabytes = None  # these would be some hundred thousand chunks
    test_unknown_rows_larger_than_any_piece = None


class TestSharded(ShardedSuite):
    pass


class TestZstdSharded(ShardedSuite):
    layout = Layout(compression="zstd")
