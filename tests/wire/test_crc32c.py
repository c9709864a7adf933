"""The sum of TensorFlow's files, against figures that others published and TensorFlow wrote."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf2numpy.wire import _framing, crc32c
from tf2numpy.wire.crc32c import extend, mask, masked, unmask


@pytest.mark.parametrize(
    ("data", "crc"),
    [  # RFC 3720, appendix B.4
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_published_sums(data, crc):
    assert extend(0, data) == crc
    assert extend(extend(0, data[:7]), np.frombuffer(data, np.uint8)[7:]) == crc


def test_masked_sums_that_tensorflow_wrote():
    assert masked(b"123456789") == 0xC78AB0E5
    assert masked(b"") == 0xA282EAD8
    assert masked((15).to_bytes(8, "little")) == int.from_bytes(bytes.fromhex("6d532b09"), "little")
    assert masked((14).to_bytes(8, "little")) == int.from_bytes(bytes.fromhex("c5e5693f"), "little")


@given(st.integers(0, 2**32 - 1))
def test_unmasking_undoes_masking(crc):
    assert unmask(mask(crc)) == crc
    assert 0 <= mask(crc) < 2**32


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_sums_of_neighbours(first, second):
    both = crc32c.combine(crc32c.extend(0, first), crc32c.extend(0, second), len(second))
    assert both == crc32c.extend(0, first + second)


def test_sums_of_distant_neighbours():
    zeros = bytes(1 << 20)
    whole = 0
    for _ in range(64):
        whole = crc32c.extend(whole, zeros)
    halves = [crc32c.extend(0, zeros)]
    for power in range(20, 26):
        halves.append(crc32c.combine(halves[-1], halves[-1], 1 << power))
    assert halves[-1] == whole


@given(
    st.binary(max_size=40) | st.integers(0, 60_000).map(np.random.default_rng(0).bytes),
    st.integers(0, 2**32 - 1),
)
def test_sums_without_the_processors_instruction(data, crc):
    bytewise = crc ^ 0xFFFFFFFF
    for byte in data[:100]:
        bytewise ^= byte
        for _ in range(8):
            bytewise = bytewise >> 1 ^ (0x82F63B78 if bytewise & 1 else 0)
    assert extend(crc, data[:100]) == bytewise ^ 0xFFFFFFFF
    assert extend(crc, data) == _framing.extend(crc, data, instruction=False)


def test_sums_are_of_bytes_alone():
    with pytest.raises(TypeError, match="bytes-like object is required"):
        extend(0, "text")
    with pytest.raises((ValueError, BufferError), match="contiguous"):
        extend(0, np.zeros((4, 4), np.uint8)[:, ::2])
