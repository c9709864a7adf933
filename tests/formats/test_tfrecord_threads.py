"""Several files on several threads: the same as on one, and damage in any of them ends all."""

import threading

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails
from tf2numpy.formats import _record_reading, _record_shards
from wire.test_records import framed

from .example_files import flat, plain, row, written


@pytest.fixture
def threads(monkeypatch):
    """As many processors as there would have to be, and files that are worth them."""
    for module in (_record_reading, _record_shards):
        monkeypatch.setattr(module, "cpus", lambda: 8)
        monkeypatch.setattr(module, "WORTH_A_THREAD_BYTES", 0)


def files(folder, compression="none", count=12):
    for number in range(count):
        rows = [
            row(n=[number], x=("float", [0.5] * (number % 3)), s=[b"%d" % i], **({"rare": [i]} if i % 2 else {}))
            for i in range(number % 5)
        ]
        written(folder / f"x-{number:02}.tfrecord", *rows, compression=compression)
    return folder / "x-*"


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_files_side_by_side_are_what_they_are_one_by_one(tmp_path, monkeypatch, threads, compression):
    pattern = files(tmp_path, compression)
    at_once, each = plain(t2n.to_numpy(t2n.open(pattern))), flat(t2n.open(pattern))
    chunks = [plain(chunk.value) for chunk in t2n.iter_chunks(t2n.open(pattern), max_bytes="24KiB")]
    saved = t2n.save(t2n.open(pattern), tmp_path / "y.h5")
    assert not [thread for thread in threading.enumerate() if thread.name == "tf2numpy records"]
    for module in (_record_reading, _record_shards):
        monkeypatch.setattr(module, "cpus", lambda: 1)
    alone = t2n.open(pattern)
    assert at_once == plain(t2n.to_numpy(alone))
    wanted = flat(alone)
    for found in (each, flat(t2n.open(saved))):
        assert found.keys() == wanted.keys()
        for name, array in wanted.items():
            np.testing.assert_array_equal(found[name], array)
    assert {name: [one for chunk in chunks for one in chunk[name]] for name in at_once} == at_once


def test_damage_in_a_later_file_is_told(tmp_path, threads):
    pattern = files(tmp_path)
    path = tmp_path / "x-09.tfrecord"
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    message = (
        f"{str(path)!r} cannot be read: the record 0 at offset 0 is damaged: its data and the checksum after them do "
        "not fit; check=False reads it all the same; on_corrupt='skip' gives the records that are whole"
    )
    for read in (t2n.to_numpy, flat, lambda file: t2n.save(file, tmp_path / "y.h5")):
        with fails(t2n.ChecksumError, message):
            read(t2n.open(pattern))
    file = t2n.open(pattern, on_corrupt="skip")
    assert len(t2n.to_numpy(file)["n"]) == sum(number % 5 for number in range(12)) - 1
    assert dict(file.left_out) == {f"{path}, record 0": "at offset 0: its data and the checksum after them do not fit"}


def test_damage_stops_the_other_files(tmp_path, monkeypatch, threads):
    one = row(n=[1])
    for number in range(4):
        (tmp_path / f"x-{number}.tfrecord").write_bytes(framed(*[one] * 100))
    bad = tmp_path / "x-3.tfrecord"
    data = bytearray(bad.read_bytes())
    data[20] ^= 1
    bad.write_bytes(data)
    read, whole, failed = [], _record_shards.Shard.blocks, threading.Event()

    def blocks(shard, *where):
        for block in whole(shard, *where):
            for at in range(len(block)):
                read.append(shard.name)
                yield block[at : at + 1]
                if at:
                    failed.wait(20)  # which the damaged one is by then

    checked = _record_shards.Shard._checked

    def check(shard, block):
        try:
            return checked(shard, block)
        except t2n.ChecksumError:
            failed.set()
            raise

    monkeypatch.setattr(_record_shards.Shard, "blocks", blocks)
    monkeypatch.setattr(_record_shards.Shard, "_checked", check)
    monkeypatch.setattr(_record_shards, "WORTH_A_THREAD_BYTES", 1 << 30)
    with pytest.raises(t2n.ChecksumError, match="x-3"):
        t2n.to_numpy(t2n.open(tmp_path / "x-*"))
    assert len(read) < 300


def test_values_of_another_kind_name_both_files(tmp_path, threads):
    first = written(tmp_path / "x-0.tfrecord", row(n=[1]))
    written(tmp_path / "x-1.tfrecord", row(m=[1]))
    last = written(tmp_path / "x-2.tfrecord", row(m=[1]), row(n=[2.0]))
    message = (
        f"{str(last)!r} cannot be read at offset {len(framed(row(m=[1])))}: the feature 'n' of the record 1 holds "
        f"float values (at its byte 9), and its column holds int64 values; {str(first)!r} has those"
    )
    for read in (t2n.to_numpy, flat):
        with fails(t2n.FormatError, message):
            read(t2n.open(tmp_path / "x-*"))


def test_files_that_do_not_fit_into_memory_twice_are_read_one_by_one(tmp_path, monkeypatch, threads):
    pattern = files(tmp_path)
    wanted = plain(t2n.to_numpy(t2n.open(pattern)))
    monkeypatch.setattr(_record_reading._memory, "free_bytes", lambda: 12_000)
    tried, whole = [], _record_reading.Reading._one_by_one
    monkeypatch.setattr(_record_reading.Reading, "_one_by_one", lambda *a: tried.append(1) or whole(*a))
    assert plain(t2n.to_numpy(t2n.open(pattern))) == wanted
    assert tried == [1]
