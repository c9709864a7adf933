"""Batches of records cut so that their images take no more than is allowed. How images are decoded may not enter.

A batch is bounded by what its records take; the images in them may become a hundred times as large.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .._spans import too_large
from ._example_images import Images
from ._example_rows import some_rows
from ._record_shards import Shard
from ._record_table import AnyLayout, Batch


def cut(batch: Batch, layouts: Sequence[AnyLayout], max_bytes: int, shards: Sequence[Shard]) -> Iterator[Batch]:
    """Give the rows of a batch in batches whose images take max_bytes at most; as it is if there are none.

    shards: the files that the rows may be of.
    Raises: InvalidArgument for a record that alone takes more; FormatError for what is no image.
    """
    images = [layout for layout in layouts if isinstance(layout, Images)]
    if not images:
        yield batch
        return
    columns, where = batch.columns, batch.where
    ends = np.cumsum(sum(one.nbytes(one.column(columns), columns.rows, where) for one in images))
    start = before = 0
    while start < columns.rows:
        stop = int(np.searchsorted(ends, before + max_bytes, "right"))
        if stop == start:
            raise too_large(where(start), int(ends[start]) - before, max_bytes)
        rows, runs = some_rows(columns, start, stop), where.after(start)
        if stop == columns.rows:
            yield Batch(rows, runs, batch.after)
        else:
            shard, record, offset = where.place(stop)
            yield Batch(rows, runs, (shards.index(shard), record, offset))
        start, before = stop, int(ends[stop - 1])
