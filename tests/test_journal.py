"""Marks are made durable after what they tell of, and a torn line ends a journal."""

import errno
import os
import threading

import pytest

from tf2numpy._journal import Journal, read


def write(path, *entries):
    journal = Journal(path, list(entries[:1]))
    for entry in entries[1:]:
        journal.mark(entry, lambda: None)
    journal.wait()
    journal.close()


def test_entries_come_back_in_order(tmp_path):
    entries = [{"head": "é\n"}, {"n": 1, "state": None}, {"n": 2, "state": {"a": [1, 2]}}]
    write(tmp_path / "journal", *entries)
    assert read(tmp_path / "journal") == entries
    write(tmp_path / "journal", {"another": 1})
    assert read(tmp_path / "journal") == [{"another": 1}]


def test_there_is_none(tmp_path):
    assert read(tmp_path / "journal") == []


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_line_that_was_cut_short_does_not_count(tmp_path, cut):
    write(tmp_path / "journal", {"head": 1}, {"mark": "some words"})
    whole = (tmp_path / "journal").read_bytes()
    (tmp_path / "journal").write_bytes(whole[:-cut])
    assert read(tmp_path / "journal") == [{"head": 1}]


@pytest.mark.parametrize("damage", [b"\0\0\0\n", b"[1]\n", b"\xff\n", b"\n"])
def test_nothing_after_damage_counts(tmp_path, damage):
    write(tmp_path / "journal", {"head": 1})
    with open(tmp_path / "journal", "ab") as file:
        file.write(damage + b'{"mark":1}\n')
    assert read(tmp_path / "journal") == [{"head": 1}]


def test_a_mark_waits_for_its_data(tmp_path):
    journal, go = Journal(tmp_path / "journal", [{"head": 1}]), threading.Event()
    journal.mark({"mark": 1}, lambda: go.wait(10))
    assert journal.busy
    assert read(tmp_path / "journal") == [{"head": 1}]
    go.set()
    journal.wait()
    assert not journal.busy
    assert read(tmp_path / "journal") == [{"head": 1}, {"mark": 1}]
    journal.close()


def test_data_that_cannot_be_synced_is_not_marked(tmp_path):
    journal = Journal(tmp_path / "journal", [{"head": 1}])

    def fail():
        raise OSError("no room")

    journal.mark({"mark": 1}, fail)
    with pytest.raises(OSError, match="no room"):
        journal.wait()
    assert read(tmp_path / "journal") == [{"head": 1}]
    journal.mark({"mark": 2}, lambda: None)
    journal.wait()
    journal.close()
    assert read(tmp_path / "journal") == [{"head": 1}, {"mark": 2}]


def test_a_line_for_which_there_was_no_room_is_taken_back(tmp_path, monkeypatch):
    journal, write_some, room = Journal(tmp_path / "journal", [{"head": 1}]), os.write, [3, 2]

    def write_until_full(fd, data):
        if not room:
            raise OSError(errno.ENOSPC, "no space left")
        return write_some(fd, data[: room.pop()])

    monkeypatch.setattr(os, "write", write_until_full)
    told = []
    journal.mark({"mark": 1}, lambda: None, lambda: told.append(1))
    with pytest.raises(OSError, match="no space left"):
        journal.wait()
    monkeypatch.undo()
    journal.mark({"mark": 2}, lambda: None, lambda: told.append(2))
    journal.wait()
    journal.close()
    assert told == [2]
    assert read(tmp_path / "journal") == [{"head": 1}, {"mark": 2}]


def test_an_interruption_right_after_closing_does_not_close_a_stranger(tmp_path, monkeypatch):
    journal, close = Journal(tmp_path / "journal", [{"head": 1}]), os.close

    def close_and_be_interrupted(fd):
        close(fd)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "close", close_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt):
        journal.close()
    monkeypatch.undo()
    with open(tmp_path / "journal", "rb") as stranger:  # which gets the number that is free again
        journal.close()
        assert stranger.read()
