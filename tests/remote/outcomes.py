"""What opening a name gives, whole, so that it can be compared with what opening another gives."""

from __future__ import annotations

import io
import traceback
from typing import Any

import numpy as np
import pytest

import tf2numpy as t2n

SECRET = "SECRETSIGNATURE"


def npy(array: np.ndarray) -> bytes:
    """Give an array as a .npy file."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def refused(kind: type[Exception], url: str) -> str:
    """Open a name, and give the message of the error; nothing of the traceback may hold a secret."""
    with pytest.raises(kind) as caught:
        t2n.open(url)
    for secret in (SECRET, "PASSWORD", "SECRETKEY"):
        assert secret not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


def outcome(name: str, root: str) -> tuple[Any, ...]:
    """Give the kind, the names and all arrays of a file; or the error. root: is left out of messages."""
    try:
        with t2n.open(name) as file:
            arrays = {key: np.asarray(file[key]) for key in file}
            left_out = {key: why.replace(root, "ROOT") for key, why in file.left_out.items()}
            return file.kind, arrays, dict(file.aliases), left_out
    except (t2n.Tf2NumpyError, OSError) as error:
        return type(error), str(error).replace(root, "ROOT")


def assert_same(name: str, found: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    """Compare two outcomes bit for bit."""
    assert found[0] == expected[0], (name, found, expected)
    assert found[2:] == expected[2:], name
    if isinstance(expected[1], str):
        assert found[1] == expected[1], name
        return
    assert list(found[1]) == list(expected[1]), name
    for key, array in expected[1].items():
        other = found[1][key]
        assert (other.dtype, other.shape) == (array.dtype, array.shape), (name, key)
        if array.dtype.hasobject:
            assert other.tolist() == array.tolist(), (name, key)
        else:
            assert other.tobytes() == array.tobytes(), (name, key)
