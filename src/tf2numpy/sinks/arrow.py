"""Arrays as the columns of an Arrow IPC file (Feather version 2), which Arrow maps into memory. Only that may enter."""

from __future__ import annotations

from typing import Any

from ._table_sink import TableSink


class ArrowSink(TableSink):
    """An Arrow file: a record batch for each group of rows. Compression is "zstd", "lz4", or none."""

    suffix = ".arrow"

    def _writer(self, file: Any) -> Any:
        ipc = self._pa.ipc
        return ipc.new_file(file, self._schema, options=ipc.IpcWriteOptions(compression=self._layout.compression))

    def _write_group(self, writer: Any, table: Any) -> None:
        for batch in table.combine_chunks().to_batches():
            writer.write_batch(batch)

    @property
    def _is_plain(self) -> bool:
        return self._layout.compression is None and all(spec.dtype != bool for spec in self._specs.values())
