"""Ten thousand conversions leave the memory of the process where it was; eight threads at once agree."""

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest

import tf2numpy as t2n
from conformance.kind import assert_equal

MIB = 1 << 20
KB = 100_000


def make(tf, kind):
    numbers = tf.random.uniform([KB // 4], seed=1)
    match kind:
        case "tensor":
            return numbers
        case "bfloat16":
            return tf.cast(tf.random.uniform([KB // 2], seed=1), tf.bfloat16)
        case "variable":
            return tf.Variable(numbers)
        case "ragged":
            return tf.RaggedTensor.from_uniform_row_length(numbers, 50)
        case "string":
            return tf.fill([10], tf.constant(b"x" * (KB // 10)))


KINDS = ["tensor", "bfloat16", "variable", "ragged", "string"]


@pytest.mark.parametrize("copy", [True, None])
@pytest.mark.parametrize("kind", KINDS)
def test_memory_stays_flat(tf, kind, copy):
    value, process = make(tf, kind), psutil.Process()
    for _ in range(1000):
        t2n.to_numpy(value, copy=copy)
    gc.collect()
    before = process.memory_info().rss
    for _ in range(10_000):
        t2n.to_numpy(value, copy=copy)
    gc.collect()
    assert process.memory_info().rss - before < 8 * MIB  # one leak in a hundred would be 10 MB


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_leave_nothing_either(tf, kind):
    value, process = make(tf, kind), psutil.Process()
    for _ in range(50):
        list(t2n.iter_chunks(value, max_bytes=KB))
    gc.collect()
    before = process.memory_info().rss
    for _ in range(500):
        list(t2n.iter_chunks(value, max_bytes=KB))
    gc.collect()
    assert process.memory_info().rss - before < 8 * MIB


def test_eight_threads_agree(tf):
    values = [make(tf, kind) for kind in KINDS] + [{"a": make(tf, "tensor"), "b": [make(tf, "ragged")]}]
    wanted = [t2n.to_numpy(value) for value in values]

    def convert(seed):
        for number in np.random.default_rng(seed).integers(0, len(values), 200):
            assert_equal(t2n.to_numpy(values[number], copy=[True, None][seed % 2]), wanted[number])
            t2n.plan(values[number])
        return True

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(convert, range(8))) == [True] * 8
