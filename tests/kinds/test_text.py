import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import KindSuite, fails

IS_NUMPY_2 = np.lib.NumpyVersion(np.__version__) >= "2.0.0"


class TestText(KindSuite):
    kind = "tensor"
    views = False

    def values(self, tf):
        return [
            tf.constant([b"a\x00", b""]),
            tf.constant(b"one\x00\xff"),
            tf.constant([[b"a", b"bc"], [b"", "naïve".encode()]]),
            tf.constant([[[b"x" * 90]]]),
        ]

    def large(self, tf):
        return tf.strings.as_string(tf.random.uniform([8000, 10], seed=1), precision=9)

    def expected(self, tf, value):
        whole = np.empty(value.shape, object)
        for index in np.ndindex(*value.shape):
            whole[index] = bytes(value[index].numpy())
        return whole


def text_array(nested):
    return np.array(nested, np.dtypes.StringDType()) if IS_NUMPY_2 else np.array(nested, object)


def test_nuls_and_empty_strings_stay(tf):
    found = t2n.to_numpy(tf.constant([b"a\x00", b""]))
    assert found.tolist() == [b"a\x00", b""]
    assert [type(element) for element in found] == [bytes, bytes]


def test_none_at_all(tf):
    for shape in ((0,), (3, 0), (0, 2, 2)):
        found = t2n.to_numpy(tf.zeros(shape, tf.string))
        assert (found.shape, found.dtype) == (shape, np.dtype(object))
        assert [c.value.shape for c in t2n.iter_chunks(tf.zeros(shape, tf.string))] == [shape]


@pytest.mark.parametrize("copy", [True, None])
def test_dtype_str_decodes(tf, copy):
    for nested in ("grüß", [], ["a\x00", "", "漢字"], [["a", "b"], ["c", "d"]]):
        found = t2n.to_numpy(tf.constant(nested, tf.string), dtype=str, copy=copy)
        wanted = text_array(nested)
        assert found.dtype == wanted.dtype
        assert found.shape == wanted.shape
        assert found.tolist() == wanted.tolist()
        assert isinstance(found, np.ndarray)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([b"ok", b"a\xff"], "element (1,) is not UTF-8 (invalid start byte at byte 1)"),
        ([[b"ok", b"ok"], [b"\xe6\xbc", b"\xff"]], "element (1, 0) is not UTF-8 (unexpected end of data at byte 0)"),
        (b"\xc0", "element () is not UTF-8 (invalid start byte at byte 0)"),
    ],
)
def test_invalid_utf8(tf, value, message):
    with fails(t2n.InvalidArgument, f"dtype=str decodes UTF-8, and {message}; leave dtype out to get its bytes"):
        t2n.to_numpy(tf.constant(value), dtype=str)


def test_numbers_and_strings_are_not_mixed_up(tf):
    with fails(t2n.InvalidArgument, "dtype=str decodes strings, and this tensor holds none; leave dtype out"):
        t2n.to_numpy(tf.constant([1, 2]), dtype=str)
    with fails(t2n.InvalidArgument, "dtype=float32 casts numbers, and this tensor holds strings; leave dtype out"):
        t2n.to_numpy(tf.constant(["1", "2"]), dtype="float32")


def test_no_view(tf):
    message = "copy=False allows only a view, and NumPy cannot view TensorFlow's strings; pass copy=None or copy=True"
    for dtype in (None, str):
        with fails(t2n.CopyRequired, message):
            t2n.to_numpy(tf.constant(["a"]), copy=False, dtype=dtype)


def test_out(tf):
    out = np.empty((2,), object)
    assert t2n.to_numpy(tf.constant(["a", "b"]), out=out) is out
    assert out.tolist() == [b"a", b"b"]
    with fails(
        t2n.InvalidArgument, "out= has shape (3,) and dtype object; the result needs shape (2,) and dtype object"
    ):
        t2n.to_numpy(tf.constant(["a", "b"]), out=np.empty(3, object))
    with fails(
        t2n.InvalidArgument, "out= has shape (2,) and dtype float32; the result needs shape (2,) and dtype object"
    ):
        t2n.to_numpy(tf.constant(["a", "b"]), out=np.empty(2, "f4"))


def test_chunks_count_each_elements_own_length(tf):
    lengths = [0, 100, 1000, 3, 3, 3, 900]
    value = tf.constant([b"x" * n for n in lengths])
    chunks = list(t2n.iter_chunks(value, max_bytes=2 * (1000 + 41)))
    assert [c.value.tolist() for c in chunks] == [
        [b"", b"x" * 100],
        [b"x" * 1000],
        [b"xxx", b"xxx", b"xxx"],
        [b"x" * 900],
    ]
    assert [c.index for c in chunks] == [(slice(0, 2),), (slice(2, 3),), (slice(3, 6),), (slice(6, 7),)]


def test_an_element_that_alone_is_too_large(tf):
    value = tf.constant([b"", b"x" * 1000])
    with fails(
        t2n.InvalidArgument,
        "row 1 alone needs 1.0 KiB and max_bytes leaves 500 B for a piece; give a larger max_bytes",
    ):
        list(t2n.iter_chunks(value, max_bytes=1000))


def test_an_eager_tensor_inside_a_tf_function(tf):
    value, seen = tf.constant([b"a", b"bc"]), []

    @tf.function
    def function():
        seen.append(t2n.to_numpy(value).tolist())
        seen.extend(chunk.value.tolist() for chunk in t2n.iter_chunks(value, max_bytes=100))

    function()
    assert seen == [[b"a", b"bc"], [b"a"], [b"bc"]]
