"""The Keras files in tests/golden/keras, what their weights are, and small HDF5 files made by hand."""

import zipfile
from pathlib import Path

import numpy as np

import tf2numpy as t2n
from conformance.arrays import assert_same, logical

GOLDEN = Path(__file__).parents[1] / "golden" / "keras"


def expected(name):
    """Give what was stored beside the files, by the names that Keras gave the variables."""
    arrays = {}
    with np.load(GOLDEN / f"{name}.npz") as stored:
        for key, array in stored.items():
            kind, _, path = key.rpartition(" ")
            arrays[path.removesuffix(":0")] = array.view(logical(kind)) if kind else array
    return arrays


def assert_holds(path, wanted, **options):
    """Compare all arrays of a file with what is wanted, in that order."""
    with t2n.open(path, **options) as file:
        assert list(file) == list(wanted)
        for name, array in wanted.items():
            assert_same(t2n.to_numpy(file[name]), array)


def message(path, **options):
    """Give the text that a file is refused with."""
    try:
        with t2n.open(path, **options) as file:
            for name in file:
                t2n.to_numpy(file[name])
    except t2n.FormatError as error:
        return str(error)
    raise AssertionError("nothing was refused")


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def members(name="whole.keras"):
    with zipfile.ZipFile(GOLDEN / name) as file:
        return {member.filename: file.read(member) for member in file.infolist()}
