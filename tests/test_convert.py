"""`convert`: a file into another, with other names, or all that stands in the way said before anything is read."""

import warnings

import ml_dtypes
import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails
from tf2numpy import _opened
from tf2numpy._protocols import Stored
from tf2numpy._sources import Plain

VALUE = {
    "a": {"kernel": np.arange(6.0, dtype="f4").reshape(2, 3), "bias": np.array([1, 2], ml_dtypes.bfloat16)},
    "step": np.array(7),
}


@pytest.fixture
def source(tmp_path):
    return t2n.save(VALUE, tmp_path / "x.npz")


def contents(path):
    with t2n.open(path) as file:
        return {name: np.asarray(file[name]) for name in file}


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".zarr", ".safetensors", "dir"])
def test_every_array_arrives_bit_for_bit(source, tmp_path, suffix):
    path = t2n.convert(source, tmp_path / f"y{suffix}", format=suffix, verify=True)
    assert path == tmp_path / f"y{suffix}"
    found = contents(path)
    assert found.keys() == {"a/kernel", "a/bias", "step"}
    for name, array in contents(source).items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


def test_the_options_of_open_and_save(source, tmp_path):
    seen = []
    path = t2n.convert(
        str(source),
        str(tmp_path / "y"),
        select=["a/*"],
        rename={"a/bias": "b"},
        format="zarr",
        max_bytes="1KiB",
        dtype="float16",
        compression="gzip",
        chunks=(1, 2),
        progress=lambda done, total: seen.append((done, total)),
    )
    found = contents(path)
    assert {name: array.dtype.name for name, array in found.items()} == {"a/kernel": "float16", "b": "float16"}
    assert '"chunk_shape":[1,2]' in (path / "a" / "kernel" / "zarr.json").read_text().replace(" ", "").replace("\n", "")
    assert seen[-1] == (16, 16)
    with fails(
        t2n.OutputExists, f"{str(path)!r} exists already; pass overwrite=True to replace it, or choose another name"
    ):
        t2n.convert(source, path, format="zarr")
    assert t2n.convert(source, path, format="zarr", select="step", overwrite=True) == path
    assert contents(path).keys() == {"step"}


def test_a_dry_run_says_what_would_be_and_writes_nothing(source, tmp_path):
    rows = t2n.convert(source, tmp_path / "y.h5", dry_run=True, rename=r"a/(.*)=\1", dtype="float64", select="a/*")
    assert rows == [
        ("a/bias", "bias", np.dtype("f8"), (2,), 16),
        ("a/kernel", "kernel", np.dtype("f8"), (2, 3), 48),
    ]
    assert rows[0].new == "bias"
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]
    path = t2n.convert(source, tmp_path / "y.h5", rename=r"a/(.*)=\1", dtype="float64", select="a/*")
    assert {name: array.shape for name, array in contents(path).items()} == {r.new: r.shape for r in rows}


def test_a_dry_run_refuses_what_the_run_would(source, tmp_path):
    strings = t2n.save({"x": np.array([b"a"], object), "y": np.array([b"b"], object)}, tmp_path / "s.h5")
    for dry_run in (True, False):
        with pytest.raises(t2n.FormatError, match=r"^array 'z' has dtype object, .*; so it is with 'y'$"):
            t2n.convert(strings, tmp_path / "y.safetensors", rename={"x": "z"}, dry_run=dry_run)
        with fails(
            t2n.OutputExists,
            f"{str(source)!r} exists already; pass overwrite=True to replace it, or choose another name",
        ):
            t2n.convert(strings, source, dry_run=dry_run)
        with fails(
            t2n.FormatError,
            "the name 'a//b' is empty or has an empty part, which HDF5 cannot hold; rename the array",
        ):
            t2n.convert(source, tmp_path / "y.h5", rename={"step": "a//b"}, dry_run=dry_run)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.h5", "x.npz"]


def test_nothing_is_read_before_names_are_checked(source, tmp_path, monkeypatch):
    read = []
    stored = Stored("test file", {"x": Plain(np.zeros(2)), "y": Plain(np.zeros(2))}, lambda: read.append("closed"))
    monkeypatch.setattr(_opened, "stored_in", lambda path, options: stored)
    monkeypatch.setattr(Plain, "read", lambda self, index: read.append(index))
    with fails(
        t2n.InvalidArgument,
        "renaming gives several arrays one name: 'x' and 'y' would be 'y'; change the rules, or leave some out by "
        "select",
    ):
        t2n.convert("f", tmp_path / "y.npz", rename={"x": "y"})
    assert read == ["closed"]


def test_a_file_can_replace_itself(source):
    before = contents(source)
    t2n.convert(source, source, rename={"step": "n"}, overwrite=True, verify=True)
    after = contents(source)
    assert after.keys() == {"a/kernel", "a/bias", "n"}
    assert after["a/kernel"].tobytes() == before["a/kernel"].tobytes()


def test_after_an_interruption_it_goes_on(tmp_path, monkeypatch):
    big = t2n.save({"x": np.arange(1000.0), "y": np.arange(1000.0)}, tmp_path / "x.npz")
    reads = []

    def interrupted(done, total):
        reads.append(done)
        if done > 9000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        t2n.convert(big, tmp_path / "y.npz", rename={"y": "z"}, max_bytes=800, progress=interrupted)
    with pytest.raises(t2n.InvalidArgument, match="was begun with arrays"):
        t2n.convert(big, tmp_path / "y.npz", max_bytes=800, resume=True)
    t2n.convert(big, tmp_path / "y.npz", rename={"y": "z"}, max_bytes=800, resume=True)
    assert contents(tmp_path / "y.npz")["z"].tolist() == list(range(1000))


def test_what_is_left_out_is_warned_of(tmp_path, monkeypatch):
    left_out = {"it": "an iterator's state"} | {f"n{i}": "no array" for i in range(25)}
    stored = Stored("test file", {"x": Plain(np.zeros(2))}, lambda: None, left_out=left_out)
    monkeypatch.setattr(_opened, "stored_in", lambda path, options: stored)
    with pytest.warns(UserWarning, match="left out") as caught:
        t2n.convert("f", tmp_path / "y.npz")
    (warning,) = caught
    named = "; ".join(f"'n{i}' (no array)" for i in range(19))
    assert str(warning.message) == (
        f"'f' has what no array can be, and it is left out: 'it' (an iterator's state); {named}; and 6 more, see "
        "open('f').left_out"
    )
    assert warning.filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        t2n.convert("f", tmp_path / "z.npz", select="x")  # the rest was not asked for


def test_nothing_to_convert(tmp_path):
    import h5py

    h5py.File(tmp_path / "x.h5", "w").close()
    with fails(t2n.FormatError, f"there is nothing to write to {tmp_path / 'y.h5'}: this HDF5 file holds no array"):
        t2n.convert(tmp_path / "x.h5", tmp_path / "y.h5")


def test_options_that_mean_nothing(source, tmp_path):
    with fails(
        t2n.InvalidArgument,
        f"slots=True means nothing to the .npz file {str(source)!r}: it takes no such options; leave slots out",
    ):
        t2n.convert(source, tmp_path / "y.h5", slots=True)
    with fails(t2n.InvalidArgument, "names='short' is no way to name arrays; it is 'human' or 'key'"):
        t2n.convert(source, tmp_path / "y.h5", names="short")
    with pytest.raises(t2n.InvalidArgument, match=r"^dtype=str decodes strings in memory"):
        t2n.convert(source, tmp_path / "y.h5", dtype=str)
