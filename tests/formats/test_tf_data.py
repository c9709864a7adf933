"""Datasets that TensorFlow stored come back as the columns that it reads of them."""

import json
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.arrays import assert_same
from tf2numpy._dtypes import named

GOLDEN = Path(__file__).parents[1] / "golden/tf_data"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
NAMES = sorted(name for name in EXPECTED if not name.startswith("cache/"))


def needs(name):
    """Skip what Snappy compressed where it cannot be read."""
    if "snappy" in name.lower() or name in ("snapshot/plain", "snapshot/ragged", "snapshot/own_shards"):
        pytest.importorskip("cramjam")


def expected(name):
    found = {}
    for column, told in EXPECTED[name].items():
        if told["dtype"] == "string":
            array = np.empty(len(told["strings"]), object)
            array[:] = [bytes.fromhex(element) for element in told["strings"]]
        else:
            array = np.frombuffer(bytes.fromhex(told["bits"]), named(told["dtype"]))
        found[column] = array.reshape(told["shape"])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_what_tensorflow_reads(name):
    needs(name)
    with t2n.open(GOLDEN / name) as file:
        wanted = expected(name)
        assert sorted(file) == sorted(wanted)
        if name.startswith("distributed/"):  # several chunks, of which none is the first
            order = np.argsort(wanted["z"])[np.argsort(np.argsort(np.asarray(file["z"])))]
            wanted = {column: array[order] for column, array in wanted.items()}
        for column, array in wanted.items():
            assert file[column].shape == array.shape
            assert file[column].dtype == array.dtype
            assert_same(np.asarray(file[column]), array)
            assert_same(np.asarray(file[column]), array)
