"""Arrays as the columns of one table, written group of rows by group of rows. What a file is like may not enter.

A group has up to `Layout.group_bytes`, and no more rows than the caller's chunks say; once half full, it is written.
Nothing can go on from an unfinished file: what tells where its rows are comes last.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

from .._errors import FormatError
from .._protocols import State
from .._registry import require
from .._types import ArraySpec, Chunk
from ._arrow_columns import ArrowColumn
from ._file_sink import FileSink
from ._output_file import OutputFile
from ._runs import fit
from ._table_checks import check_table
from ._writeback import WRITEBACK_BYTES, begin_writeback

_WHY = "it becomes a column of one table"


class TableSink(FileSink):
    """One table. A subclass says what writes it."""

    suffix: str
    lists_missing: ClassVar[bool] = False  # see ArrowColumn
    _pa: Any
    _file: OutputFile
    _output: _Output
    _specs: dict[str, ArraySpec]
    _columns: dict[str, ArrowColumn]  # by the names of their arrays
    _ready: dict[ArrowColumn, int]  # whole rows of each that wait
    _behind: set[ArrowColumn]  # those of which none waits
    _schema: Any
    _group: list[Any]  # record batches that are not written yet
    _group_rows: int
    _group_bytes: int

    def check(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse what is no table: numbers of rows that differ, arrays without any, sparse values; dtypes, names.

        Raises: FormatError naming them all; InvalidArgument for chunks that are not one number of rows; MissingExtra.
        """
        require("pyarrow", f"writing {self.suffix}")
        check_table(specs, self._layout, self.suffix)

    def begin(self, specs: Mapping[str, ArraySpec], state: State | None = None) -> None:
        """Create the file.

        Raises: as `check`; FormatError for a state; StorageFull.
        """
        if state is not None:
            raise FormatError(f"an unfinished {self.suffix} file cannot be gone on from; begin anew")
        self._pa = pa = require("pyarrow", f"writing {self.suffix}")
        columns = check_table(specs, self._layout, self.suffix)
        self._specs, self._columns, self._ready = dict(specs), {}, {}
        for column in columns:
            made = ArrowColumn(pa, column, specs, lists_missing=self.lists_missing)
            self._columns.update(dict.fromkeys(column.arrays, made))
            self._ready[made] = 0
        self._behind = set(self._ready)
        self._schema = pa.schema([column.field for column in self._ready])
        self._group, self._group_rows, self._group_bytes = [], 0, 0
        self._workspace.require(sum(spec.nbytes or 0 for spec in specs.values()) if self._is_plain else 0)
        self._workspace.open()
        self._file = self._opened(OutputFile(self._workspace))
        self._output = self._opened(_Output(self, pa))

    def write(self, chunk: Chunk) -> None:
        """Take the next rows of an array, and write those that are there of all arrays once they fill a group.

        Raises: InvalidArgument for a chunk that does not fit, or is not the next one; FormatError for elements that no
        table can hold; StorageFull.
        """
        column = self._columns.get(chunk.name)
        rows = None if column is None else column.rows_of(chunk.name)
        index = fit(chunk, self._specs, rows, why=_WHY)
        assert column is not None
        column.put(chunk.name, chunk.value, index)
        self._ready[column] = column.ready()
        if self._ready[column]:
            self._behind.discard(column)
        if not self._behind:
            self._take(min(self._ready.values()))

    def state(self) -> State:
        """Raises: FormatError always."""
        raise FormatError(f"an unfinished {self.suffix} file cannot be gone on from, so it has no state")

    def sync(self) -> None:
        """Do nothing: no state counts on it."""

    @abstractmethod
    def _writer(self, file: Any) -> Any:
        """Give what writes tables to a file of Arrow's, and is closed in the end."""

    @abstractmethod
    def _write_group(self, writer: Any, table: Any) -> None:
        """Write a table as one group of rows."""

    @property
    def _is_plain(self) -> bool:
        """Whether every element takes the bytes in the file that it has in memory."""
        return False

    def _take(self, rows: int) -> None:
        """Take rows from what waits, and write the groups that they fill."""
        arrays = [column.take(rows) for column in self._ready]
        for column in self._ready:
            self._ready[column] -= rows
        self._behind = {column for column, count in self._ready.items() if not count}
        most_rows = self._layout.chunks[0] if self._layout.chunks else None
        batch = self._pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        del arrays
        if self._group_bytes + batch.nbytes > self._layout.group_bytes:
            self._flush()
        start = 0
        while start < rows:
            part = batch.slice(start, None if most_rows is None else most_rows - self._group_rows)
            start += part.num_rows
            self._group.append(part)
            self._group_rows += part.num_rows
            self._group_bytes += part.nbytes
            if self._group_rows == most_rows or self._group_bytes >= self._layout.group_bytes // 2:
                self._flush()

    def _flush(self) -> None:
        """Write the rows that make a group."""
        if self._group:
            table = self._pa.Table.from_batches(self._group, self._schema)
            self._group, self._group_rows, self._group_bytes = [], 0, 0
            with self._file.guard():
                self._write_group(self._output.writer, table)
            self._output.written()

    def _finish(self) -> None:
        """Write the rows that are left, and the footer.

        Raises: FormatError for arrays that in the end have other numbers of rows than the others.
        """
        left = [text for column in self._ready if (text := column.left())]
        if left:
            whole = min(column.rows for column in self._ready)
            raise FormatError(
                f"a {self.suffix} file is one table: all its arrays have the same number of rows, and "
                f"{', '.join(left)}, where others have {whole}; choose .h5 or .zarr, which hold any arrays"
            )
        self._flush()
        with self._file.guard():
            self._output.finish()
        self._file.sync()


class _Output:
    """Arrow's own writer over the file of an output, which it opens a second time."""

    def __init__(self, sink: TableSink, pa: Any) -> None:
        self._file = sink._file
        with self._file.guard():
            self._stream = pa.OSFile(os.fsencode(self._file.path), "wb")
            self.writer = sink._writer(self._stream)
        self._begun = 0

    def written(self) -> None:
        """Count what was written, and have the disk begin on it."""
        self._file.workspace.written = self._stream.tell()
        if self._stream.tell() - self._begun >= WRITEBACK_BYTES:
            self._begun = self._stream.tell()
            begin_writeback(self._file.fd)

    def finish(self) -> None:
        """Have the writer end the file."""
        self.writer.close()
        self._stream.close()

    def close(self) -> None:
        """Let go of the file as it is; a second time, or after `finish`, does nothing."""
        with suppress(Exception):  # what is dropped need not end well
            self.writer.close()
        with suppress(Exception):
            self._stream.close()
