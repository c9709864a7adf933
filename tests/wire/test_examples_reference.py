"""Whatever a record holds and however it is written, the kernel, the plain decoder and protobuf find the same in it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostile.mutate import TIMES, mutations
from tf2numpy import FormatError
from tf2numpy.wire.examples import Decoder, is_example, is_sequence_example

from .example_messages import records
from .reference_examples import Reference, Refused, is_message, record

MORE = min(TIMES, 20)  # making such messages takes most of the time


def joined(contents):
    """The records as a block has them, with bytes between them that are none of theirs."""
    parts, starts, stops, at = [], [], [], 0
    for content in contents:
        parts += [b"\x0a\xff", content, b"\xff\x80"]
        starts.append(at + 2)
        stops.append(at + 2 + len(content))
        at += len(content) + 4
    return b"".join(parts), np.array(starts, np.int64), np.array(stops, np.int64)


def columns_of(*contents, **options):
    decoder = Decoder(**options)
    decoder.decode(*joined(contents))
    return decoder.take()


def decoded(decoder, contents):
    """Decode what can be decoded, and tell which records are refused."""
    data, starts, stops = joined(contents)
    done, refused = 0, []
    while done < len(contents):
        before = decoder.rows
        try:
            decoder.decode(data, starts[done:], stops[done:])
            break
        except FormatError:
            done += decoder.rows - before
            refused.append(done)
            done += 1
    return refused


def values_of(column, first, count):
    """Values as the plain decoder gives them."""
    if column.kind == "bytes":
        ends = column.ends[first : first + count + 1].tolist()
        return [column.values[start:stop].tobytes() for start, stop in pairwise(ends)]
    found = column.values[first : first + count]
    return [value.tobytes() for value in found] if column.kind == "float" else found.tolist()


def rows_of(columns):
    """The rows that the columns hold, as the plain decoder gives them."""
    rows = [({}, {}) for _ in range(columns.rows)]
    for level, found in enumerate((columns.features, columns.lists)):
        for name, column in found.items():
            at = step = 0
            numbers = np.flatnonzero(~column.missing())
            assert len(numbers) == column.count
            if level == 0:
                lengths = np.broadcast_to(column.lengths, column.count).tolist()
                for row, length in zip(numbers.tolist(), lengths, strict=True):
                    rows[row][0][name] = values_of(column, at, length)
                    at += length
            else:
                counts = np.broadcast_to(column.steps, column.count).tolist()
                lengths = np.broadcast_to(column.lengths, sum(counts)).tolist()
                unset = set(column.unset.tolist())
                for row, count in zip(numbers.tolist(), counts, strict=True):
                    steps = []
                    for _ in range(count):
                        found_here = values_of(column, at, lengths[step])
                        steps.append((None if step in unset else column.kind, found_here))
                        at += lengths[step]
                        step += 1
                    rows[row][1][name] = steps
                assert step == len(lengths)
            assert at == (len(column.ends) - 1 if column.kind == "bytes" else len(column.values))
    return rows


def assert_alike(contents, sequence, select=None, lists=None, pieces=1):
    decoder, plain = Decoder(sequence=sequence, select=select, lists=lists), Reference(sequence, select, lists)
    refused, expected = [], []
    step = -(-len(contents) // pieces) or 1
    for first in range(0, len(contents), step):
        refused += [first + at for at in decoded(decoder, contents[first : first + step])]
    for at, content in enumerate(contents):
        try:
            plain.add(content)
        except Refused:
            expected.append(at)
    assert refused == expected
    columns = decoder.take()
    assert rows_of(columns) == plain.rows
    kinds = {(0, name): column.kind for name, column in columns.features.items()}
    assert kinds | {(1, name): column.kind for name, column in columns.lists.items()} == plain.kinds
    return len(contents) - len(refused)


@pytest.mark.parametrize("sequence", [False, True])
@settings(max_examples=40 * MORE)
@given(data=st.data())
def test_any_messages(sequence, data):
    contents = data.draw(st.lists(records(sequence), max_size=6))
    select = data.draw(st.none() | st.sets(st.sampled_from([b"a", b"b", b"", b"z"])))
    lists = data.draw(st.none() | st.sets(st.sampled_from([b"a", b"c", b"z"])))
    assert_alike(contents, sequence, select, lists, pieces=data.draw(st.integers(1, 3)))


@pytest.mark.parametrize("sequence", [False, True])
@settings(max_examples=25 * MORE)
@given(data=st.data())
def test_any_messages_that_are_damaged(sequence, data):
    good = data.draw(st.lists(records(sequence), min_size=1, max_size=4))
    seed = data.draw(st.integers(0, 2**32))
    contents = [bad for content in good for bad in [content, *mutations(content, 6, seed)]]
    assert_alike(contents, sequence)
    for content in contents:
        assert is_example(content) == is_message(content, False)
        assert is_sequence_example(content) == is_message(content, True)


@pytest.mark.parametrize("sequence", [False, True])
@settings(max_examples=25 * MORE)
@given(data=st.data())
def test_what_protobuf_reads(tf, sequence, data):
    content = data.draw(records(sequence, in_parts=False))
    message = (tf.train.SequenceExample if sequence else tf.train.Example).FromString(content)
    context = message.context if sequence else message.features
    found = {name.encode(): of_protobuf(one) for name, one in context.feature.items()}
    lists = message.feature_lists.feature_list.items() if sequence else ()
    steps = {name.encode(): [of_protobuf(one) for one in several.feature] for name, several in lists}
    context, lists = record(content, sequence)
    assert {name: of_plain(one) for name, one in context.items()} == found
    assert {name: [of_plain(one) for one in several] for name, several in lists.items()} == steps


def of_protobuf(feature):
    kind = feature.WhichOneof("kind")
    if kind is None:
        return None, []
    found = list(getattr(feature, kind).value)
    kind = kind.removesuffix("_list")
    return kind, [of_float(value) for value in found] if kind == "float" else found


def of_plain(feature):
    kind, found = feature
    return kind, [of_float(np.frombuffer(value, "<f4")[0]) for value in found] if kind == "float" else found


def of_float(value):
    """Of a NaN that went through a Python float not every bit is kept."""
    return "nan" if np.isnan(value) else np.float32(value).tobytes()
