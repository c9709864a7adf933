"""Which arrays are one column, by their names, dtypes and axes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf2numpy._tables import TableColumn, columns_of, sparse_in
from tf2numpy._types import ArraySpec


def specs(**shapes):
    """Describe arrays: a shape, or a shape and a dtype."""
    kinds = {"row_splits": "i8", "missing": "?", "indices": "i8", "shape": "i8"}
    return {
        name: ArraySpec(shape, np.dtype(kinds.get(name.rpartition("/")[2], "f4"))) for name, shape in shapes.items()
    }


def test_each_array_is_a_column():
    assert columns_of(specs(a=(3,), b=(3, 4))) == [TableColumn("a", (), "a", ("",)), TableColumn("b", (), "b", ("",))]


def test_ragged_values_are_one_column():
    assert columns_of(specs(**{"t/values": (7,), "x": (3,), "t/row_splits": (4,)})) == [
        TableColumn("t", ("t/row_splits",), "t/values", ("", "")),
        TableColumn("x", (), "x", ("",)),
    ]


def test_doubly_ragged_values_are_one_column():
    names = ("row_splits", "values/row_splits", "values/values")
    found = columns_of(specs(**{f"a/t/{name}": (5,) for name in names}))
    assert found == [TableColumn("a/t", ("a/t/row_splits", "a/t/values/row_splits"), "a/t/values/values", ("", "", ""))]


def test_a_ragged_value_given_alone_has_no_name():
    (found,) = columns_of(specs(values=(7,), row_splits=(4,)))
    assert found == TableColumn("", ("row_splits",), "values", ("", ""))
    assert found.shown == "'values'"
    assert found.rows(specs(values=(7,), row_splits=(4,))) == 3


def test_what_is_missing_belongs_to_its_column_at_any_level():
    shapes = {"x/missing": (3,), "x": (3, 2), "t/row_splits": (4,), "t/values": (7,), "t/missing": (3,)}
    assert columns_of(specs(**shapes, **{"t/values/missing": (7,)})) == [
        TableColumn("x", (), "x", ("x/missing",)),
        TableColumn("t", ("t/row_splits",), "t/values", ("t/missing", "t/values/missing")),
    ]


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("x/missing", ArraySpec((3,), np.dtype("u1"))),
        ("x/missing", ArraySpec((3, 1), np.dtype("?"))),
        ("y/missing", ArraySpec((3,), np.dtype("?"))),
        ("x/row_splits", ArraySpec((3,), np.dtype("i8"))),
        ("x/values", ArraySpec((3,), np.dtype("i8"))),
    ],
)
def test_what_only_looks_like_a_part_is_a_column(name, spec):
    names = [column.name for column in columns_of({"x": ArraySpec((3,), np.dtype("f4")), name: spec})]
    assert names == ["x", name]


@pytest.mark.parametrize("spec", [((4,), "u8"), ((4,), "f8"), ((4, 1), "i8"), ((0,), "i8")], ids=str)
def test_splits_that_are_none(spec):
    found = columns_of(specs(**{"t/values": (7,)}) | {"t/row_splits": ArraySpec(spec[0], np.dtype(spec[1]))})
    assert [column.name for column in found] == ["t/values", "t/row_splits"]


@pytest.mark.parametrize(("shape", "rows"), [((), -1), ((None, 2), None), ((0,), 0), ((5, 2), 5)], ids=str)
def test_rows(shape, rows):
    (column,) = columns_of(specs(x=shape))
    assert column.rows(specs(x=shape)) == rows


def test_sparse_values():
    parts = {"s/indices": (4, 2), "s/values": (4,), "s/shape": (2,)}
    assert sparse_in(specs(**parts, x=(2,), indices=(3,))) == ["s"]
    assert sparse_in(specs(indices=(None, 1), values=(None, 3), shape=(1,))) == [""]


def test_columns_that_are_called_like_the_parts_of_a_sparse_value():
    assert sparse_in(specs(indices=(5, 2), values=(5, 3), shape=(5, 2))) == []
    assert sparse_in(specs(indices=(5, 2), values=(5,), shape=(5,))) == []
    assert sparse_in(specs(indices=(5,), values=(5,), shape=(5,))) == []
    assert sparse_in(specs(indices=(5, 2), values=(), shape=(2,))) == []


@settings(max_examples=1000)
@given(
    names=st.lists(
        st.lists(st.sampled_from(["t", "", "values", "row_splits", "missing"]), min_size=1, max_size=5).map("/".join),
        unique=True,
        max_size=12,
    )
)
def test_every_array_is_of_one_column(names):
    found = columns_of(specs(**dict.fromkeys(names, (3,))))
    assert sorted(name for column in found for name in column.arrays) == sorted(names)
    assert len({column.name for column in found}) == len(found)


def test_an_array_of_the_name_is_not_hidden_by_parts():
    names = ["t", "t/values", "t/row_splits", "t/missing"]
    assert columns_of(specs(**dict.fromkeys(names, (3,)))) == [
        TableColumn("t", (), "t", ("t/missing",)),
        TableColumn("t/values", (), "t/values", ("",)),
        TableColumn("t/row_splits", (), "t/row_splits", ("",)),
    ]
