"""TFRecords that are damaged, or still being written: what is said, and what is read all the same."""

import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails
from tf2numpy.wire.crc32c import masked

from .example_files import COMPRESS, framed, plain, row, written

ROWS = [row(n=[number], s=[b"text"]) for number in range(5)]
EACH = len(framed(ROWS[0]))
NAMES = ["n", "s"]


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.fixture(params=sorted(COMPRESS))
def damaged(tmp_path, request):
    """A file whose third record has one bit that is another one, however the file is compressed."""
    path = tmp_path / "x.tfrecord"
    path.write_bytes(COMPRESS[request.param](flipped(framed(*ROWS), 2 * EACH + 20)))
    return path


def test_a_flipped_bit_is_told_with_its_place(damaged):
    message = (
        f"{str(damaged)!r} cannot be read: the record 2 at offset {2 * EACH} is damaged: its data and the checksum "
        "after them do not fit; check=False reads it all the same; on_corrupt='skip' gives the records that are whole"
    )
    with fails(t2n.ChecksumError, message):
        t2n.to_numpy(t2n.open(damaged))


def test_a_file_that_is_cut_short_is_told_with_its_place(tmp_path):
    (tmp_path / "x.tfrecord").write_bytes(framed(*ROWS)[: EACH + 20])
    message = (
        f"{str(tmp_path / 'x.tfrecord')!r} cannot be read: the record 1 at offset {EACH} is cut short: it takes {EACH} "
        "bytes at least, and 20 are left; partial=True gives the records that are whole"
    )
    with fails(t2n.FormatError, message):
        t2n.to_numpy(t2n.open(tmp_path / "x.tfrecord"))
    assert t2n.to_numpy(t2n.open(tmp_path / "x.tfrecord", partial=True))["n"].tolist() == [0]


@pytest.mark.parametrize("name", ["x.tfrecord", "x.tfrecord-00000-of-00001"])
def test_a_first_length_that_is_damaged(tmp_path, name):
    (tmp_path / name).write_bytes(flipped(framed(*ROWS), 3))
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(tmp_path / name)
    assert str(caught.value).startswith(
        f"{str(tmp_path / name)!r} is of no format that can be read; it is called as TFRecords are, and its first "
        "bytes begin no record, neither as they are nor unpacked: they are damaged, or it is something else; known "
        "are npy, "
    )


def test_a_flipped_bit_costs_its_record_alone(damaged):
    file = t2n.open(damaged, on_corrupt="skip")
    assert t2n.to_numpy(file)["n"].tolist() == [0, 1, 3, 4]
    reason = f"at offset {2 * EACH}: its data and the checksum after them do not fit"
    assert dict(file.left_out) == {f"{damaged}, record 2": reason}
    assert file["n"][1:3].tolist() == [1, 3]
    assert [chunk.value["n"].tolist() for chunk in t2n.iter_chunks(file)] == [[0, 1, 3, 4]]
    with pytest.warns(UserWarning, match="record 2"):
        t2n.convert(damaged, damaged.parent / "x.h5", on_corrupt="skip")


def test_what_fits_its_sum_and_is_no_example(tmp_path):
    path = written(tmp_path / "x", ROWS[0], b"\xff" * 9, ROWS[2])
    message = (
        f"{str(path)!r} cannot be read at offset {EACH}: the record 1 is no tf.train.Example: at its byte 0, the field "
    )
    with pytest.raises(t2n.FormatError) as caught:
        t2n.to_numpy(t2n.open(path))
    assert str(caught.value).startswith(message[:-11])
    file = t2n.open(path, on_corrupt="skip")
    assert t2n.to_numpy(file)["n"].tolist() == [0, 2]
    assert dict(file.left_out) == {f"{path}, record 1": f"at offset {EACH}: it is no tf.train.Example"}
    assert file["n"][1:].tolist() == [2]


@pytest.mark.parametrize("compression", sorted(COMPRESS))
def test_a_record_that_is_passed_over_is_so_for_every_array(tmp_path, compression):
    rows = [row(a=[number], b=[b"%d" % number]) for number in range(5)]
    rows[2] = rows[2].replace(b"\x0a\x01\x32", b"\x0a\x09\x32")  # the length of what b holds: a alone can be read
    path = written(tmp_path / "x", *rows, compression=compression)
    left_out = {f"{path}, record 2": f"at offset {2 * len(framed(rows[0]))}: it is no tf.train.Example"}
    for schema in (None, {"a": ((), "int64"), "b": t2n.Bytes()}, {"a": ((None,), "int64"), "b": t2n.Bytes()}):
        file = t2n.open(path, on_corrupt="skip", schema=schema)
        a = file["a/values" if schema and schema["a"][0] else "a"]
        assert a[1:].tolist() == [1, 3, 4]
        assert file["b"][:].tolist() == [b"0", b"1", b"3", b"4"]
        assert dict(file.left_out) == left_out


