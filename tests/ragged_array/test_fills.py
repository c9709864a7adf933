"""What padding is filled with: any value that the dtype can hold, and none that it cannot."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from conformance.kind import fails
from tf2numpy._errors import InvalidArgument
from tf2numpy._ragged import RaggedArray

from .samples import splits, strings


@pytest.mark.parametrize(
    ("dtype", "fill", "held"),
    [
        ("uint8", 255, 255),
        ("uint8", 7.0, 7),
        ("uint64", 2**64 - 1, 2**64 - 1),
        ("int64", -(2**63), -(2**63)),
        ("bool", 1, True),
        ("float32", 0.1, np.float32(0.1)),
        ("float32", np.inf, np.inf),
        ("float16", np.nan, np.nan),
        ("float64", np.float32(2), 2.0),
        ("complex64", 1j, 1j),
        (ml_dtypes.bfloat16, 0.1, ml_dtypes.bfloat16(0.1)),
        (ml_dtypes.float8_e5m2, -1.7, ml_dtypes.float8_e5m2(-1.7)),
        (ml_dtypes.int4, -8, ml_dtypes.int4(-8)),
        (object, b"a\0", b"a\0"),
        (object, "text", "text"),
    ],
)
def test_fills(dtype: Any, fill: Any, held: Any) -> None:
    ragged = RaggedArray(np.zeros(1, dtype), splits(1, 0))
    padded = ragged.to_padded(fill)
    assert padded.dtype == np.dtype(dtype)
    np.testing.assert_equal(padded[1, 0], held)


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("int32", 1.5),
        ("int32", np.nan),
        ("int64", 2**63),
        ("int64", 10**30),
        ("bool", 2),
        ("bool", b""),
        ("float32", 1e300),
        ("float32", 1e-300),
        ("float32", 1j),
        ("float32", b"1"),
        ("float32", "nan"),
        ("float64", [1.0, 2.0]),
        (ml_dtypes.float8_e4m3fn, np.inf),
        (ml_dtypes.float8_e4m3fn, 1e9),
        (ml_dtypes.int4, 8),
        (object, 0),
        (object, [b""]),
    ],
)
def test_fills_that_the_dtype_cannot_hold(dtype: Any, fill: Any) -> None:
    name = "string" if dtype is object else np.dtype(dtype).name
    with fails(
        InvalidArgument,
        f"{name} cannot hold fill={fill!r}; give a value of that dtype, or None for its 0",
    ):
        RaggedArray(np.zeros(1, dtype), splits(1, 0)).to_padded(fill)


def test_decoded_text_is_padded_with_text() -> None:
    assert RaggedArray(strings("a", "b"), splits(2, 0)).to_padded().tolist() == [["a", "b"], ["", ""]]
    if not hasattr(np.dtypes, "StringDType"):
        return
    text = RaggedArray(np.array(["a\0", "é"], np.dtypes.StringDType()), splits(2, 1)[:2])
    assert text.to_padded().tolist() == [["a\0", "é"]]
    text = RaggedArray(text.values, splits(0, 2))
    assert text.to_padded().tolist() == [["", ""], ["a\0", "é"]]
    assert text.to_padded("-\0").tolist() == [["-\0", "-\0"], ["a\0", "é"]]
    with pytest.raises(InvalidArgument, match="cannot hold fill=b'-'"):
        text.to_padded(b"-")
