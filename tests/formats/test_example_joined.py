"""Columns of parts, joined: what one decoder makes of all records in one go."""

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tf2numpy.formats._example_joined import joined_columns
from tf2numpy.wire.examples import Decoder

from .example_files import row, sequence

KINDS = {"int64": st.integers(-5, 300), "float": st.floats(width=32, allow_nan=False), "bytes": st.binary(max_size=3)}


def values(kind):
    return st.lists(KINDS[kind], max_size=3).map(lambda some: (kind, some))


FEATURES = st.fixed_dictionaries(
    {},
    optional={
        "i": values("int64"),
        "f": values("float"),
        "b": values("bytes"),
        "one": st.just(("int64", [7])),
        "none": st.none(),
    },
)
STEPS = st.lists(st.one_of(st.none(), values("int64")), max_size=3)
SEQUENCES = st.tuples(
    FEATURES, st.fixed_dictionaries({}, optional={"steps": STEPS, "even": st.just([("float", [1.5])])})
)


def decoded(records, is_sequence):
    decoder = Decoder(sequence=is_sequence)
    ends = np.cumsum([0, *map(len, records)])
    decoder.decode(b"".join(records), ends[:-1], ends[1:])
    return decoder.take()


def spread(column):
    """Everything that a column says, in one form."""
    found = {field.name: getattr(column, field.name) for field in dataclasses.fields(column)}
    present = np.arange(column.count) if column.present is None else column.present
    found["present"] = present
    found["steps"] = None if column.steps is None else column.of_rows(column.steps)
    entries = column.count if column.steps is None else int(found["steps"].sum())
    found["lengths"] = np.broadcast_to(column.lengths, entries)
    return found


def check(parts, is_sequence):
    whole = decoded([record for part in parts for record in part], is_sequence)
    joined = joined_columns([decoded(part, is_sequence) for part in parts])
    assert joined.rows == whole.rows
    for found, wanted in ((joined.features, whole.features), (joined.lists, whole.lists)):
        assert list(found) == list(wanted)
        for name in wanted:
            assert found[name].fixed == wanted[name].fixed
            for what, value in spread(wanted[name]).items():
                np.testing.assert_array_equal(spread(found[name])[what], value, err_msg=f"{name}: {what}")


@given(st.lists(st.lists(FEATURES, max_size=4), min_size=1, max_size=4))
def test_examples(parts):
    check([[row(**features) for features in part] for part in parts], False)


@given(st.lists(st.lists(SEQUENCES, max_size=4), min_size=1, max_size=4))
def test_sequence_examples(parts):
    check([[sequence(context, **lists) for context, lists in part] for part in parts], True)


def test_kinds_that_differ():
    assert joined_columns([decoded([row(x=[1])], False), decoded([row(x=[1.0])], False)]) is None
