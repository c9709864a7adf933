"""A file that is one TensorProto is taken for one, and nothing else is."""

from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.arrays import assert_same
from tf2numpy._types import Request
from tf2numpy.formats.tensor_proto import tensor_proto
from wire.test_protobuf import chunk, encoded
from wire.test_tensor_proto import CASES, expected, proto

GOLDEN = Path(__file__).parents[1] / "golden"


def opened(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    return tensor_proto(tmp_path / "x", data[:64])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['dtype']}-{case['proto'][:60]}")
def test_what_tensorflow_reads(tmp_path, case):
    stored = opened(tmp_path, bytes.fromhex(case["proto"]))
    array = expected(case)
    if stored is None:  # nothing but a dtype and a shape is no reason to take a file for a tensor
        assert array.size
        assert not array.astype(bool).any()
        return
    assert_same(np.asarray(stored.arrays["data"].fetch(Request())), array)


def test_opening(tmp_path):
    strings = b"".join(chunk(8, one) for one in (b"a\0", b"", b"c", b"d"))
    (tmp_path / "x.bin").write_bytes(proto(7, (2, 2), strings))
    with t2n.open(tmp_path / "x.bin") as file:
        assert file.kind == "serialized tensor"
        assert file["data"][1:, 0].tolist() == [b"c"]
        assert np.asarray(file["data"]).tolist() == [[b"a\0", b""], [b"c", b"d"]]
        assert t2n.to_numpy(file["data"], dtype=str).tolist() == [["a\0", ""], ["c", "d"]]
    values = np.arange(6, dtype=np.int64).reshape(2, 3)
    (tmp_path / "y").write_bytes(proto(9, (2, 3), chunk(4, values.tobytes())))
    view = t2n.to_numpy(t2n.open(tmp_path / "y")["data"], copy=False)
    assert_same(np.array(view), values)
    assert not view.flags.writeable


GOOD = proto(1, (2,), chunk(4, bytes(8)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08",
        b"\x08\x01",  # a scalar without a value
        proto(1, (2,)),
        GOOD[:-1],
        GOOD + b"\0",
        GOOD + encoded(19 << 3) + b"\1",  # no field of a TensorProto
        GOOD + encoded(1 << 3) + b"\1",  # a second dtype
        GOOD[2:] + GOOD[:2],
        proto(1, (3,), chunk(4, bytes(8))),
        proto(20, (), chunk(14, b"")),
        proto(99, (1,), chunk(4, bytes(4))),
        b"\x08\x01 this is some text that begins so",
    ],
)
def test_what_is_something_else(tmp_path, data):
    assert opened(tmp_path, data) is None


def test_files_of_other_formats_are_not_taken():
    others = [path for path in GOLDEN.rglob("*") if path.is_file() and path.suffix not in (".py", ".json")]
    assert len(others) > 20
    for path in others:
        assert tensor_proto(path, path.read_bytes()[:64]) is None, path


def test_what_tensorflow_writes(tf, tmp_path):
    for value in (tf.range(5), tf.constant([b"a", b""]), tf.constant(True), tf.zeros([0, 3]), tf.constant("x")):
        stored = opened(tmp_path, tf.io.serialize_tensor(value).numpy())
        wanted = np.asarray(value.numpy(), object if value.dtype == tf.string else None)
        assert_same(np.asarray(stored.arrays["data"].fetch(Request())), wanted)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_a_tensor_of_no_floats_is_no_saved_model(tmp_path, shape):
    (tmp_path / "x").write_bytes(proto(1, shape))
    with t2n.open(tmp_path / "x") as file:
        assert_same(file["data"][:], np.zeros(shape, np.float32))
