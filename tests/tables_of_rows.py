"""Any values that one table can hold: columns of any dtype and shape, ragged ones, with the same number of rows."""

import numpy as np
from hypothesis import strategies as st

import tf2numpy as t2n
from conformance.arrays import EXTENDED, PLAIN, logical, sample
from tf2numpy._types import joined

DTYPES = [*PLAIN, *EXTENDED, "object", "M8[ns]", "m8[s]", "M8[D]", "S3"]
NAMES = ["x", "y", "a/b", "naïve é", "a.b", "list", "z"]


@st.composite
def tables(draw, dtypes=tuple(DTYPES)):
    """Give a dict of arrays and RaggedArrays with the same number of rows, and some that say what is missing."""
    rows = draw(st.integers(0, 12))
    found = {}
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)):
        dtype = logical(draw(st.sampled_from(dtypes)))
        shape = tuple(draw(st.lists(st.integers(0, 3), max_size=2)))
        depth = draw(st.integers(0, 2))
        found[name] = draw(ragged(rows, depth, shape, dtype))
        inside = found[name]
        for level in range(depth + 1):
            if draw(st.booleans()):
                missing = draw(st.lists(st.booleans(), min_size=len(inside), max_size=len(inside)))
                at = joined(name, *["values"] * level)
                found[f"{at}/missing"] = without(inside, np.array(missing, bool))
            inside = inside.values if level < depth else None
    return found


def without(array, missing):
    """Set what is missing to nothing; of ragged rows give those of the missing ones that are empty already."""
    if isinstance(array, t2n.RaggedArray):
        return missing & (np.diff(array.row_splits) == 0)
    array[missing] = nothing(array.dtype)
    return missing


@st.composite
def ragged(draw, rows, depth, shape, dtype):
    """Give an array of so many rows, or a RaggedArray with so many ragged axes."""
    if not depth:
        return sample((rows, *shape), dtype, seed=draw(st.integers(0, 9)))
    lengths = draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows))
    splits = np.concatenate([[0], np.cumsum(lengths)]).astype(draw(st.sampled_from(["i4", "i8"])))
    return t2n.RaggedArray(draw(ragged(int(splits[-1]), depth - 1, shape, dtype)), splits)


def nothing(dtype):
    """Give what stands where a value is missing."""
    if dtype.kind in "Mm":
        return np.array("NaT", dtype)
    return b"" if dtype.hasobject else np.zeros((), dtype)
