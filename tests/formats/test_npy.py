"""Damaged and hostile .npy files."""

import numpy as np
import pytest

import tf2numpy as t2n


@pytest.mark.parametrize(
    "header",
    [
        "(((",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (5,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': __import__('os').getpid()}",
        "(" * 90,
    ],
)
def test_headers_that_are_damaged(tmp_path, header):
    """The reason is NumPy's, and another in each version."""
    path = tmp_path / "x.npy"
    text = header.encode().ljust(117) + b"\n"
    path.write_bytes(b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(8))
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(path)
    assert str(caught.value).startswith(f"{str(path)!r} is a .npy file that cannot be read: ")


def test_a_file_that_goes_on(tmp_path):
    """What follows the array is not looked at: files can be appended to."""
    path = tmp_path / "x.npy"
    with path.open("wb") as file:
        np.save(file, np.arange(3))
        np.save(file, np.arange(4))
    assert t2n.open(path)["data"][:].tolist() == [0, 1, 2]