@pytest.mark.parametrize("select", ["a", "a*"])
def test_nothing_is_said_of_what_is_not_wanted(tmp_path, select):
    damaged = row(a=[1], b=[b"2"]).replace(b"\x0a\x01\x32", b"\x0a\x09\x32")
    path = written(tmp_path / "x", row(a=[0]), damaged)
    file = t2n.open(path, on_corrupt="skip", select=select)
    assert (file["a"][:].tolist(), dict(file.left_out)) == ([0, 1], {})


def test_values_of_another_kind_are_never_passed_over(tmp_path):
    path = written(tmp_path / "x", row(n=[1]), row(n=[2.0]))
    with fails(
        t2n.FormatError,
        f"{str(path)!r} cannot be read at offset {len(framed(row(n=[1])))}: the feature 'n' of the record 1 holds "
        "float values (at its byte 9), and its column holds int64 values",
    ):
        t2n.to_numpy(t2n.open(path, on_corrupt="skip"))


def test_a_damaged_length_ends_the_file(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(flipped(framed(*ROWS), 3 * EACH))
    with pytest.raises(t2n.ChecksumError, match=f"the length of a record at offset {3 * EACH} is damaged"):
        t2n.to_numpy(t2n.open(path))
    file = t2n.open(path, on_corrupt="skip")
    assert t2n.to_numpy(file)["n"].tolist() == [0, 1, 2]
    ((name, reason),) = file.left_out.items()
    assert name == str(path)
    assert reason.endswith("cannot be found; the records before it are given")
    with pytest.raises(t2n.ChecksumError):
        t2n.to_numpy(t2n.open(path, partial=True))


@pytest.mark.parametrize("left", [1, 11, 12, EACH - 1])
def test_a_file_that_is_still_being_written(tmp_path, left):
    path = tmp_path / "x"
    path.write_bytes(framed(*ROWS)[: 3 * EACH + left])
    with pytest.raises(t2n.FormatError, match=f"the record 3 at offset {3 * EACH} is cut short"):
        t2n.to_numpy(t2n.open(path))
    file = t2n.open(path, partial=True)
    assert t2n.to_numpy(file)["n"].tolist() == [0, 1, 2]
    assert list(file.left_out) == [str(path)]
    assert file["n"][2:].tolist() == [2]


def sound_records(data):
    """Count the records that fit their sums in what zlib gives of a file, fed byte by byte until it meets an error."""
    work, found = zlib.decompressobj(47), bytearray()
    with suppress(zlib.error):
        for byte in data:
            found += work.decompress(bytes([byte]))
    at = count = 0
    while at + 12 <= len(found) and masked(bytes(found[at : at + 8])) == int.from_bytes(
        found[at + 8 : at + 12], "little"
    ):
        end = at + 12 + int.from_bytes(found[at : at + 8], "little")
        if end + 4 > len(found):
            break
        count += masked(bytes(found[at + 12 : end])) == int.from_bytes(found[end : end + 4], "little")
        at = end + 4
    return count


@pytest.mark.parametrize("damage", ["cut short", "flipped"])
@pytest.mark.parametrize("compression", ["gzip", "zlib"])
def test_a_damaged_compressed_file_gives_all_that_can_be_unpacked(tmp_path, compression, damage):
    text = b"".join(b"%d," % number for number in range(0, 4000, 7))
    packed = COMPRESS[compression](framed(*(row(n=[number], s=[text[number:]]) for number in range(300))))
    path, fewer = tmp_path / "x", 0
    for at in range(200, len(packed) - 20, len(packed) // 37):
        data = packed[:at] if damage == "cut short" else packed[:at] + bytes([packed[at] ^ 0xFF]) + packed[at + 1 :]
        path.write_bytes(data)
        wanted = sound_records(data)
        if not wanted:
            continue  # nothing shows that it is a file of records
        fewer += wanted < 300
        for option in [{"on_corrupt": "skip"}] + [{"partial": True}] * (damage == "cut short"):
            found = t2n.to_numpy(t2n.open(path, **option))
            assert len(found["n"]) == wanted
    assert fewer > 20


def test_a_compressed_file_that_is_still_being_written(tmp_path):
    noise = np.random.default_rng(0).bytes(4000)
    data = COMPRESS["gzip"](framed(*(row(n=[number], s=[noise]) for number in range(9))))
    path = tmp_path / "x"
    path.write_bytes(data[:-40])
    file = t2n.open(path, partial=True)
    assert t2n.to_numpy(file)["n"].tolist() == list(range(sound_records(data[:-40])))
    with pytest.raises(t2n.FormatError, match=r"the gzip stream is cut short"):
        t2n.to_numpy(t2n.open(path))


def test_check_false_reads_what_was_damaged(tmp_path):
    path = tmp_path / "x"
    data = framed(*ROWS)
    path.write_bytes(flipped(data, data.index(b"text", 2 * EACH)))
    assert plain(t2n.to_numpy(t2n.open(path, check=False)))["s"][2] == b"uext"
    assert struct.unpack_from("<Q", data)[0] == EACH - 16
