"""A file in an archive that is still open when Python ends."""

import subprocess
import sys

import pytest

from .keras_files import GOLDEN

pytest.importorskip("h5py", reason="h5py is not installed in this environment")

# A file object whose class goes early is what crashes.
PROGRAM = """
import h5py, pathlib, tf2numpy
from tf2numpy._blobs import blob_of
from tf2numpy.formats._hdf5_file import Hdf5File

class File(Hdf5File):
    def readinto(self, buffer, /):
        return super().readinto(buffer)

kept = h5py.File(File(blob_of(pathlib.Path({weights!r})), h5py), "r")
opened = tf2numpy.open({archive!r})
print(opened["norm/gamma"][0])
"""


def test_python_ends_well():
    program = PROGRAM.format(weights=str(GOLDEN / "plain.weights.h5"), archive=str(GOLDEN / "whole.keras"))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "5.0\n", "")
