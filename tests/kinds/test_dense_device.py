"""Tensors in an accelerator's memory, pretended on the host: how often they cross, and what owns the result."""

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails, random_tensor
from tf2numpy.kinds import dense


class Transfers:
    """Stands for the way from the device to the host, and counts it."""

    def __init__(self, tf):
        self.tf, self.made, self.running = tf, [], False

    def __call__(self, x):
        self.running = True
        memory_of_its_own = np.array(x._numpy()).astype(x.dtype.as_numpy_dtype)
        self.running = False
        self.made.append(self.tf.constant(memory_of_its_own, x.dtype))
        return self.made[-1]


@pytest.fixture
def transfers(tf, monkeypatch):
    """Every tensor seems to be on an accelerator, and its own ways to the host end in an error."""
    transfers = Transfers(tf)
    monkeypatch.setattr(dense, "on_host", lambda x: False)
    monkeypatch.setattr(dense, "_own_cpus", set())
    monkeypatch.setattr(dense, "to_host", transfers)
    return transfers


@pytest.fixture
def guarded(tf, transfers, monkeypatch):
    """Give a function that makes a tensor whose memory may be asked of no one but `to_host`."""
    eager_class = type(tf.constant(0))
    ways = [name for name in ("_numpy", "numpy", "__array__", "__dlpack__") if hasattr(eager_class, name)]
    taken = {name: getattr(eager_class, name) for name in ways}
    originals = []

    def guard(name):
        def method(self, *arguments, **options):
            assert transfers.running or not any(self is x for x in originals), f"{name} was called on the original"
            return taken[name](self, *arguments, **options)

        return method

    def make(name, shape):
        tensor, bits = random_tensor(tf, name, shape)
        originals.append(tensor)
        return tensor, bits

    for name in taken:
        monkeypatch.setattr(eager_class, name, guard(name))
    return make


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float8_e5m2", "int4", "qint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0, 3), (50, 4)], ids=str)
@pytest.mark.parametrize("copy", [True, None])
def test_one_transfer_and_no_other_copy(transfers, guarded, name, shape, copy):
    tensor, bits = guarded(name, shape)
    for number in (1, 2):  # the second time may take the short way
        found = t2n.to_numpy(tensor, copy=copy)
        assert found.tobytes() == bits
        assert found.shape == shape
        assert type(found) is np.ndarray
        assert found.flags.writeable
        assert len(transfers.made) == number
        if found.size and found.ndim:
            assert np.shares_memory(found, np.asarray(transfers.made[-1]))


def test_the_result_keeps_its_buffer_alive_and_is_nobody_elses(transfers, guarded):
    tensor, bits = guarded("float32", (1000, 100))
    first, second = t2n.to_numpy(tensor), t2n.to_numpy(tensor)
    transfers.made.clear()
    first.fill(0)
    assert second.tobytes() == bits
    assert t2n.to_numpy(tensor).tobytes() == bits


def test_a_cast_and_out_take_one_transfer(transfers, guarded):
    tensor, bits = guarded("uint8", (50, 4))
    wanted = np.frombuffer(bits, "u1").reshape(50, 4)
    assert (t2n.to_numpy(tensor, dtype="f4") == wanted).all()
    out = np.zeros((50, 4), "u1")
    assert t2n.to_numpy(tensor, out=out) is out
    assert (out == wanted).all()
    assert len(transfers.made) == 2


@pytest.mark.parametrize("shape", [(), (50, 4), (2, 3, 40)], ids=str)
@pytest.mark.parametrize("dtype", [None, "f8"])
def test_a_buffer_is_filled_block_by_block(transfers, guarded, monkeypatch, shape, dtype):
    monkeypatch.setattr(dense, "_BLOCK_BYTES", 64)
    tensor, bits = guarded("int16", shape)
    out = np.zeros(shape, dtype or "i2")
    assert t2n.to_numpy(tensor, out=out, dtype=dtype) is out
    assert out.tolist() == np.frombuffer(bits, "i2").reshape(shape).tolist()
    assert max(np.asarray(made).nbytes for made in transfers.made) <= 64
    assert sum(np.asarray(made).nbytes for made in transfers.made) == len(bits)  # each byte crosses once


