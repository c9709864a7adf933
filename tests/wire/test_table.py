"""Tables give all their keys, in every block; damaged ones are refused, with the place."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables import MAGIC, block, on_disk, table, varint, with_index
from tf2numpy import ChecksumError, FormatError, MissingExtra, _registry
from tf2numpy.wire import crc32c
from tf2numpy.wire.table import Table, is_table

ROWS = st.dictionaries(st.binary(max_size=12), st.binary(max_size=40), max_size=60).map(
    lambda rows: sorted(rows.items())
)


def opened(data, *, check=True):
    return Table(lambda start, stop: data[start:stop], len(data), check=check)


def rows_of(data, **how):
    return [(key, bytes(value)) for key, value in opened(data, **how)]


@given(ROWS, st.integers(1, 9), st.booleans())
def test_all_keys_of_all_blocks(rows, per_block, snappy):
    data = table(rows, per_block=per_block, snappy=snappy)
    assert is_table(data[-48:])
    assert rows_of(data) == rows
    assert rows_of(data, check=False) == rows


@given(ROWS, st.integers(1, 9), st.binary(max_size=12))
def test_finding_one_key(rows, per_block, other):
    found = opened(table(rows, per_block=per_block))
    for key, value in rows:
        assert bytes(found.get(key)) == value
    assert found.get(other) == dict(rows).get(other)


def test_values_are_views_and_blocks_are_read_when_they_are_needed():
    data = table([(b"a", b"1" * 100), (b"b", b"2" * 100)], per_block=1)
    asked = []

    def read(start, stop):
        asked.append(start)
        return data[start:stop]

    found = Table(read, len(data))
    assert asked == [len(data) - 48, 247]
    assert bytes(found.get(b"b")) == b"2" * 100
    assert asked[2:] == [117]
    found.get(b"b")
    assert len(asked) == 3


def test_separators_are_no_keys():
    first, second = on_disk(block([(b"nap", b"1")])), on_disk(block([(b"nut", b"2")]))
    index = [(b"nb", varint(0) + varint(len(first) - 5)), (b"o", varint(len(first)) + varint(len(second) - 5))]
    found = opened(with_index(first + second, index))
    assert list(found) == [(b"nap", b"1"), (b"nut", b"2")]
    assert [found.get(key) for key in (b"nb", b"o", b"z", b"nut")] == [None, None, None, b"2"]


PLAIN = table([(b"a", b"1"), (b"b", b"2")])


def test_damage_is_noticed_unless_it_is_not_looked_for():
    damaged = bytearray(PLAIN)
    damaged[4] ^= 1
    with pytest.raises(ChecksumError) as caught:
        rows_of(damaged)
    stored = struct.unpack("<I", PLAIN[19:23])[0]
    assert str(caught.value) == (
        f"the block at offset 0, 18 bytes, has the checksum {crc32c.masked(bytes(damaged[:19])):08x}, and {stored:08x} "
        "is recorded: the file is damaged"
    )
    assert rows_of(damaged, check=False) == [(b"a", b"0"), (b"b", b"2")]


def index_to(offset, nbytes, blocks=b""):
    return with_index(blocks, [(b"z", varint(offset) + varint(nbytes))])


TWICE = on_disk(block([(b"a", b"1")]))
SHARED = on_disk(varint(1) + varint(1) + varint(0) + b"a" + struct.pack("<II", 0, 1))
HOSTILE = {
    "": "its last 48 bytes are no table's footer",
    "no magic": "its last 48 bytes are no table's footer",
    "index outside": "the block at offset 1000 has 4 bytes, and the file ends at 48",
    "index of no size": "the block at offset 0 has 0 bytes, too few for its 0 restart points",
    "block outside": "the block at offset 70 has 1000 bytes, and the file ends at 81",
    "blocks overlap": "the index at offset 31 has a block at 0, and the one before ends at 18",
    "keys descend": "the block at offset 0 has the key b'a' after b'b'; keys must ascend",
    "key repeats": "the block at offset 18 has the key b'a' after b'a'; keys must ascend",
    "method": "the block at offset 0 is compressed by method 7; 0 (not at all) and 1 (Snappy) are known",
    "restarts": "the block at offset 0 has 8 bytes, too few for its 9 restart points",
    "shared": "the block at offset 0 has an entry at 0 that takes 1 bytes of a key of 0, and 1 + 0 bytes of 1",
    "value": "the block at offset 0 has an entry at 0 that takes 0 bytes of a key of 0, and 1 + 99 bytes of 1",
    "snappy": "the block at offset 0 cannot be unpacked: the Snappy block claims 100000 bytes, and its 4 bytes cannot "
    "hold as many",
    "snappy bomb": "the block at offset 0 cannot be unpacked: it claims 1073741824 bytes, and 67109774 are allowed in "
    "a table of 91",
}


def hostile(name):
    first = on_disk(block([(b"a", b"1")]))
    if name == "":
        return b""
    if name == "no magic":
        return PLAIN[:-1]
    if name == "index outside":
        return (varint(0) + varint(0) + varint(1000) + varint(4)).ljust(40, b"\0") + MAGIC
    if name == "index of no size":
        return on_disk(b"") + (b"\0" * 4).ljust(40, b"\0") + MAGIC
    if name == "block outside":
        return index_to(70, 1000)
    if name == "blocks overlap":
        place = varint(0) + varint(len(first) - 5)
        return with_index(first, [(b"a", place), (b"b", place)])
    if name == "key repeats":
        places = [varint(at) + varint(len(TWICE) - 5) for at in (0, len(TWICE))]
        return with_index(TWICE * 2, [(b"a", places[0]), (b"b", places[1])])
    blocks = {
        "keys descend": on_disk(block([(b"b", b""), (b"a", b"")])),
        "method": on_disk(b"abcd", kind=7),
        "restarts": on_disk(struct.pack("<II", 0, 9)),
        "shared": SHARED,
        "value": on_disk(b"\0\1\x63a" + struct.pack("<II", 0, 1)),
        "snappy": on_disk(varint(100_000) + b"a", kind=1),
        "snappy bomb": on_disk(varint(1 << 30) + b"a", kind=1),
    }
    return index_to(0, len(blocks[name]) - 5, blocks[name])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tables(name):
    with pytest.raises(FormatError) as caught:
        rows_of(hostile(name))
    assert str(caught.value) == HOSTILE[name]


def test_keys_that_grow_out_of_all_proportion():
    long = b"k" * 60_000
    entries = varint(0) + varint(len(long)) + varint(0) + long
    entries += b"".join(varint(len(long)) + varint(2) + varint(0) + struct.pack(">H", n) for n in range(1500))
    data = on_disk(entries + struct.pack("<II", 0, 1))
    with pytest.raises(FormatError) as caught:
        rows_of(index_to(0, len(data) - 5, data))
    assert str(caught.value) == "the block at offset 0 has keys of more than 10 times the bytes of the whole table"


def test_compressed_tables_without_their_library(monkeypatch):
    def absent(name, *_):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    data = table([(b"a", b"1" * 100)], snappy=True)
    monkeypatch.setattr(_registry.importlib, "import_module", absent)
    with pytest.raises(MissingExtra) as caught:
        rows_of(data)
    assert str(caught.value) == (
        "reading what Snappy compressed needs cramjam, which is not installed; pip install 'tf2numpy[compression]'"
    )
