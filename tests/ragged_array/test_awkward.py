"""A RaggedArray handed to awkward has the same rows, shared where it can be, or is refused."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.kind import fails
from tf2numpy._errors import FormatError, MissingExtra
from tf2numpy._ragged import RaggedArray

from .samples import ragged_arrays, splits, strings


def test_awkward_holds_the_same_rows() -> None:
    @given(st.one_of(ragged_arrays(), ragged_arrays(text=True)))
    def check(ragged: RaggedArray) -> None:
        theirs = ragged.to_awkward()
        assert len(theirs) == len(ragged)
        np.testing.assert_equal(theirs.to_list(), ragged.to_list())
        assert theirs.ndim == ragged.ndim

    check()


def test_awkward_types_and_shares_numbers(nested: RaggedArray) -> None:
    import awkward as ak

    assert str(nested.to_awkward().type) == "3 * var * var * float64"
    assert np.shares_memory(ak.to_numpy(ak.flatten(nested.to_awkward(), axis=None)), nested.flat_values)
    uniform = RaggedArray(np.zeros((3, 2), np.int16), splits(1, 2, dtype="int32"))
    assert str(uniform.to_awkward().type) == "2 * var * 2 * int16"
    uniform.flat_values[0, 0] = 7
    assert uniform.to_awkward()[0, 0, 0] == 7
    assert str(RaggedArray(strings(), splits(0)).to_awkward().type) == "1 * var * bytes"
    assert str(RaggedArray(strings("é", "b"), splits(2)).to_awkward().type) == "1 * var * string"
    cube = RaggedArray(strings(b"a", b"b\0", b"", b"d").reshape(1, 2, 2), splits(1, 0))
    assert str(cube.to_awkward().type) == "2 * var * 2 * 2 * bytes"
    assert cube.to_awkward().to_list() == cube.to_list()
    if hasattr(np.dtypes, "StringDType"):
        text = RaggedArray(np.array(["é"], np.dtypes.StringDType()), splits(0, 1))
        assert text.to_awkward().to_list() == [[], ["é"]]


@pytest.mark.parametrize(("name", "wide"), [("bfloat16", "float32"), ("float8_e5m2", "float32"), ("int4", "int8")])
def test_awkward_lacks_extended_dtypes(name: str, wide: str) -> None:
    with fails(FormatError, f"awkward has no {name}; convert by to_numpy(x, dtype='{wide}') first"):
        RaggedArray(np.zeros(1, getattr(ml_dtypes, name)), splits(1)).to_awkward()


def test_awkward_is_asked_for(monkeypatch: pytest.MonkeyPatch, sample: RaggedArray) -> None:
    import importlib

    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with fails(
        MissingExtra,
        "to_awkward() needs awkward, which is not installed; pip install 'tf2numpy[awkward]'",
    ):
        sample.to_awkward()
