"""`out=` and `dtype=` of a tensor, and the handles that are none."""

import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import assert_same, fails, random_tensor


@pytest.fixture
def tensor(tf):
    return tf.constant([[1.5, 2.5, -3.5], [4.0, 5.0, 6.0]])


OUTS = {
    "C": lambda: np.zeros((2, 3), "f4"),
    "Fortran": lambda: np.zeros((2, 3), "f4", order="F"),
    "strided": lambda: np.zeros((4, 9), "f4")[::2, ::3],
    "reversed": lambda: np.zeros((2, 3), "f4")[::-1, ::-1],
    "unaligned": lambda: np.zeros(25, "u1")[1:].view("f4").reshape(2, 3),
}


@pytest.mark.parametrize("layout", OUTS)
@pytest.mark.parametrize("copy", [True, None])
def test_out_is_filled_and_returned(tensor, layout, copy):
    out = OUTS[layout]()
    assert t2n.to_numpy(tensor, out=out, copy=copy) is out
    assert out.tolist() == tensor.numpy().tolist()
    assert out.flags.writeable


def test_out_with_a_cast(tensor):
    out = np.zeros((2, 3), "f8")
    assert t2n.to_numpy(tensor, dtype="f8", out=out) is out
    assert out.tolist() == tensor.numpy().tolist()


def test_out_of_extended_dtypes_and_scalars(tf):
    for name in ("bfloat16", "float8_e5m2", "int4"):
        value, bits = random_tensor(tf, name, (3, 2))
        out = np.zeros((3, 2), getattr(ml_dtypes, name))
        assert t2n.to_numpy(value, out=out).tobytes() == bits
    out = np.zeros(())
    assert t2n.to_numpy(tf.constant(2.0, tf.float64), out=out) is out
    assert out == 2


def read_only():
    array = np.zeros((2, 3), "f4")
    array.flags.writeable = False
    return array


NEEDS = "the result needs shape (2, 3) and dtype float32"


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.zeros((3, 2), "f4"), f"out= has shape (3, 2) and dtype float32; {NEEDS}"),
        (np.zeros((1, 2, 3), "f4"), f"out= has shape (1, 2, 3) and dtype float32; {NEEDS}"),
        (np.zeros((2, 3), "f8"), f"out= has shape (2, 3) and dtype float64; {NEEDS}"),
        (np.zeros((2, 3), ml_dtypes.bfloat16), f"out= has shape (2, 3) and dtype bfloat16; {NEEDS}"),
        (np.zeros((2, 3), object), f"out= has shape (2, 3) and dtype object; {NEEDS}"),
        (read_only(), "out= is read-only; give a writable array"),
        ([[0.0] * 3] * 2, "out= must be a numpy.ndarray to fill, found list"),
        (memoryview(bytearray(24)), "out= must be a numpy.ndarray to fill, found memoryview"),
    ],
)
def test_out_that_does_not_fit(tensor, out, message):
    with fails(t2n.InvalidArgument, message):
        t2n.to_numpy(tensor, out=out)


def test_out_needs_a_copy_and_one_array(tf, tensor):
    with fails(t2n.InvalidArgument, "out= asks for a copy and copy=False forbids one; leave one of them out"):
        t2n.to_numpy(tensor, out=np.zeros((2, 3), "f4"), copy=False)
    with fails(
        t2n.InvalidArgument,
        "out= takes a value that becomes one array, and this ragged tensor becomes 2; convert its parts one by one",
    ):
        t2n.to_numpy(tf.ragged.constant([[1], [2, 3]]), out=np.zeros(3, "i4"))


@pytest.mark.parametrize("copy", [True, None])
def test_casts(tf, tensor, copy):
    bfloat16, float8 = np.dtype(ml_dtypes.bfloat16), np.dtype(ml_dtypes.float8_e4m3fn)
    wanted = {"f8": "f8", "bfloat16": bfloat16, "float8_e4m3fn": float8, "int32": "i4", ">f4": ">f4"}
    given = {**wanted, np.float16: "f2", np.dtype("u2"): "u2", float: "f8", ml_dtypes.bfloat16: bfloat16}
    given |= {tf.float16: "f2", tf.bfloat16: bfloat16, tf.int64: "i8", "complex64": "c8", "bool": "?"}
    positive = tf.abs(tensor)
    for asked, dtype in given.items():
        found = t2n.to_numpy(positive, dtype=asked, copy=copy)
        assert_same(found, positive.numpy().astype(dtype))
        assert found.flags.writeable
        assert not np.shares_memory(found, t2n.to_numpy(positive, copy=False))


