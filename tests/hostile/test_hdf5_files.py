"""Damaged HDF5 files, as `save` and h5py write them, in a process of their own: HDF5 is a C library.

What our code looks at before HDF5 does keeps it from hanging and from filling the memory. What HDF5 gives of damaged
elements is not compared: the format promises nothing of it, and of a chunk that is too short HDF5 gives what happens to
lie in memory behind it.
"""

import numpy as np
import pytest

import tf2numpy as t2n
from hostile.apart import survives
from tables import strings

h5py = pytest.importorskip("h5py", reason="h5py is not installed in this environment")

VALUES = {"w": np.arange(12, dtype=np.float32).reshape(3, 4), "g/z": np.array([1 + 2j, 3]), "b": np.array(True)}
TEXTS = strings(b"a", b"", b"b" * 300, b"c" * 20)


def plain(path):
    t2n.save(VALUES, path)


def compressed(path):
    t2n.save(VALUES, path, compression="gzip")


def texts(path):
    t2n.save({"t": TEXTS}, path)


def of_h5py(path, libver="earliest"):
    with h5py.File(path, "w", libver=libver) as file:
        file["variable"] = ["abc", "", "d" * 200]
        file["fixed"] = np.array([b"ab", b"c"])
        file.create_dataset("filtered", data=["x", "y"], chunks=(1,), dtype=h5py.string_dtype(), compression="gzip")
        file.create_dataset("growing", data=np.arange(20.0), chunks=(3,), shuffle=True, maxshape=(None,))
        file["group/structure"] = np.zeros(3, [("a", "i4"), ("b", "f8", (2,))])


def of_h5py_latest(path):
    of_h5py(path, "latest")


@pytest.mark.parametrize("make", [plain, compressed, texts, of_h5py, of_h5py_latest])
def test_damage(tmp_path, make):
    path = tmp_path / "x.h5"
    make(path)
    assert survives(path, path, 60, at_length=1000) > 10
