"""Lookup tables: their keys and values as they are now, exported by TensorFlow. No table is changed by it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from .._errors import UnsupportedKind
from .._lazy import tensorflow
from .._protocols import Group, Resolve, Source
from .._sources import structural
from .symbolic import refuse_in_graph


def table(x: Any, resolve: Resolve) -> Group:
    """Give a dict of the keys [n, ...] and the values [n, ...] of a table, in TensorFlow's order.

    Raises: UnsupportedKind if it cannot be exported; SymbolicTensorError inside a graph.
    """
    parts = table_parts(x, resolve) or []
    return Group("lookup table", parts, lambda built: dict(zip((name for name, _ in parts), built, strict=True)))


def table_parts(x: Any, resolve: Resolve) -> list[tuple[str, Source]] | None:
    """Give the sources of a table's keys and values; None for what is no table, or one without any.

    Raises: as `table`.
    """
    entries = _entries(x)
    if entries is None:
        return None
    keys: Any = resolve(entries[0])
    # A key says which value is meant, as an index does: a cast could make two of them one.
    return [("keys", keys if keys.spec.dtype.hasobject else structural(keys)), ("values", resolve(entries[1]))]


def _entries(table: Any) -> tuple[Any, Any] | None:
    """Export a lookup table: its keys and values as they are now; None for what is no table, or one without any.

    Raises: UnsupportedKind if TensorFlow cannot export it; SymbolicTensorError inside a graph.
    """
    tf, lookup_ops = tensorflow(), sys.modules["tensorflow.python.ops.lookup_ops"]
    is_table = isinstance(table, lookup_ops.LookupInterface)
    maker = None if is_table else _maker(table)
    if not is_table and maker is None:
        return None
    if not tf.executing_eagerly():
        refuse_in_graph("a lookup table")
    table = getattr(table, "_table", table)  # a vocabulary is a table and the number of buckets for other words
    if table is None:  # or just the buckets
        return None
    if maker is None and not hasattr(table, "export"):
        raise _not_exported(table, "TensorFlow gives it no export()")
    try:
        keys, values = table.export() if maker is None else _exported(table, maker)
    except tf.errors.OpError as error:
        raise _not_exported(table, error.message) from error
    if isinstance(table, lookup_ops.DenseHashTable):
        return _occupied(keys, values, (table._empty_key, table._deleted_key), table._value_shape)
    if maker is not None and "Dense" in maker.type:
        return _occupied(keys, values, map(tf.get_static_value, maker.inputs), maker.get_attr("value_shape"))
    return keys, values


def _maker(node: Any) -> Any:
    """Find the operation that made a table of a loaded SavedModel, which alone knows its dtypes; None for no table."""
    functions = getattr(getattr(node, "_create_resource", None), "concrete_functions", ())
    operations = (operation for function in functions for operation in function.graph.get_operations())
    return next((operation for operation in operations if "HashTable" in operation.type), None)


def _exported(table: Any, maker: Any) -> tuple[Any, Any]:
    dtypes = {"Tkeys": maker.get_attr("key_dtype"), "Tvalues": maker.get_attr("value_dtype")}
    keys, values = tensorflow().raw_ops.LookupTableExportV2(table_handle=table.resource_handle, **dtypes)
    return keys, values


def _occupied(keys: Any, values: Any, empty_and_deleted: Iterable[Any], value_shape: Any) -> tuple[Any, Any]:
    """Leave out the unused buckets of a dense table: TensorFlow exports every bucket, each as one flat row."""
    tf = tensorflow()
    unused = [tf.convert_to_tensor(key, keys.dtype) for key in empty_and_deleted]
    keys = tf.reshape(keys, [len(keys), *unused[0].shape])
    values = tf.reshape(values, [len(values), *tf.TensorShape(value_shape)])
    empty, deleted = (tf.reduce_all(keys == key, list(range(1, keys.ndim))) for key in unused)
    occupied = ~(empty | deleted)
    return tf.boolean_mask(keys, occupied), tf.boolean_mask(values, occupied)


def _not_exported(table: Any, why: str) -> UnsupportedKind:
    return UnsupportedKind(
        f"this lookup table, a {type(table).__name__}, cannot be exported: {why}; "
        "convert the other parts of x one by one"
    )
