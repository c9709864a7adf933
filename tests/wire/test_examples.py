"""Columns of Examples: what they hold, how it is kept, and what is refused, in full words."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf2numpy import FormatError
from tf2numpy.wire._examples import fill_strings
from tf2numpy.wire.examples import Decoder, is_example, is_sequence_example

from .example_messages import entry, example, feature, floats, in_x, ints, sequence_example, strings
from .test_examples_reference import columns_of, joined, rows_of
from .test_protobuf import chunk

A_BIG_NAME = b"a" * 1000


def test_features_of_a_fixed_length():
    columns = columns_of(
        example({b"x": floats(1, 2), b"n": ints(-1), b"s": strings(b"a", b"\0")}),
        example({b"x": floats(3, 4.5), b"n": ints(2**63 - 1), b"s": strings(b"", b"bcd")}),
    )
    x, n, s = (columns.features[name] for name in (b"x", b"n", b"s"))
    assert (columns.rows, list(columns.features), columns.lists) == (2, [b"x", b"n", b"s"], {})
    assert (x.fixed, x.lengths, x.present, x.count) == (2, 2, None, 2)
    assert np.array_equal(x.values.reshape(2, 2), np.array([[1, 2], [3, 4.5]], np.float32))
    assert x.values.dtype == np.float32
    assert x.values.flags.writeable
    assert x.ends is None
    assert n.values.tolist() == [-1, 2**63 - 1]
    assert n.values.dtype == np.int64
    assert s.fixed == 2
    assert s.values.tobytes() == b"a\0bcd"
    assert s.ends.tolist() == [0, 1, 2, 2, 5]


def test_lengths_and_rows_are_kept_only_where_they_differ():
    decoder = Decoder()
    decoder.decode(*joined([example({b"x": ints(7)})] * 1000))
    before = decoder.nbytes
    decoder.decode(*joined([example({})] * 1000))
    assert decoder.nbytes == before
    x = decoder.take().features[b"x"]
    assert (x.fixed, x.lengths, x.count, x.present) == (None, 1, 1000, None)
    assert x.missing().tolist() == [False] * 1000 + [True] * 1000
    assert x.of_rows(x.lengths).tolist() == [1] * 1000 + [0] * 1000
    x = columns_of(example({}), example({b"x": ints(7)}), example({b"x": ints(7, 8)}), example({})).features[b"x"]
    assert x.present.tolist() == [1, 2]
    assert x.lengths.tolist() == [1, 2]
    assert x.of_rows(x.lengths).tolist() == [0, 1, 2, 0]


def test_names_that_differ_in_one_byte():
    for size in range(1, 26):
        others = [bytes(at) + b"\x80" + bytes(size - at - 1) for at in range(size)]
        # Each is looked for where the one before it was found.
        records = [example({name: ints(at)}) for at in range(size) for name in (bytes(size), others[at])]
        found = {name: column.values.tolist() for name, column in columns_of(*records).features.items()}
        assert found == {bytes(size): list(range(size)), **{name: [at] for at, name in enumerate(others)}}


def test_missing_is_not_empty():
    columns = columns_of(
        example({b"x": b"", b"y": b"", b"z": ints()}), example({b"x": ints(), b"y": b""}), example({b"x": ints(1)})
    )
    x, y, z = (columns.features[name] for name in (b"x", b"y", b"z"))
    assert (x.kind, x.missing().tolist(), x.of_rows(x.lengths).tolist()) == ("int64", [True, False, False], [0, 0, 1])
    assert (y.kind, y.missing().tolist(), y.count, y.values.size) == (None, [True] * 3, 0, 0)
    assert (z.kind, z.missing().tolist(), z.fixed) == ("int64", [False, True, True], None)


def test_feature_lists():
    columns = columns_of(
        sequence_example({b"n": ints(1)}, {b"x": [floats(1, 2), floats(3, 4)], b"s": [strings(b"ab")]}),
        sequence_example({b"n": ints(2)}, {b"x": [], b"s": [strings(b""), b"", strings(b"c", b"d")]}),
        sequence_example({}, {b"x": [floats(5, 6)]}),
        sequence=True,
    )
    x, s = columns.lists[b"x"], columns.lists[b"s"]
    assert columns.features[b"n"].values.tolist() == [1, 2]
    assert (x.fixed, x.steps.tolist(), x.unset.tolist(), x.missing().tolist()) == (2, [2, 0, 1], [], [False] * 3)
    assert np.array_equal(x.values.reshape(3, 2), np.array([[1, 2], [3, 4], [5, 6]]))
    assert (s.fixed, s.steps.tolist(), s.lengths.tolist(), s.unset.tolist()) == (None, [1, 3], [1, 1, 0, 2], [2])
    assert (s.values.tobytes(), s.ends.tolist()) == (b"abcd", [0, 2, 2, 3, 4])
    assert s.missing().tolist() == [False, False, True]


def test_the_last_entry_of_a_name_counts():
    first, last = entry(b"x", ints(1, 2)), entry(b"x", ints(3))
    assert rows_of(columns_of(chunk(1, first + last))) == [({b"x": [3]}, {})]
    assert rows_of(columns_of(chunk(1, first) + chunk(1, last))) == [({b"x": [3]}, {})]
    assert rows_of(columns_of(chunk(1, first + entry(b"x", b"")))) == [({}, {})]
    assert rows_of(columns_of(chunk(1, entry(b"x", floats(1)) + last), chunk(1, last))) == [({b"x": [3]}, {})] * 2
    x = columns_of(*[chunk(1, first + last)] * 3).features[b"x"]
    assert (x.fixed, x.lengths) == (1, 1)
    lists = columns_of(
        chunk(2, entry(b"x", chunk(1, ints(1, 2)) + chunk(1, ints(1))) + entry(b"x", chunk(1, ints(3)))), sequence=True
    )
    assert (lists.lists[b"x"].fixed, lists.lists[b"x"].steps, lists.lists[b"x"].values.tolist()) == (1, 1, [3])


def test_a_message_in_parts():
    in_parts = chunk(1, chunk(1, b"x") + chunk(2, ints(1)) + chunk(2, ints(2)))
    assert rows_of(columns_of(chunk(1, in_parts))) == [({b"x": [1, 2]}, {})]
    other_kind = chunk(1, chunk(1, b"x") + chunk(2, floats(1)) + chunk(2, ints(2)))
    assert rows_of(columns_of(chunk(1, other_kind))) == [({b"x": [2]}, {})]


def test_selected_features():
    content = example({b"a": ints(1), b"b": floats(2), b"c": strings(b"3")})
    columns = columns_of(content, content, select=[b"c", b"z"])
    assert list(columns.features) == [b"c", b"z"]
    assert columns.features[b"c"].values.tobytes() == b"33"
    assert (columns.features[b"z"].kind, columns.features[b"z"].count) == (None, 0)
    columns = columns_of(
        sequence_example({b"a": ints(1)}, {b"a": [ints(1)], b"b": [ints(2)]}), sequence=True, select=(), lists=[b"b"]
    )
    assert (columns.features, list(columns.lists)) == ({}, [b"b"])
    empty = columns_of(example({}), select={b"a": "bytes", b"b": "float", b"c": "int64", b"d": None}).features
    assert [column.kind for column in empty.values()] == ["bytes", "float", "int64", None]
    assert [column.values.dtype.name for column in empty.values()] == ["uint8", "float32", "int64", "uint8"]
    assert empty[b"a"].ends.tolist() == [0]


def test_what_is_not_selected_is_not_looked_into():
    damaged = example({b"a": b"\xff", b"b": ints(1)})
    assert columns_of(damaged, select=[b"b"]).features[b"b"].values.tolist() == [1]
    with pytest.raises(FormatError):
        columns_of(damaged)


def test_columns_go_on_after_a_take():
    decoder = Decoder()
    decoder.decode(*joined([example({b"x": ints(1, 2), b"y": ints(5)}), example({b"x": ints(3), b"y": ints(6)})]))
    first = decoder.take()
    assert (decoder.rows, first.rows) == (0, 2)
    decoder.decode(*joined([example({b"x": ints(4)})]))
    second = decoder.take()
    x, y = second.features[b"x"], second.features[b"y"]
    assert (x.fixed, x.values.tolist()) == (1, [4])
    assert (y.kind, y.count, y.lengths, y.values.tolist(), y.missing().tolist()) == ("int64", 0, 0, [], [True])
    assert first.features[b"x"].values.tolist() == [1, 2, 3]
    with pytest.raises(FormatError, match=r"its column holds int64 values$"):
        decoder.decode(*joined([example({b"y": floats(1)})]))


@pytest.mark.parametrize("packed", [True, False])
def test_numbers_of_every_width(packed):
    rng = np.random.default_rng(0)
    for run in (1, 3, 7, 8, 9, 40, 1000):
        values = rng.integers(-(2**63), 2**63, run) >> rng.integers(0, 64, run)
        small = rng.integers(0, 2 ** rng.integers(1, 16), run)
        for numbers in (values, small, rng.integers(0, 128, run), np.concatenate([small, values, small])):
            found = columns_of(example({b"x": feature("int64", numbers.tolist(), packed)})).features[b"x"]
            assert np.array_equal(found.values, numbers)
            assert found.fixed == len(numbers)


def test_a_decoder_for_each_thread():
    contents = [example({b"x": ints(*range(number % 50)), b"y": floats(number)}) for number in range(2000)]
    block = joined(contents)
    found = [None] * 4

    def run(at):
        decoder = Decoder()
        for _ in range(10):
            decoder.decode(*block)
        found[at] = decoder.take()

    threads = [threading.Thread(target=run, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for columns in found:
        assert np.array_equal(columns.features[b"x"].lengths, [number % 50 for number in range(2000)] * 10)
        assert np.array_equal(columns.features[b"y"].values, list(range(2000)) * 10)


def test_one_decoder_in_two_threads_is_refused():
    block = joined([in_x(ints(*range(100)))] * 20_000)
    decoder, refused, done = Decoder(), [], threading.Event()

    def disturb():
        while not done.is_set() and not refused:
            try:
                decoder.take()
            except RuntimeError as error:
                refused.append(str(error))

    thread = threading.Thread(target=disturb)
    thread.start()
    for _ in range(200):
        if refused:
            break
        decoder.decode(*block)
    done.set()
    thread.join()
    assert refused == ["this decoder is at work in another thread; each thread needs one of its own"]


def test_what_is_an_example():
    both = example({b"x": ints(1)})
    lists = sequence_example({}, {b"x": [ints(1)]})
    assert (is_example(both), is_sequence_example(both)) == (True, True)
    assert (is_example(lists), is_sequence_example(lists)) == (False, True)
    assert (is_example(b""), is_sequence_example(b"")) == (True, True)
    for other in (b"text", b"\x08\x01", chunk(1, b"abc"), chunk(1, chunk(1, b"a")), chunk(1, entry(b"x", b"\x08\x01"))):
        assert (is_example(other), is_sequence_example(other)) == (False, False)
    assert is_example(chunk(1, chunk(1, b"")))


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview, lambda data: np.frombuffer(data, np.uint8)])
@pytest.mark.parametrize("content", [b"", in_x(ints(1))])
def test_bytes_in_any_form(form, content):
    decoder = Decoder()
    decoder.decode(form(content), np.array([0]), np.array([len(content)]))
    assert decoder.take().rows == 1
    assert is_example(form(content))
    assert is_sequence_example(form(content))


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_strings_are_objects_of_their_own(wanted):
    ends = np.cumsum([0, *map(len, wanted)])
    found = np.empty(len(wanted), object)
    fill_strings(found, b"".join(wanted), ends)
    assert found.tolist() == wanted
