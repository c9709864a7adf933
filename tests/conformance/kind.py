"""What every live kind must do. A new kind subclasses `KindSuite` and says which values to try and what they are."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import pytest

import tf2numpy as t2n

from .arrays import assert_same

MIB = 1 << 20


@contextmanager
def fails(error: type[Exception], message: str) -> Iterator[None]:
    """Expect exactly this error, with exactly this message."""
    with pytest.raises(error) as caught:
        yield
    assert type(caught.value) is error
    assert str(caught.value) == message


def random_tensor(tf: Any, name: str, shape: tuple[int, ...], seed: int = 0) -> tuple[Any, bytes]:
    """Give a tensor of random bits and those bits: NaNs with payloads, infinities and subnormals among them.

    The bits come in through TensorFlow's own protobuf message, so no NumPy dtype is involved.
    """
    dtype = tf.as_dtype(name)
    bits = np.random.default_rng(seed).integers(0, 256, int(np.prod(shape)) * dtype.size, np.uint8)
    for end, mask in (("int2", 3), ("int4", 15), ("float4_e2m1fn", 15), ("bool", 1)):
        if name.endswith(end):
            bits &= mask
    message = tf.make_tensor_proto(0)
    message.Clear()
    message.dtype = dtype.as_datatype_enum
    for size in shape:
        message.tensor_shape.dim.add(size=size)
    message.tensor_content = bits.tobytes()
    return tf.io.parse_tensor(message.SerializeToString(), dtype), bits.tobytes()


def from_ragged(rt: Any) -> t2n.RaggedArray:
    """Put what TensorFlow's own `.numpy()` says of a RaggedTensor's parts together."""
    values = rt.flat_values.numpy()
    for splits in reversed(rt.nested_row_splits):
        values = t2n.RaggedArray(values, splits.numpy())
    return values


def assert_equal(found: Any, wanted: Any) -> None:
    """Compare two results: types, structure, dtypes, shapes and every bit."""
    assert type(found) is type(wanted)
    if isinstance(wanted, np.ndarray):
        assert_same(found, wanted)
    elif isinstance(wanted, t2n.RaggedArray | t2n.SparseArray):
        assert found.shape == wanted.shape
        for (_, ours), (_, theirs) in zip(arrays(found), arrays(wanted), strict=True):
            assert_same(ours, theirs)
    elif isinstance(wanted, dict):
        assert list(found) == list(wanted)
        for key in wanted:
            assert_equal(found[key], wanted[key])
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted)
        for ours, theirs in zip(found, wanted, strict=True):
            assert_equal(ours, theirs)
    else:
        assert found == wanted


def parts(result: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give the arrays and RaggedArrays in a result under the names that `iter_chunks` gives them."""
    if isinstance(result, t2n.SparseArray):
        named: Any = {"indices": result.indices, "values": result.values}
        if result.shape is not None:
            named["shape"] = np.array(result.shape, np.int64)
    elif isinstance(result, Mapping):
        named = {key: result[key] for key in result}
    elif isinstance(result, list | tuple):
        named = dict(enumerate(result))
    else:
        if isinstance(result, np.ndarray | t2n.RaggedArray):
            yield prefix, result
        return
    for name, part in named.items():
        yield from parts(part, f"{prefix}/{name}" if prefix else str(name))


