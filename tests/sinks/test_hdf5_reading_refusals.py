"""HDF5 files that lead elsewhere, are damaged, or hold what NumPy cannot: refused, and HDF5 does not crash."""

import os
import sys
from contextlib import suppress

import h5py
import ml_dtypes
import numpy as np
import pytest

from conformance.arrays import assert_same, logical, sample
from tf2numpy import _registry
from tf2numpy._errors import FormatError, MissingExtra
from tf2numpy._types import Request

from .hdf5 import fetched, fill, needs_codecs, opened


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.h5"


def message(path):
    with pytest.raises(FormatError) as caught:
        opened(path)
    return str(caught.value)


REMEDY = "read that file itself, or copy what it holds into this one, with h5repack or h5copy"


@pytest.mark.parametrize("what", ["link", "external", "virtual"])
def test_nothing_leads_to_another_file(path, what):
    """The other file is a pipe: to open it would take forever."""
    other = path.with_name("other")
    os.mkfifo(other)
    with h5py.File(path, "w", libver="latest") as file:
        if what == "link":
            file["g/x"] = h5py.ExternalLink(str(other), "/there")
            found = f"is a link to '/there' in the file {str(other)!r}"
        elif what == "external":
            space = h5py.h5s.create_simple((4,))
            settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            settings.set_external(os.fsencode(other), 0, h5py.h5f.UNLIMITED)
            file.create_group("g")
            h5py.h5d.create(file.id, b"g/x", h5py.h5t.NATIVE_INT8, space, dcpl=settings)
            found = f"keeps its elements in the file {str(other)!r}"
        else:
            layout = h5py.VirtualLayout((4,), "i1", maxshape=(None,))
            layout[: h5py.h5s.UNLIMITED] = h5py.VirtualSource(str(other), "there", (4,), maxshape=(None,))[
                : h5py.h5s.UNLIMITED
            ]
            settings = layout.make_dcpl((None,)) if hasattr(layout, "make_dcpl") else layout.dcpl
            space = h5py.h5s.create_simple((4,), (h5py.h5s.UNLIMITED,))
            file.create_group("g")
            h5py.h5d.create(file.id, b"g/x", h5py.h5t.NATIVE_INT8, space, dcpl=settings)
            found = f"is made of parts of {str(other)!r}"
    assert message(path) == f"{str(path)!r}: 'g/x' {found}, and a file is not let lead to others; {REMEDY}"


@pytest.mark.parametrize(
    ("data", "dtype", "found"),
    [
        (None, h5py.vlen_dtype(np.int32), "sequences of int32 of differing lengths"),
        (None, h5py.ref_dtype, "references to other places in the file"),
        (None, np.dtype([("s", h5py.string_dtype())]), "structures of objects, [('s', 'O')]"),
        (h5py.Empty("f4"), None, "nothing, not even a shape"),
    ],
    ids=["ragged", "references", "structures", "empty"],
)
def test_what_has_no_numpy_form_is_refused_when_it_is_read(path, data, dtype, found):
    with h5py.File(path, "w") as file:
        file["fine"] = np.arange(3)
        if data is None:
            file.create_dataset("x", (2,), dtype)
        else:
            file["x"] = data
    stored = opened(path)
    source = stored.arrays["x"]
    assert source.host_bytes(Request()) == 0
    for read in (lambda: source.fetch(Request()), lambda: source.read(()), lambda: source.regions(8)):
        with pytest.raises(FormatError) as caught:
            read()
        assert str(caught.value) == (
            f"{str(path)!r}: the dataset 'x' holds {found}, which has no NumPy form; choose other arrays of this file"
        )
    assert_same(stored.arrays["fine"].fetch(Request()), np.arange(3))
    stored.close()


@pytest.mark.parametrize("cut", [100, 600, 1500, -1])
def test_files_that_end_too_early(path, cut):
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(1000)
        file.create_dataset("y", data=np.arange(1000), compression="gzip")
    path.write_bytes(path.read_bytes()[:cut])
    assert message(path).startswith(f"{str(path)!r} is an HDF5 file that cannot be opened: ")


def test_every_damaged_byte_is_read_or_refused(path):
    """Of the metadata; in a process of its own would be safer, but HDF5 must not crash here at all."""
    with h5py.File(path, "w") as file:
        file["g/x"] = np.arange(8, dtype="f4")
        file.create_dataset("y", data=np.arange(100), compression="gzip", chunks=(30,))
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with suppress(FormatError):
            stored = opened(path)
            for source in stored.arrays.values() if stored else ():
                if (source.spec.nbytes or 0) < 1 << 20:
                    source.fetch(Request())


@needs_codecs
def test_compression_that_needs_the_plugin(path, monkeypatch):
    import hdf5plugin

    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(100), **hdf5plugin.Zstd())
    assert_same(fetched(path), np.arange(100))
    where = f"{str(path)!r}: the dataset 'x'"
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda number: False)
    with pytest.raises(FormatError) as caught:
        fetched(path)
    assert str(caught.value) == (
        f"{where} is compressed by HDF5's filter 32015, which neither HDF5 nor hdf5plugin has; rewrite the file "
        "with another, by h5repack where that filter is installed"
    )
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    monkeypatch.setitem(_registry._EXTRAS, "hdf5plugin", "compression")
    with pytest.raises(MissingExtra) as missing:
        fetched(path)
    assert str(missing.value) == (
        f"reading {where}, compressed by HDF5's filter 32015, needs hdf5plugin, which is not installed; "
        "pip install 'tf2numpy[compression]'"
    )


def test_without_h5py(path, monkeypatch):
    fill(path, {"x": np.arange(3)})
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtra) as caught:
        opened(path)
    assert str(caught.value) == "reading HDF5 needs h5py, which is not installed; pip install 'tf2numpy[hdf5]'"


def test_a_dtype_this_ml_dtypes_does_not_have(path, monkeypatch):
    fill(path, {"x": sample((4,), logical("float8_e4m3fn")), "y": np.arange(3)})
    from tf2numpy._dtypes import named

    monkeypatch.delattr(ml_dtypes, "float8_e4m3fn")
    named.cache_clear()
    stored = opened(path)
    with pytest.raises(FormatError) as caught:
        stored.arrays["x"].fetch(Request())
    assert str(caught.value) == (
        f"{str(path)!r}: the dataset 'x' holds elements of a type that cannot be read (this ml_dtypes "
        f"({ml_dtypes.__version__}) has no float8_e4m3fn; upgrade ml_dtypes), which has no NumPy form; "
        "choose other arrays of this file"
    )
    stored.close()
    named.cache_clear()
