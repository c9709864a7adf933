"""`tf2numpy verify A` reads all of a file; `tf2numpy verify A B` compares any two files that can be read."""

import shutil
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import _differences, cli
from tf2numpy._protocols import Stored
from tf2numpy._sources import Plain


@pytest.fixture
def run(capsys):
    def run(*arguments):
        code = cli.main(["verify", *map(str, arguments)])
        return code, capsys.readouterr()

    return run


VALUE = {"a": np.arange(12.0).reshape(3, 4), "b": [np.array([1, 2], ml_dtypes.bfloat16), np.zeros((0, 3), "i2")]}


def test_the_same_in_another_format(run, tmp_path):
    left, right = t2n.save(VALUE, tmp_path / "x.h5"), t2n.save(VALUE, tmp_path / "x.npz")
    assert run(left, right) == (0, ("equal: the same arrays, bit for bit\n", ""))


def test_what_differs_is_said(run, tmp_path):
    left = t2n.save(VALUE, tmp_path / "x.h5")
    other = {"a": VALUE["a"].copy(), "b": [VALUE["b"][0].astype("f4")], "c": np.zeros(1)}
    other["a"][2, 3] = -0.0
    right = t2n.save(other, tmp_path / "y.npz")
    code, (out, err) = run(left, right)
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "a: differs in [0:3]",
        "b/0: bfloat16 of shape (2,) against float32 of shape (2,)",
        f"b/1: only in {left}",
        f"c: only in {right}",
    ]


def test_nan_payloads_and_signs_of_zero_count(run, tmp_path):
    zero, minus = t2n.save(np.zeros(2), tmp_path / "x.npy"), t2n.save(-np.zeros(2), tmp_path / "y.npy")
    assert run(zero, minus)[0] == 1
    nan = t2n.save(np.full(2, np.nan), tmp_path / "z.npy")
    assert run(nan, nan)[0] == 0


def test_what_cannot_be_read(run, tmp_path):
    (tmp_path / "x").write_text("words")
    code, (out, err) = run(tmp_path / "x", tmp_path / "x")
    assert (code, out) == (1, "")
    assert err.startswith(f"tf2numpy: error: {str(tmp_path / 'x')!r} is of no format that can be read; known are npy")


def test_other_names_count(run, monkeypatch):
    files = {
        "a": Stored("test file", {"w": Plain(np.zeros(2)), "v": Plain(np.ones(2))}, lambda: None, {"w": ["layer/w"]}),
        "b": Stored("test file", {"layer/w": Plain(-np.zeros(2))}, lambda: None),
    }
    monkeypatch.setattr(_differences, "stored_in", lambda path: files[str(path)])
    assert run("a", "b") == (1, ("v: only in a\nw = layer/w: differs in [0:2]\n", ""))


GOLDEN = Path(__file__).parent.parent / "golden"


def test_a_whole_file(run, tmp_path):
    path = t2n.save({**VALUE, "s": np.array([b"a", b"bc"], object)}, tmp_path / "x.h5")
    assert run(path) == (
        0,
        ("whole: 4 arrays, 103 B, were read, and fit every checksum that is kept of them\n", ""),
    )


def test_damage_is_told_array_by_array(run, tmp_path):
    """That in an optimizer's variable too, which is in no array unless one asks for it."""
    folder = shutil.copytree(GOLDEN / "checkpoint" / "keras", tmp_path / "ck")
    (data,) = folder.glob("ck-1.data-*")
    whole = data.read_bytes()
    prefix = folder / "ck-1"
    assert run(prefix)[0] == 0
    with t2n.open(prefix, slots=True) as file, t2n.open(prefix) as weights:
        slot = next(name for name in file if name not in weights and file[name].nbytes > 8)
        assert slot.startswith("adam/")
        at = whole.index(np.asarray(file[slot]).tobytes())
        count = len(file)
    data.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    code, (out, _) = run(prefix)
    *lines, last = out.splitlines()
    assert (code, last) == (1, f"damaged: {len(lines)} of {count} arrays cannot be read")
    assert any(line.startswith(f"{slot}: {str(data)!r}") and "checksum" in line for line in lines)


@pytest.mark.parametrize("error", [t2n.HostMemoryError, t2n.MissingExtra])
def test_what_is_lacking_here_is_no_damage(run, tmp_path, monkeypatch, error):
    def fail(self, index):
        raise error("what is lacking")

    monkeypatch.setattr("tf2numpy._sources.HostArray.read", fail)
    assert run(t2n.save(np.ones(3), tmp_path / "x.npy")) == (1, ("", "tf2numpy: error: what is lacking\n"))


def test_what_is_no_array_is_told(run):
    code, (out, err) = run(GOLDEN / "checkpoint" / "objects")
    assert (code, out) == (0, "whole: 26 arrays, 2.6 KiB, were read, and fit every checksum that is kept of them\n")
    assert err.startswith("left out: iterator/ITERATOR_STATE (3 variants in 508 bytes, which only TensorFlow can use")
