"""Arrays as the columns of a Parquet file, which pandas, DuckDB, Spark and their kin read. Only Parquet may enter.

Integers and strings are dictionary-encoded where that is shorter, as pyarrow does by default. Floats are not: the
attempt takes as long as the writing, and hardly ever succeeds. The least and greatest value of each group is noted for
columns of single values alone, as no reader looks for that of a vector.
"""

from __future__ import annotations

from typing import Any

from .._registry import require
from ._table_sink import TableSink


class ParquetSink(TableSink):
    """A Parquet file. Compression is "zstd", "gzip", "snappy", "lz4", or none."""

    suffix = ".parquet"
    lists_missing = True

    def _writer(self, file: Any) -> Any:
        pq = require("pyarrow.parquet", "writing .parquet")
        leaves, names = dict(_leaves(self._pa, self._schema)), set(self._schema.names)
        floats = self._pa.types.is_floating
        return pq.ParquetWriter(
            file,
            self._schema,
            compression=self._layout.compression or "none",
            use_dictionary=[path for path, kind in leaves.items() if not floats(kind) and str(kind) != "bool"],
            write_statistics=[path for path in leaves if path in names],
        )

    def _write_group(self, writer: Any, table: Any) -> None:
        writer.write_table(table, row_group_size=max(1, table.num_rows))


def _leaves(pa: Any, schema: Any) -> list[tuple[str, Any]]:
    """Give the path of each column in Parquet's own schema, and the type of what lies there."""
    found = []
    for field in schema:
        path, kind = field.name, field.type
        while True:
            kind = getattr(kind, "storage_type", kind)
            if not (pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
                break
            path, kind = f"{path}.list.element", kind.value_type
        found.append((path, kind))
    return found