def test_casts_from_extended_dtypes(tf):
    for name in ("bfloat16", "float8_e5m2", "int4", "qint8"):
        value, _ = random_tensor(tf, name, (3, 2))
        with np.errstate(invalid="ignore"):
            wanted = np.asarray(value.numpy()).view(t2n.to_numpy(value).dtype).astype("f4")
            assert_same(t2n.to_numpy(value, dtype="float32"), wanted)


def test_the_dtype_it_has_already_is_no_cast(tensor):
    assert not t2n.to_numpy(tensor, dtype="float32", copy=False).flags.writeable
    assert np.shares_memory(t2n.to_numpy(tensor, dtype="f4", copy=None), t2n.to_numpy(tensor, copy=False))
    assert t2n.to_numpy(tensor, dtype="f4").flags.writeable


def test_a_cast_is_no_view(tensor):
    with fails(
        t2n.CopyRequired,
        "copy=False allows only a view, and a cast from float32 to bfloat16 makes a new array; "
        "pass copy=None or copy=True",
    ):
        t2n.to_numpy(tensor, dtype="bfloat16", copy=False)


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        ("float33", "dtype='float33' is no dtype that NumPy or ml_dtypes knows: data type 'float33' not understood"),
        ("S3", "dtype='S3' is no dtype of numbers; give one, or str to decode strings"),
        (object, "dtype=<class 'object'> is no dtype of numbers; give one, or str to decode strings"),
        (7, "dtype=7 is no dtype that NumPy or ml_dtypes knows: Cannot interpret '7' as a data type"),
    ],
)
def test_names_of_no_dtype(tensor, dtype, message):
    with fails(t2n.InvalidArgument, message):
        t2n.to_numpy(tensor, dtype=dtype)


@pytest.mark.parametrize("copy", [1, 0, "yes", "never"])
def test_copy_is_one_of_three(tensor, copy):
    t2n.to_numpy(tensor)
    if copy in (0, 1):  # equal to True and False, as NumPy takes them
        assert t2n.to_numpy(tensor, copy=copy).flags.writeable == bool(copy)
        return
    with fails(t2n.InvalidArgument, f"copy={copy!r} is not True, False or None"):
        t2n.to_numpy(tensor, copy=copy)


VARIANT = (
    "holds a variant handle, an opaque value such as a dataset or a list, which has no NumPy form; "
    "convert the object it was taken from (the dataset, the RaggedTensor, the TensorArray)"
)


@pytest.mark.parametrize("verb", [t2n.to_numpy, t2n.iter_chunks, t2n.plan])
def test_handles_are_refused(tf, verb):
    variable = tf.Variable([[1.0, 2.0]])
    empty_list = tf.raw_ops.EmptyTensorList(element_shape=[2], max_num_elements=-1, element_dtype=tf.float32)
    ragged = tf.ragged.constant([[1], [2, 3]])._to_variant(batched_input=True)
    for handle, message in (
        (
            variable.handle,
            "this tensor of shape () holds a resource handle, the address of a variable or table (float32 of shape "
            "[1, 2]), which has no NumPy form; convert the variable itself, or read it first with "
            "tf.raw_ops.ReadVariableOp",
        ),
        (empty_list, f"this tensor of shape () {VARIANT}"),
        (ragged, f"this tensor of shape (2,) {VARIANT}"),
    ):
        for _ in range(2):
            with fails(t2n.UnsupportedKind, message):
                verb(handle)


PROGRAM = """
import tensorflow as tf
import tf2numpy as t2n

t2n.to_numpy(tf.constant(1.0))
for value in (
    tf.constant(["a", "b"]),
    tf.Variable(1.0).handle,
    tf.data.Dataset.range(3)._variant_tensor,
    tf.ragged.constant([[1], [2, 3]])._to_variant(),
):
    for verb in (
        lambda: t2n.to_numpy(value),
        lambda: t2n.to_numpy(value),
        lambda: t2n.to_numpy(value, copy=None),
        lambda: t2n.to_numpy(value, copy=False),
        lambda: list(t2n.iter_chunks(value)),
        lambda: str(t2n.plan(value)),
    ):
        try:
            verb()
        except t2n.Tf2NumpyError:
            pass
    print("survived", value.dtype.name)
"""


@pytest.mark.tf
def test_nothing_aborts_the_process():
    """NumPy's own ways in (np.from_dlpack) end the process with these; ours give an array or an exception."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert run.stdout.splitlines() == [f"survived {name}" for name in ("string", "resource", "variant", "variant")]
    assert run.returncode == 0, run.stderr[-2000:]
