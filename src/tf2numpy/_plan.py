"""The verb that says what would happen: `plan`. It reads no value, allocates nothing and writes nothing."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from . import _fetch, _memory, _registry
from ._dtypes import logical_name
from ._errors import InvalidArgument
from ._lazy import as_written
from ._options import Replicas, resolver_of
from ._places import local_path
from ._protocols import ArraySource, RowSource, Source
from ._sources import Plain
from ._types import ArraySpec, Request
from ._units import format_bytes, parse_bytes
from ._write import LONE_NAME

Strategy = Literal["pass", "view", "copy", "chunks", "spill"]

_SHOWN_ARRAYS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen to a value; print it, or show it in a notebook.

    kind: what the value is. arrays: every flat array it becomes, by name. device: where it lies.
    nbytes: bytes of all arrays; None where rows or elements have no stated size.
    free_bytes: host memory free now. strategy: "pass" (it is NumPy's already), "view" (a copy does not fit, a view
    does), "copy" (it fits), "spill" (neither does, so its arrays must be backed by a file), or "chunks" (piece by
    piece, to a file or through iter_chunks). why: the reason.
    """

    kind: str
    arrays: Mapping[str, ArraySpec]
    device: str
    nbytes: int | None
    free_bytes: int
    strategy: Strategy
    why: str

    def __str__(self) -> str:
        head = [*self._facts()]
        width = max(len(name) for name, _ in head)
        lines = [f"{name:<{width}}  {value}" for name, value in head]
        table = self._table()
        widths = [max(len(row[i]) for row in table) for i in range(3)]
        lines += ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in table]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        facts = "".join(f"<tr><th>{k}</th><td>{html.escape(v)}</td></tr>" for k, v in self._facts())
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in self._table()
        )
        return f"<table>{facts}</table><table>{rows}</table>"

    def _facts(self) -> list[tuple[str, str]]:
        return [
            ("kind", self.kind),
            ("device", self.device),
            ("bytes", format_bytes(self.nbytes)),
            ("free", format_bytes(self.free_bytes)),
            ("strategy", f"{self.strategy}: {self.why}"),
        ]

    def _table(self) -> list[tuple[str, str, str]]:
        rows = [
            (name or LONE_NAME, logical_name(spec.dtype), _shape_text(spec.shape))
            for name, spec in list(self.arrays.items())[:_SHOWN_ARRAYS]
        ]
        if len(self.arrays) > _SHOWN_ARRAYS:
            rows.append((f"... and {len(self.arrays) - _SHOWN_ARRAYS} more arrays", "", ""))
        return [("array", "dtype", "shape"), *rows]


@as_written
def plan(
    x: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    max_bytes: int | str | None = None,
    replicas: Replicas = None,
) -> Plan:
    """Say what `to_numpy(x)`, or `save(x, path)` with a path, would do, how many bytes it takes, and where.

    x: what `to_numpy` takes. max_bytes: plan for this much host memory instead of what is free, or, with a path,
    the bytes that `save` may have alive at once (64 MiB by default). Nothing is converted, copied or written.

    Raises: what recognising the value raises (SymbolicTensorError, UnsupportedKind, DatasetError); FormatError and
    MissingExtra for a path whose format is unknown or not installed; InvalidArgument for a bad max_bytes.

    >>> import numpy as np
    >>> plan(np.zeros((2, 3))).strategy
    'pass'
    """
    source = resolver_of(replicas)(x)
    if any(isinstance(leaf, RowSource) and leaf.once for _, leaf in _fetch.leaves(source)):
        raise InvalidArgument(
            "a generator says what it gives only by giving it, and planning reads nothing; plan one of its batches"
        )
    specs = _fetch.specs_of(source)
    free = _memory.free_bytes()
    nbytes = _total(source)
    if path is not None:
        _registry.sink_format(local_path(path).suffix)
        budget = format_bytes(parse_bytes("64MiB" if max_bytes is None else max_bytes))
        strategy, why = (
            "chunks",
            f"written to {path} region by region, with at most {budget} of host memory alive",
        )
    else:
        strategy, why = _choose(source, nbytes, free if max_bytes is None else parse_bytes(max_bytes))
    return Plan(source.kind, specs, _fetch.device_of(source), nbytes, free, strategy, why)  # type: ignore[arg-type]


def _choose(source: Source, nbytes: int | None, free: int) -> tuple[Strategy, str]:
    arrays = [leaf for _, leaf in _fetch.leaves(source)]
    if all(isinstance(leaf, Plain) for leaf in arrays):
        return "pass", "it is NumPy's or Python's already and passes through unchanged"
    viewable = all(isinstance(leaf, ArraySource) and not leaf.host_bytes(Request(copy=None)) for leaf in arrays)
    if nbytes is None:
        return (
            "copy",
            "the size is not stated; rows are gathered as they come, and refused when memory runs out",
        )
    if nbytes <= free:
        if viewable:
            return (
                "copy",
                "one host copy, independent and writable; copy=None gives a read-only view for nothing",
            )
        return "copy", "it fits into the free host memory"
    if viewable:
        return (
            "view",
            "a copy does not fit; copy=None gives a read-only view, iter_chunks and save work in pieces",
        )
    if any(leaf.spec.dtype.hasobject for leaf in arrays if isinstance(leaf, ArraySource)):
        return "chunks", "it does not fit, and strings cannot be backed by a file; iter_chunks and save work in pieces"
    return "spill", "it does not fit; spill='big.npy' (or .h5) backs it by a file, iter_chunks and save work in pieces"


def _total(source: Source) -> int | None:
    total = 0
    for _, leaf in _fetch.leaves(source):
        if isinstance(leaf, ArraySource):
            total += leaf.spec.nbytes if leaf.spec.nbytes is not None else leaf.host_bytes(Request())
            continue
        for spec in leaf.specs().values():
            if spec.nbytes is None:
                return None
            total += spec.nbytes
    return total


def _shape_text(shape: tuple[int | None, ...]) -> str:
    sizes = ["?" if n is None else str(n) for n in shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
