"""`tf2numpy diff`: what it prints, and its exit codes."""

from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import _opened
from tf2numpy._protocols import Stored
from tf2numpy._sources import Plain

VALUE = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(3), "s": np.array([b"x", b"y"], object)}


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return t2n.save(VALUE, "x.h5")


def test_equal_in_another_format(tf2numpy, path):
    other = t2n.save(VALUE, "y.zarr")
    assert tf2numpy("diff", path, other) == (0, ["0 only in A, 0 only in B, 0 differ, 3 equal"], [])


def test_every_way_to_differ(tf2numpy, path):
    a = VALUE["a"].copy()
    a[1, 2], a[1, 0] = 5.5, np.nan
    value = {"a": a, "b": VALUE["b"].astype("f4"), "s": np.array([b"x", b"z"], object), "\x1b": np.zeros(2)}
    other = t2n.save(value | {"t": {"u": np.zeros(())}}, "y.h5")
    assert tf2numpy("diff", path, other) == (
        1,
        [
            "+ \\x1b  float64 (2,)",
            "~ a  2 of 6 elements differ, by at most 0.5 (0.0909091 relative), 1 of them NaN on one side, first at "
            "[1, 0]",
            "~ b  int64 (3,) -> float32 (3,); all values equal",
            "~ s  1 of 2 elements differ, first at [1]",
            "+ t/u  float64 ()",
            "0 only in A, 2 only in B, 3 differ, 0 equal",
        ],
        [],
    )


def test_shapes_and_kinds(tf2numpy, tmp_path):
    left = t2n.save({"a": np.zeros(3), "b": np.zeros(1), "c": np.array(2**60)}, tmp_path / "x.h5")
    value = {"a": np.zeros((3, 1)), "b": np.array([b"x"], object), "c": np.array(2**60 + 1)}
    assert tf2numpy("diff", left, t2n.save(value, tmp_path / "y.h5"))[1] == [
        "~ a  float64 (3,) -> float64 (3, 1)",
        "~ b  float64 (1,) -> string (1,)",
        "~ c  1 of 1 elements differ, by at most 1 (8.67362e-19 relative)",
        "0 only in A, 0 only in B, 3 differ, 0 equal",
    ]


def test_selected(tf2numpy, path):
    other = t2n.save({"a": VALUE["a"], "c": np.zeros(1)}, "y.h5")
    assert tf2numpy("diff", path, other, "--select", "a") == (0, ["0 only in A, 0 only in B, 0 differ, 1 equal"], [])
    assert tf2numpy("diff", path, other, "--select", "b")[:2] == (
        1,
        ["- b  int64 (3,)", "1 only in A, 0 only in B, 0 differ, 0 equal"],
    )


def test_trouble_has_a_code_of_its_own(tf2numpy, path):
    assert tf2numpy("diff", path, path, "--select", "z") == (
        2,
        [],
        ["tf2numpy: error: --select z fits none of the 3 arrays of the two"],
    )
    assert tf2numpy("diff", path, "nothing")[0] == 2


def test_other_names_and_what_is_left_out(tf2numpy, monkeypatch):
    files = {
        "a": Stored("test file", {"w": Plain(np.zeros(2))}, lambda: None, {"w": ["layer/w"]}, {"it": "no array"}),
        "b": Stored("test file", {"layer/w": Plain(np.ones(2))}, lambda: None),
    }
    asked = []
    monkeypatch.setattr(_opened, "stored_in", lambda path, offered: asked.append(offered) or files[str(path)])
    assert tf2numpy("diff", "a", "b") == (
        1,
        [
            "~ w = layer/w  2 of 2 elements differ, by at most 1 (1 relative), first at [0]",
            "0 only in A, 0 only in B, 1 differ, 0 equal",
        ],
        ["a: left out: it (no array)"],
    )
    assert asked == [{"names": "human"}] * 2


def test_names_are_for_the_file_that_has_others(tf2numpy, tmp_path):
    """A .npz file has but one way to name arrays; a checkpoint has two."""
    checkpoint = Path(__file__).parent.parent / "golden" / "checkpoint" / "keras"
    with t2n.open(checkpoint, names="key") as file:
        arrays = {name: np.asarray(file[name]) for name in file}
    key = next(name for name, array in arrays.items() if array.shape == (2, 3))
    arrays[key] = arrays[key] + 1
    path = t2n.save(arrays, tmp_path / "x.npz")
    code, (line, last), _ = tf2numpy("diff", checkpoint, path, "--names", "key")
    assert (code, last) == (1, f"0 only in A, 0 only in B, 1 differ, {len(arrays) - 1} equal")
    assert line.startswith(f"~ {key}  6 of 6 elements differ, by at most 1")
