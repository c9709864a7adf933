"""A bare GraphDef file, as frozen graphs are: its constants. Graphs in SavedModels may not enter; see `saved_model`."""

from __future__ import annotations

from .._blobs import blob_of
from .._protocols import Place, Stored
from ..wire.graph import is_graph, may_be_graph
from ._constants import constant_arrays
from ._reading import reading

_KIND = "frozen graph"
_BEGIN_BYTES = 1 << 16


def frozen_graph(path: Place, head: bytes) -> Stored | None:
    """Open a GraphDef file: its constants under the names of their nodes, those of functions as "FUNCTION/NODE".

    Raises: FormatError for a damaged file.
    """
    blob = blob_of(path)
    if not may_be_graph(blob.read(0, min(_BEGIN_BYTES, blob.size)).data):
        return None  # before all of it is fetched
    data = blob.read(0, blob.size).data
    if not is_graph(data):
        return None
    with reading(repr(str(path))):
        arrays, left_out = constant_arrays(data, "", (), kind=_KIND, device=f"file {path}")
    return Stored(_KIND, arrays, lambda: None, left_out=left_out)