@pytest.mark.parametrize("dtype", [None, "f8"])
def test_no_view(transfers, guarded, dtype):
    tensor, _ = guarded("float32", (50, 4))
    with fails(
        t2n.CopyRequired,
        "copy=False allows only a view, and the value is on CPU:0, not in host memory; pass copy=None or copy=True",
    ):
        t2n.to_numpy(tensor, copy=False, dtype=dtype)
    assert transfers.made == []


def test_planning_transfers_nothing(transfers, guarded):
    tensor, _ = guarded("float32", (50, 4))
    plan = t2n.plan(tensor)
    assert (plan.strategy, plan.why) == ("copy", "it fits into the free host memory")
    assert transfers.made == []


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_pieces_are_cut_on_the_device(transfers, guarded, name):
    tensor, bits = guarded(name, (50, 4))
    chunks = list(t2n.iter_chunks(tensor, max_bytes=160))
    assert len(transfers.made) == len(chunks) > 1
    assert b"".join(c.value.tobytes() for c in chunks) == bits
    for chunk, made in zip(chunks, transfers.made, strict=True):
        assert np.shares_memory(chunk.value, np.asarray(made))
        assert chunk.value.flags.writeable


def test_pieces_are_cut_inside_a_tf_function_too(tf, transfers, guarded):
    tensor, bits = guarded("float32", (50, 4))
    seen = []

    @tf.function
    def function():
        seen.extend(chunk.value.tobytes() for chunk in t2n.iter_chunks(tensor, max_bytes=160))

    function()
    assert b"".join(seen) == bits


@pytest.mark.parametrize("name", ["float8_e5m2", "float8_e4m3fn", "int4", "uint4"])
def test_what_cannot_be_sliced_crosses_once_whole(transfers, guarded, name, monkeypatch):
    tensor, bits = guarded(name, (50, 4))

    def fail(*arguments):
        raise AssertionError("sliced by TensorFlow")

    monkeypatch.setattr(type(tensor), "__getitem__", fail)
    chunks = list(t2n.iter_chunks(tensor, max_bytes=40))
    assert b"".join(c.value.tobytes() for c in chunks) == bits
    assert all(c.value.flags.writeable for c in chunks)
    assert len(transfers.made) == 1


class Crowded:
    """A tensor on a device that has room to cut only so many elements out of it."""

    def __init__(self, tf, tensor, room):
        self._tf, self._tensor, self._room, self.cuts = tf, tensor, room, []

    def __getitem__(self, index):
        piece = self._tensor[index]
        self.cuts.append(tuple(piece.shape))
        if self._tf.size(piece) > self._room:
            raise self._tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return piece


@pytest.mark.parametrize("shape", [(40, 3), (2, 40, 3), (7, 11, 2)], ids=str)
@pytest.mark.parametrize("room", [22, 30, 60, 1000])
def test_a_cut_that_finds_no_room_is_halved(tf, transfers, shape, room):
    tensor, bits = random_tensor(tf, "float32", shape)
    source = dense.tensor(tensor, None)
    crowded = source._tensor = Crowded(tf, tensor, room)
    found = b"".join(source.read(index).tobytes() for index in source.regions(240))
    assert found == bits
    assert len(crowded.cuts) == len(transfers.made) + sum(np.prod(cut) > room for cut in crowded.cuts)


@pytest.mark.parametrize(
    ("shape", "index", "part"),
    [((40, 3), (slice(0, 8),), "one row (12 B)"), ((2, 9), (slice(1, 2), slice(3, 6)), "a part of one row (4 B)")],
)
def test_no_room_for_even_one_row(tf, transfers, shape, index, part):
    source = dense.tensor(tf.zeros(shape), None)
    crowded = source._tensor = Crowded(tf, tf.zeros(shape), 0)
    with fails(
        t2n.DeviceMemoryError,
        f"CPU:0 has no room to cut even {part} out of a tensor of shape {shape}; free memory there "
        "(delete tensors, use a smaller batch), or convert it whole with to_numpy",
    ):
        source.read(index)
    assert np.prod(crowded.cuts[-1]) == shape[1] ** (len(index) == 1)
