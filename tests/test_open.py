"""`open`: a lazy mapping that reads what is asked for, and goes wherever a value goes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tf2numpy as t2n
from conformance.kind import fails
from tf2numpy import _opened
from tf2numpy._file import File, LazyArray
from tf2numpy._protocols import Stored
from tf2numpy._sources import Plain


@pytest.fixture
def path(tmp_path):
    return t2n.save(np.arange(24.0).reshape(4, 6), tmp_path / "x.npy")


def test_a_mapping(path):
    with t2n.open(path) as file:
        assert list(file) == ["data"]
        assert len(file) == 1
        assert "data" in file
        assert repr(file) == f".npy file {str(path)!r}, 1 arrays\n  data  float64  (4, 6)  192 B"
        array = file["data"]
        assert (array.shape, array.dtype, array.ndim, array.size, array.nbytes) == ((4, 6), np.float64, 2, 24, 192)
        assert len(array) == 4
        assert repr(array) == "LazyArray(shape=(4, 6), dtype=float64, nbytes=192)"
        with pytest.raises(KeyError) as caught:
            file["dta"]
        assert caught.value.args == (f"{str(path)!r} has no array 'dta'; near it are 'data'",)


def test_an_array_as_an_array(path):
    with t2n.open(path) as file:
        array = file["data"]
        whole = np.arange(24.0).reshape(4, 6)
        assert np.asarray(array).tolist() == whole.tolist()
        assert np.array(array, dtype="f4").dtype == np.float32
        assert np.array(array).flags.writeable
        assert (np.asarray(array) + 1).sum() == (whole + 1).sum()
        if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
            assert not np.asarray(array, copy=False).flags.writeable


def test_into_the_verbs(path, tmp_path):
    whole = np.arange(24.0).reshape(4, 6)
    with t2n.open(path) as file:
        assert t2n.to_numpy(file).keys() == {"data"}
        assert t2n.to_numpy(file["data"]).tolist() == whole.tolist()
        assert t2n.to_numpy({"a": file["data"]}, dtype="f2")["a"].dtype == np.float16
        assert np.concatenate([c.value for c in t2n.iter_chunks(file["data"], max_bytes=96)]).tolist() == whole.tolist()
        assert t2n.plan(file["data"]).kind == ".npy file"
        again = t2n.save(file, tmp_path / "y.npy")
    with t2n.open(again) as file:
        assert file["data"][:].tolist() == whole.tolist()


def keys(shape):
    def one(size):
        bounds = st.none() | st.integers(-size - 2, size + 2)
        slices = st.builds(slice, bounds, bounds, st.sampled_from([None, 1, 2, 3, -1, -2]))
        return st.integers(-size, size - 1) | slices if size else slices

    whole = st.tuples(*map(one, shape))
    return whole.flatmap(
        lambda key: st.integers(0, len(key)).flatmap(
            lambda count: st.sampled_from([key[:count], (*key[:count], ...), (..., *key[count:])])
        )
    )


@given(st.lists(st.integers(0, 5), max_size=4).flatmap(lambda shape: st.tuples(st.just(tuple(shape)), keys(shape))))
def test_basic_indexing_is_numpys(case):
    shape, key = case
    whole = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    found = LazyArray(Plain(whole))[key]
    assert np.shape(found) == np.shape(whole[key])
    assert np.asarray(found).tolist() == whole[key].tolist()


def test_only_what_is_needed_is_read(monkeypatch):
    read, whole = [], Plain.read
    monkeypatch.setattr(Plain, "read", lambda self, index: read.append(index) or whole(self, index))
    array = LazyArray(Plain(np.zeros((10, 10, 10))))
    array[3, 2:8:2]
    assert read == [(slice(3, 4), slice(2, 7), slice(0, 10))]


def test_keys_that_are_none():
    array = LazyArray(Plain(np.zeros((2, 3))))
    for key in ([0, 1], np.array([True, False]), None, "a", 1.0):
        with fails(
            t2n.InvalidArgument,
            f"a lazy array takes integers, slices and ..., found {type(key).__name__}; read it first: a[...][key]",
        ):
            array[key]
    with pytest.raises(IndexError, match=r"^2 is out of bounds for an axis of size 2$"):
        array[2]
    for key in ((0, 0, 0), (..., 0, ...)):
        with pytest.raises(IndexError, match=r"^too many indices for an array of shape \(2, 3\)"):
            array[key]
    with pytest.raises(TypeError, match="no length"):
        len(LazyArray(Plain(np.zeros(()))))


def test_what_is_no_file_of_ours(tmp_path):
    (tmp_path / "x").write_bytes(b"anything")
    with pytest.raises(t2n.FormatError, match=r"/x' is of no format that can be read; known are npy"):
        t2n.open(tmp_path / "x")
    with pytest.raises(FileNotFoundError):
        t2n.open(tmp_path / "y")


def test_selected_arrays(tmp_path):
    path = t2n.save({"a": {"x": [1], "y": [2]}, "b": {"x": [3]}}, tmp_path / "f.npz")
    assert list(t2n.open(path, select="*/x/0")) == ["a/x/0", "b/x/0"]
    assert list(t2n.open(path, select=["b/x/0", "a/y*"])) == ["a/y/0", "b/x/0"]
    with pytest.raises(t2n.InvalidArgument) as caught:
        t2n.open(path, select=["a/*", "a/z/0"])
    assert str(caught.value) == (
        f"select='a/z/0' fits none of the 3 arrays of {str(path)!r}; near it are 'a/y/0', 'a/x/0', 'b/x/0'"
    )


def test_other_names():
    arrays = {name: Plain(np.array([number])) for number, name in enumerate(["kernel", "bias"])}
    aliases = {"kernel": ("k", "shared"), "bias": ("b", "shared")}
    stored = Stored("file", arrays, lambda: None, aliases)
    file = File("f", stored)
    assert file["b"][0] == 1
    assert file.aliases == aliases
    with pytest.raises(KeyError, match="'f' has no array 'shared'; 'kernel', 'bias' are called so"):
        file["shared"]
    assert list(_opened.selected(stored, "k", "f").arrays) == ["kernel"]
    assert list(_opened.selected(stored, "sh*", "f").arrays) == ["kernel", "bias"]


def test_options_that_mean_nothing_to_a_file(tmp_path):
    path = t2n.save([1, 2], tmp_path / "f.npz")
    with pytest.raises(t2n.InvalidArgument) as caught:
        t2n.open(path, constants=True)
    assert str(caught.value) == (
        f"constants=True means nothing to the .npz file {str(path)!r}: it takes no such options; leave constants out"
    )
    with pytest.raises(t2n.InvalidArgument) as caught:
        t2n.open(path, names="short")
    assert str(caught.value) == "names='short' is no way to name arrays; it is 'human' or 'key'"


@pytest.fixture
def partial(monkeypatch):
    left_out = {"it": "an iterator's state, which is no array", "table": "a lookup table without keys"}
    stored = Stored("test file", {"x": Plain(np.zeros(2))}, lambda: None, left_out=left_out)
    monkeypatch.setattr(_opened, "stored_in", lambda path, options: stored)
    return left_out


def test_what_is_left_out_is_said(partial):
    file = t2n.open("f")
    assert file.left_out == partial
    assert repr(file) == (
        "test file 'f', 1 arrays\n  x  float64  (2,)  16 B\n"
        "  left out: it  an iterator's state, which is no array\n  left out: table  a lookup table without keys"
    )


@pytest.mark.parametrize("select", [3, ["x", None], np.zeros(2)])
def test_what_selects_nothing(tmp_path, select):
    np.save(tmp_path / "x.npy", np.zeros(3))
    with fails(t2n.InvalidArgument, f"select={select!r} is no name or pattern of an array, and no list of them"):
        t2n.open(tmp_path / "x.npy", select=select)


def test_a_pattern_that_no_file_fits(tmp_path):
    with fails(FileNotFoundError, f"[Errno 2] no file fits this pattern: '{tmp_path}/train-*.tfrecord'"):
        t2n.open(tmp_path / "train-*.tfrecord")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ckpt", "; near it are 'ckpt-2', 'ckpt-1'"),
        ("a-model-of-many-layers", "; near it are 'a-model-of-many-layers-2', 'a-model-of-many-layers-1'"),
        ("words", ""),
        ("no/ckpt-1", ""),
    ],
)
def test_a_name_that_is_not_there(tmp_path, name, near):
    for prefix in ("ckpt-1", "ckpt-2", "a-model-of-many-layers-1", "a-model-of-many-layers-2"):
        for suffix in (".index", ".data-00000-of-00001"):
            (tmp_path / f"{prefix}{suffix}").touch()
    with fails(FileNotFoundError, f"[Errno 2] No such file or directory{near}: {str(tmp_path / name)!r}"):
        t2n.open(tmp_path / name)


@pytest.mark.parametrize("name", ["checkpoint", "fingerprint.pb", "features.json"])
def test_a_file_that_tells_of_others(tmp_path, name):
    (tmp_path / name).write_bytes(b"words")
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(tmp_path / name)
    assert str(caught.value).startswith(
        f"{str(tmp_path / name)!r} is of no format that can be read; it is called as a file that tells of others in "
        "its folder; open the folder; known are "
    )


def test_selecting_what_is_left_out(partial):
    assert t2n.open("f", select="x").left_out == {}
    assert t2n.open("f", select="[xt]*").left_out == {"table": partial["table"]}
    with fails(
        t2n.InvalidArgument,
        "select='it' fits none of the 1 arrays of 'f'; 'it' is left out: an iterator's state, which is no array",
    ):
        t2n.open("f", select="it")


def test_of_very_much_that_is_left_out_some_is_shown(monkeypatch):
    stored = Stored("test file", {}, lambda: None, left_out={f"n{i}": "why" for i in range(21)})
    monkeypatch.setattr(_opened, "stored_in", lambda path, options: stored)
    lines = repr(t2n.open("f")).splitlines()
    assert (len(lines), lines[-2:]) == (22, ["  left out: n19  why", "  left out: ..."])


def test_the_parts_of_a_name_are_told(tmp_path):
    ragged = t2n.RaggedArray(np.arange(3), np.array([0, 1, 3]))
    with t2n.open(t2n.save({"words": ragged, "wor": np.zeros(2)}, tmp_path / "x.npz")) as file:
        with pytest.raises(KeyError) as caught:
            file["words"]
        assert caught.value.args == (
            f"{str(file.path)!r} has no array 'words'; there are 'words/values', 'words/row_splits'",
        )


def test_many_parts_of_a_name(tmp_path):
    with t2n.open(t2n.save({f"a/{i}": np.zeros(1) for i in range(5)}, tmp_path / "x.npz")) as file:
        with pytest.raises(KeyError) as caught:
            file["a"]
        assert caught.value.args[0].endswith("has no array 'a'; there are 'a/0', 'a/1', 'a/2' and 2 more")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (3, "an object of type int names no file; give a path, or the name of one in a store"),
        (None, "an object of type NoneType names no file; give a path, or the name of one in a store"),
        (
            ["a-0.tfrecord", "a-1.tfrecord"],
            "an object of type list names no file; give a path, or the name of one in a store; a pattern, "
            "'train-*.tfrecord', or their folder names files that are one table",
        ),
        ("a\0b", "'a\\x00b' cannot be read: no name can hold a NUL; give another name"),
    ],
)
def test_what_names_no_file(name, message):
    with pytest.raises(t2n.InvalidArgument) as caught:
        t2n.open(name)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["x", "checkpoint"])
def test_an_empty_file(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(t2n.FormatError, match=rf"/{name}' is of no format that can be read; it is empty; known are "):
        t2n.open(tmp_path / name)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(tmp_path / "pipe")
    assert str(caught.value) == (
        f"{str(tmp_path / 'pipe')!r} is a pipe or a device, which cannot be read by range; copy what it gives into a "
        "file"
    )


def test_readers_of_other_files_are_not_loaded():
    """What lies under a prefix is no table of records, whose readers take long to load."""
    prefix = Path(__file__).parent / "golden" / "checkpoint" / "objects" / "ck-1"
    program = (
        "import sys, tf2numpy as t2n\n"
        "def has(part): return any(part in name for name in sys.modules if name.startswith('tf2numpy.'))\n"
        f"t2n.open({str(prefix)!r}); print(has('_bundle'), has('_record'))\n"
        f"t2n.open({str(prefix)!r} + '.index'); print(has('_record'))\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True", "False", "True"]
