"""Strings and variants of bundles: lengths, checksums, and what does not fit."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables import payload, strings, varint
from tf2numpy import ChecksumError, FormatError
from tf2numpy.wire import bundle_strings, crc32c
from tf2numpy.wire.bundle_strings import StringTable, variants


def table_of(raw, count, *, check=True):
    return StringTable(lambda start, stop: raw[start:stop], len(raw), count, check=check)


@given(st.lists(st.binary(max_size=300), max_size=40), st.integers(1, 7))
def test_lengths_and_places(texts, marked_every):
    raw, crc = payload(strings(*texts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle_strings, "MARKED_EVERY", marked_every)
        patch.setattr(bundle_strings, "_BLOCK_BYTES", 5)
        found = table_of(raw, len(texts))
        assert found.lengths(0, len(texts)).tolist() == [len(text) for text in texts]
        for first in range(len(texts) + 1):
            assert found.begin(first) == sum(map(len, texts[:first]))
            assert found.lengths(first, min(first + 3, len(texts))).tolist() == [
                len(text) for text in texts[first : first + 3]
            ]
    assert crc32c.mask(crc32c.extend(found.crc, raw[found.start :])) == crc


def test_no_strings():
    raw, crc = payload(strings())
    assert (len(raw), crc) == (4, 0x640CC1F6)
    assert table_of(raw, 0).lengths(0, 0).size == 0
    assert table_of(b"", 0).start == 0


def test_lengths_over_4_gib_count_as_8_bytes():
    lengths = [5, 1 << 32, 0xFFFFFFFF]
    assert bundle_strings._fixed_width(np.array(lengths, np.uint64)) == struct.pack("<IQI", *lengths)


@pytest.mark.parametrize(
    ("raw", "count", "message"),
    [
        (b"\1\1", 3, "it has 2 bytes, which cannot be 3 strings"),
        (b"\1abcd", 2, "it has 5 bytes, which cannot be 2 strings"),
        (b"\x81" * 9, 1, "the lengths of its strings are cut short at 9"),
        (varint(1 << 62) + b"abcd", 1, "the string 0 is longer than its 13 bytes"),
        (b"\4\5" + b"\0" * 5, 2, "the string 1 is longer than its 7 bytes"),
        (b"\1\1" + b"\0" * 7, 2, "its 2 strings have 2 bytes, and 3 follow their lengths"),
    ],
)
def test_lengths_that_do_not_fit(raw, count, message):
    with pytest.raises(FormatError) as caught:
        table_of(raw, count, check=False)
    assert str(caught.value) == message


def test_damaged_lengths():
    raw = bytearray(payload(strings(b"ab", b"c"))[0])
    raw[2] ^= 1
    recorded = int.from_bytes(raw[2:6], "little")
    with pytest.raises(ChecksumError) as caught:
        table_of(raw, 2)
    assert str(caught.value) == (
        f"the lengths of its strings have the checksum {recorded ^ 1:08x}, and {recorded:08x} is recorded"
    )
    assert table_of(raw, 2, check=False).lengths(0, 2).tolist() == [2, 1]


def variants_payload(*messages):
    raw, crc = b"", 0
    for message in messages:
        crc = crc32c.extend(crc32c.extend(crc, struct.pack("<Q", len(message))), message)
        stored = struct.pack("<I", crc32c.mask(crc))
        crc = crc32c.extend(crc, stored)
        raw += varint(len(message)) + message + stored
    return raw, crc32c.mask(crc)


def variants_of(raw, count, crc):
    return [bytes(one) for one in variants(lambda start, stop: raw[start:stop], len(raw), count, crc)]


def test_variants():
    raw, crc = variants_payload(b"one", b"", b"x" * 200)
    assert variants_of(raw, 3, crc) == [b"one", b"", b"x" * 200]
    assert variants_of(raw, 3, None) == [b"one", b"", b"x" * 200]


@pytest.mark.parametrize(
    ("change", "count", "message"),
    [
        (lambda raw: raw[:3] + b"X" + raw[4:], 2, "the variant 0 has not the checksum that is recorded"),
        (lambda raw: raw[:-1], 2, "the variant 1 has 3 bytes, and 6 follow"),
        (lambda raw: raw, 1, "its 1 variants end after 8 bytes of 16, or their checksum is another"),
        (lambda raw: raw, 3, "the varint at offset 0 is cut short at 0"),
    ],
)
def test_damaged_variants(change, count, message):
    raw, crc = variants_payload(b"one", b"two")
    with pytest.raises(FormatError) as caught:
        variants_of(change(raw), count, crc)
    assert str(caught.value) == message
