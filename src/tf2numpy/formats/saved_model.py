"""SavedModel folders: the variables, and the constants of the graph if they are asked for.

The variables are a tensor bundle, `variables/variables`. What they are called says its own object graph, or, in models
of TensorFlow before 2.6, the one beside the graph. Of several graphs the one tagged "serve" counts, or the first; all
share the variables. Tables that never change are no variables: their entries are constants, or assets, which are not
read. Source: tensorflow/cc/saved_model/{constants.h, reader.cc}.
"""

from __future__ import annotations

from .._blobs import blob_of
from .._errors import FormatError
from .._protocols import Place, Stored
from ..wire import graph
from ..wire.graph import MetaGraph
from ..wire.object_graph import GRAPH_KEY
from ._bundle import files_of, index_of, open_bundle
from ._constants import constant_arrays
from ._names import named
from ._reading import reading

_KIND = "SavedModel"
_BINARY = "saved_model.pb"
_OTHERS = {"saved_model.pbtxt": "as text", "saved_model.cpb": "in chunks"}
_HEAD = b"\x08\x01\x12"  # the version of the format, 1, and a graph
_GRAPH = b"\x12"  # how another graph begins
_CONSTANTS = "constants"


def saved_model(
    path: Place, head: bytes, *, names: str = "human", slots: bool = False, constants: bool = False, check: bool = True
) -> Stored | None:
    """Open a SavedModel: its folder, or the file of its graph. Constants are called "constants/FUNCTION/NODE".

    Raises: FormatError for files that are damaged or missing, and for constants of a graph in another form than
    saved_model.pb; ChecksumError.
    """
    file = _file_of_graph(path, head)
    if file is None:
        return None
    graph_ = None if file.name in _OTHERS else _served(file)
    if constants and graph_ is None:
        raise FormatError(
            f"{str(file)!r} keeps its graph {_OTHERS[file.name]}, which is not read here; leave constants=True out, or "
            f"load the model with TensorFlow and save it again, as {_BINARY}"
        )
    stored = _variables(file.parent / "variables" / "variables", graph_, names=names, slots=slots, check=check)
    if constants and graph_ is not None:
        with reading(repr(str(file))):
            arrays, left_out = constant_arrays(
                graph_.graph, _CONSTANTS, stored.arrays, kind=_KIND, device=f"file {file}"
            )
        stored = Stored(
            _KIND, {**stored.arrays, **arrays}, stored.close, stored.aliases, {**stored.left_out, **left_out}
        )
    return stored


def _file_of_graph(path: Place, head: bytes) -> Place | None:
    """Find the file that makes a folder a SavedModel; None if it is none."""
    if path.is_dir():
        return next((path / name for name in (_BINARY, *_OTHERS) if (path / name).is_file()), None)
    if path.name in _OTHERS:
        return path
    if not head.startswith(_HEAD):
        return None
    return path if path.name == _BINARY or _is_saved_model(path, head) else None


def _is_saved_model(path: Place, head: bytes) -> bool:
    """Tell it from a TensorProto, which begins so too: by what follows the first graph, before all is fetched."""
    blob, end = blob_of(path), graph.first_graph_end(head)
    if end is None or end > blob.size or (end < blob.size and bytes(blob.read(end, end + 1)) != _GRAPH):
        return False
    try:
        _served(path)
    except FormatError:
        return False
    return True


def _served(file: Place) -> MetaGraph:
    """Read the graph that counts.

    Raises: FormatError for a damaged file.
    """
    blob = blob_of(file)
    with reading(repr(str(file))):
        return graph.served(graph.meta_graphs(blob.read(0, blob.size).data))


def _variables(prefix: Place, graph_: MetaGraph | None, *, names: str, slots: bool, check: bool) -> Stored:
    """Open the bundle of the variables, which a model without variables has not."""
    if not index_of(prefix).is_file():
        there = files_of(prefix)
        if there:
            raise FormatError(
                f"{str(prefix.parent)!r} has {', '.join(there)}, and no {index_of(prefix).name}; copy the folder anew"
            )
        return Stored(_KIND, {}, lambda: None, left_out=_absent(graph_))
    bundle = open_bundle(prefix, check=check, kind=_KIND)
    objects, full_names = bundle.text(GRAPH_KEY), {}
    if objects is not None and graph_ is not None and not (names == "key" and slots):
        with reading(f"the objects of {str(prefix.parent.parent)!r}"):
            full_names = graph.variable_names(objects, graph_.objects)
    stored = Stored(_KIND, bundle.arrays, lambda: None, left_out=bundle.left_out)
    return named(stored, objects, names=names, slots=slots, shown=repr(str(prefix)), full_names=full_names)


def _absent(graph_: MetaGraph | None) -> dict[str, str]:
    """Say what is missing where a graph has variables, and there is no folder of them."""
    count = sum(1 for _ in graph.variables(graph_.objects)) if graph_ else 0
    why = f"the graph has {count}, and the folder 'variables', where their values should be, is not there"
    return {"variables": why} if count else {}
