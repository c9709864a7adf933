"""Event logs that are cut, damaged, or say what cannot be."""

import pytest

import tf2numpy as t2n
from conformance.kind import fails

from .event_logs import FIRST, event, field, record, scalar, tensor


def test_a_file_that_ends_within_an_event(log):
    events = [event(step, scalar(b"x", step)) for step in range(3)]
    whole = record(event(3, scalar(b"x", 3)))
    offset = len(FIRST) + sum(len(record(one)) for one in events)
    for size in range(1, len(whole)):
        file = log(*events, tail=whole[:size])
        assert file["x/value"][:].tolist() == [0, 1, 2]
        (reason,) = file.left_out.values()
        needed = 16 if size < 12 else len(whole)
        assert list(file.left_out) == ["events.out.tfevents.1.host"]
        assert reason == (
            f"{str(file.path)!r} cannot be read: the record 4 at offset {offset} is cut short: it takes {needed} bytes "
            f"at least, and {size} are left; the events before it are complete"
        )
    assert log(*events, tail=whole).left_out == {}


def test_what_the_command_line_says_of_it(log, capsys, tmp_path):
    from tf2numpy import cli

    path = log(event(1, scalar(b"x", 1)), tail=b"abc").path
    assert cli.main(["convert", str(path), str(tmp_path / "y.npz")]) == 0
    assert "'events.out.tfevents.1.host' (" in capsys.readouterr().err


def test_damaged_events(log, tmp_path):
    log(*(event(step, scalar(b"x", step)) for step in range(3)))
    path = tmp_path / "events.out.tfevents.1.host"
    good = path.read_bytes()
    at = len(FIRST)
    path.write_bytes(good[: at + 14] + b"\xff" + good[at + 15 :])
    with fails(
        t2n.ChecksumError,
        f"{str(path)!r} cannot be read: the record 1 at offset {at} is damaged: its data and the checksum after them "
        "do not fit; check=False reads it all the same",
    ):
        t2n.open(path)
    assert t2n.open(path, check=False)["x/value"][:].tolist() == [0, 1, 2]
    path.write_bytes(good[: at + 1] + b"\xff" + good[at + 2 :])
    with pytest.raises(t2n.ChecksumError, match=f"the length of a record at offset {at} is damaged"):
        t2n.open(path)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x08\x01", "the field 1 of an event has the wire type 0, which it never has"),
        (field(5, b"\x08\x01"), "the value of a summary has the wire type 0, which it never has"),
        (field(5, field(1, b"\x08\x01")), "the field 1 of a value has the wire type 0, which it never has"),
        (b"\x2a\x05", "the field 5 at offset 0 has 5 bytes, and 0 follow"),
        (event(1, tensor(b"x", 99, [1], b"")), "its dtype has the number 99, which is not known"),
    ],
)
def test_events_that_are_none(log, data, why, tmp_path):
    path = str(tmp_path / "events.out.tfevents.1.host")
    with fails(t2n.FormatError, f"the event at offset {len(FIRST)} of {path!r} cannot be read: {why}"):
        log(data)


def test_a_value_that_is_damaged_is_told_when_it_is_read(log):
    file = log(event(1, tensor(b"x", 9, [2], bytes(15))))
    start = len(FIRST) + 12 + 9 + 2 + 2 + 2 + 3 + 2
    assert file["x/value"].shape == (1, 2)
    with fails(
        t2n.FormatError,
        f"the value at offset {start} of {str(file.path)!r} cannot be read: its tensor_content has 15 bytes, and the "
        "shape (2,) of int64 takes 16",
    ):
        file["x/value"][:]


def test_more_tags_than_a_file_can_mean(log, monkeypatch):
    from tf2numpy.formats import _event_log

    monkeypatch.setattr(_event_log, "_LEAST_TAGS", 3)
    log(*(event(1, scalar(b"%d" % n, n)) for n in range(3)))
    with pytest.raises(
        t2n.FormatError, match=r"cannot be read: it has a new tag, and there are 7; a file of this size"
    ):
        log(*(event(1, scalar(b"%d" % n, n)) for n in range(20)))


def test_shapes_too_large_together(log):
    huge = tensor(b"x", 4, [2**61], b"")
    file = log(event(1, huge), event(2, huge), event(3, huge))
    assert file["x/value"].shape == (2, 2**61)
    assert file.left_out == {"x": "1 value: an array with them all would be larger than any can be"}
    with pytest.raises(t2n.HostMemoryError):
        t2n.to_numpy(file["x/value"])


def test_what_is_no_log(tmp_path):
    """Records of anything else are records of bytes, and damaged as such."""
    damaged = FIRST[:12] + b"\x00" * (len(FIRST) - 12)
    others = [record(b""), record(event(1, scalar(b"x", 1)))]
    contents = {
        b"": "is of no format that can be read",
        FIRST[:11]: "is of no format that can be read",
        FIRST[:30]: "the record 0 at offset 0 is cut short: it takes 40 bytes at least, and 30 are left",
        damaged: "the record 0 at offset 0 is damaged",
    }
    for number, (data, why) in enumerate(contents.items()):
        path = tmp_path / f"{number}.tfevents.0"
        path.write_bytes(data)
        with pytest.raises(t2n.FormatError, match=why):
            t2n.to_numpy(t2n.open(path))
    for data in others:
        path.write_bytes(data)
        with t2n.open(path) as file:
            assert {name: file[name][...].tolist() for name in file} == {"record": [data[12:-4]]}
    with pytest.raises(t2n.FormatError, match="is of no format that can be read"):
        t2n.open(tmp_path)


def test_a_log_without_values(log):
    file = log()
    assert (list(file), file.left_out) == ([], {})


def test_options(log):
    with pytest.raises(t2n.InvalidArgument, match=r"slots=True means nothing to the event log .*: it takes check"):
        log(slots=True)