def arrays(result: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Give the flat arrays in a result under the names that `plan` gives them."""
    for name, part in parts(result):
        while isinstance(part, t2n.RaggedArray):
            yield f"{name}/row_splits".lstrip("/"), part.row_splits
            name, part = f"{name}/values".lstrip("/"), part.values
        yield name, part


def nbytes(piece: Any) -> int:
    """Count what a piece takes on the host: for strings, a pointer, the header of `bytes`, and the bytes."""
    if isinstance(piece, t2n.RaggedArray):
        return nbytes(piece.flat_values) + sum(splits.nbytes for splits in piece.nested_row_splits)
    return sum(len(e) + 41 for e in piece.flat) if piece.dtype.hasobject else piece.nbytes


def overwrite(array: np.ndarray) -> None:
    """Change every bit of a numeric array, every element of one of strings."""
    if array.dtype.hasobject:
        array[...] = b"changed"
    else:
        flipped = ~np.frombuffer(array.tobytes(), np.uint8)
        array[...] = np.frombuffer(flipped.tobytes(), array.dtype).reshape(array.shape)


def assert_reassembles(chunks: list[t2n.Chunk], wanted: Any) -> None:
    """Check that the pieces are the whole, each cell exactly once and in its place."""
    by_name = {name: [c for c in chunks if c.name == name] for name, _ in parts(wanted)}
    assert {c.name for c in chunks} == set(by_name)
    for name, whole in parts(wanted):
        if isinstance(whole, t2n.RaggedArray):
            bounds = [(c.index[0].start, c.index[0].stop) for c in by_name[name]]
            assert [b for b, _ in bounds] == [0, *[e for _, e in bounds[:-1]]]
            assert bounds[-1][1] == len(whole)
            for chunk in by_name[name]:
                assert_equal(chunk.value, whole[chunk.index[0]])
            continue
        seen = np.zeros(whole.shape, np.int64)
        for chunk in by_name[name]:
            assert_same(chunk.value, whole[chunk.index] if chunk.index else whole)
            seen[chunk.index] += 1
        assert (seen == 1).all()


class KindSuite:
    """Subclass it, and set the hooks and the flags."""

    kind: ClassVar[str]
    device: ClassVar[str] = "CPU:0"
    views: ClassVar[bool] = True  # copy=False gives a view of this kind
    chunk_sizes: ClassVar[tuple[int | str, ...]] = (512, 4096, "1MiB")

    def values(self, tf: Any) -> list[Any]:
        """Give live values of this kind, each of at least one element."""
        raise NotImplementedError

    def large(self, tf: Any) -> Any:
        """Give a value of some 4 MiB, to be cut."""
        raise NotImplementedError

    def expected(self, tf: Any, value: Any) -> Any:
        """Say what a value becomes, by TensorFlow's own means."""
        raise NotImplementedError

    @pytest.fixture
    def cases(self, tf: Any) -> list[tuple[Any, Any]]:
        return [(value, self.expected(tf, value)) for value in self.values(tf)]

    @pytest.mark.parametrize("copy", [True, None])
    def test_equals(self, cases, copy):
        for value, wanted in cases:
            assert_equal(t2n.to_numpy(value, copy=copy), wanted)
            assert_equal(t2n.to_numpy(value, copy=copy), wanted)  # the short way, where the first call took the long

    def test_a_copy_is_independent_and_writable(self, cases):
        for value, wanted in cases:
            first, second = t2n.to_numpy(value), t2n.to_numpy(value)
            for _, array in arrays(first):
                assert array.flags.writeable
                overwrite(array)
            assert_equal(second, wanted)
            assert_equal(t2n.to_numpy(value), wanted)

    def test_none_never_gives_a_writable_alias(self, cases):
        for value, wanted in cases:
            for _, array in arrays(t2n.to_numpy(value, copy=None)):
                if array.flags.writeable:
                    overwrite(array)
            assert_equal(t2n.to_numpy(value, copy=None), wanted)

    def test_false_gives_a_read_only_view_or_says_why_not(self, cases):
        for value, wanted in cases:
            if not self.views:
                with pytest.raises(t2n.CopyRequired, match=r"copy=False allows only a view, and .*; pass copy=None or"):
                    t2n.to_numpy(value, copy=False)
                continue
            first, second = t2n.to_numpy(value, copy=False), t2n.to_numpy(value, copy=False)
            assert_equal(first, wanted)
            for (name, ours), (_, again) in zip(arrays(first), arrays(second), strict=True):
                if name.endswith(("indices", "shape")):  # a SparseArray's own: int64, and a tuple
                    continue
                assert not ours.flags.writeable
                if ours.size > 1:
                    assert np.shares_memory(ours, again)

    def test_chunks_reassemble(self, cases):
        for (value, wanted), size in itertools.product(cases, self.chunk_sizes):
            chunks = list(t2n.iter_chunks(value, max_bytes=size))
            assert_reassembles(chunks, wanted)
            for _, array in itertools.chain.from_iterable(arrays(c.value) for c in chunks):
                assert array.flags.writeable
                overwrite(array)
            assert_equal(t2n.to_numpy(value), wanted)

    @pytest.mark.parametrize("max_bytes", [MIB // 4, MIB])
    def test_chunks_stay_within_max_bytes(self, tf, max_bytes):
        value = self.large(tf)
        next(t2n.iter_chunks(value, max_bytes=max_bytes))  # TensorFlow's first call makes caches that stay
        chunks = t2n.iter_chunks(value, max_bytes=max_bytes)
        gc.collect()
        tracemalloc.start()
        try:
            total = 0
            for chunk in chunks:
                size = nbytes(chunk.value)
                assert size <= max_bytes // 2
                total += size
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert total >= 3 * MIB
        assert peak <= max_bytes + 64 * 1024  # the interpreter's own small objects

    def test_plan(self, cases):
        for value, wanted in cases:
            plan = t2n.plan(value)
            assert plan.kind == self.kind
            assert plan.device == self.device
            found = {name: (spec.shape, spec.dtype) for name, spec in plan.arrays.items()}
            assert found == {name: (array.shape, array.dtype) for name, array in arrays(wanted)}
            assert plan.strategy == "copy"
            if not any(array.dtype.hasobject for _, array in arrays(wanted)):
                assert plan.nbytes == sum(array.nbytes for _, array in arrays(wanted))
            for text in (str(plan), plan._repr_html_()):
                assert self.kind in text
                assert self.device in text
                assert all(str(array.shape) in text for _, array in arrays(wanted))
