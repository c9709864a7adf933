"""The contracts between the stages: what a kind gives, what a sink takes. No implementation may enter.

source -> plan -> stream of host chunks -> sink. A kind turns a live value into a `Source`: one array
(`ArraySource`), a named group of sources (`Group`), or rows that come one block at a time (`RowSource`). Sources
are base classes, not protocols: asking which of them one is must cost next to nothing for small tensors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ._types import ArraySpec, Chunk, Feature, Index, Layout, Request

if TYPE_CHECKING:
    from ._workspace import Workspace

# What it takes to go on with something where it was left, in terms that JSON can hold.
State: TypeAlias = Mapping[str, Any]


class ArraySource(ABC):
    """One array, live somewhere, of known shape, readable in any order.

    concurrent: fetching it and others on several threads at once takes less time than one after the other.
    cached_bytes: pieces up to this size are still in the processor's cache when they are written; larger ones take
    longer. None where that makes no difference.
    """

    kind: str
    device: str
    spec: ArraySpec
    concurrent: bool = False
    cached_bytes: int | None = None

    @abstractmethod
    def host_bytes(self, request: Request) -> int:
        """Bytes of host memory that `fetch` would allocate for this request."""

    @abstractmethod
    def fetch(self, request: Request) -> Any:
        """Give the whole array, by the copy semantics of `to_numpy`."""

    @abstractmethod
    def read(self, index: Index) -> NDArray[Any]:
        """Give one region: a read-only view, or a writable array that nothing else holds."""

    @abstractmethod
    def regions(self, max_bytes: int) -> Iterator[Index]:
        """Cut the array into regions in C order, each at most max_bytes of host memory once read."""

    @abstractmethod
    def bytes_between(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the host bytes of the rows between each row number in `ends` and the next one."""


class RowSource(ABC):
    """Rows that can only be read in order, each once per pass; their number may be unknown.

    once: there is but one pass, so that even looking at the first rows is part of it.
    """

    kind: str
    device: str
    once: bool = False

    @abstractmethod
    def specs(self) -> Mapping[str, ArraySpec]:
        """Describe the arrays that all rows become, taking for granted a stated number and what the first ones are."""

    @abstractmethod
    def chunks(self, max_bytes: int, after: State | None = None) -> Iterator[tuple[list[Chunk], State]]:
        """Give blocks of rows as flat arrays, for a sink, each with the state to go on after it.

        Offsets already count from the first row. after: the state that came with the last block not to give again.
        Raises: NotAsStated for rows that are not what `specs` took for granted.
        """

    def whole(self) -> Mapping[str, NDArray[Any]] | None:
        """Give all the rows as the arrays named by `specs`, no one else's, where that takes less than to join blocks.

        Raises: HostMemoryError if they do not fit.
        """
        return None

    def host_bytes(self) -> int:
        """Bytes that all the rows are known to take; 0 where nothing is known before they are read."""
        return sum(spec.nbytes or 0 for spec in self.specs().values())

    @abstractmethod
    def pieces(self, max_bytes: int) -> Iterator[Chunk]:
        """Give blocks of rows as the structure of one row, leaves stacked."""

    def count(self) -> int | None:
        """Say how many rows there are, where that is known or can be found out."""
        return None

    @abstractmethod
    def distrust(self) -> None:
        """Rely no longer on what `specs` took for granted, after a pass raised `NotAsStated`, or gave other rows."""

    @abstractmethod
    def build(self, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """Put the arrays named by `specs` together into the structure of one row, leaves stacked."""


class StoredRows(RowSource):
    """Rows that lie in a file, which can be looked at apart from a pass."""

    @abstractmethod
    def first(self, count: int) -> Any:
        """Give so many of the first rows, or all there are, as the structure of one row; quickly, where that can be."""

    @abstractmethod
    def features(self) -> list[Feature]:
        """Describe what each row has, in the order of its structure."""


@dataclass(frozen=True, slots=True)
class Group:
    """A value made of named parts.

    parts: names and sources. Two may have one name, as the keys 1 and "1" give: only who needs names minds.
    build: takes the converted parts in the order of `parts` and puts the result together.
    rows: cuts the group into pieces by rows where that makes sense (ragged); otherwise None, and its parts
    are cut one after the other.
    labels: how each part is written in an error message; a part without one is not named there.
    """

    kind: str
    parts: Sequence[tuple[str, Source]]
    build: Callable[[list[Any]], Any]
    rows: Callable[[int], Iterator[Chunk]] | None = None
    labels: tuple[str, ...] = ()


Source: TypeAlias = ArraySource | RowSource | Group


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file holds: its arrays by name, nothing of them read yet.

    kind: what the file is, for messages. close: lets go of the file; arrays that were given out stay valid.
    aliases: the other names of each array that has some; one that several arrays share names none of them.
    left_out: what the file has and no array can be, by name, each with the reason.
    notes: what is given otherwise than the file describes it, by name, each with how.
    chosen: what was opened of a folder that may have several; "" where nothing was to be chosen.
    rows: all arrays as rows, where they lie so in the file that it is faster to read them together than one by one.
    narrow: gives what only some of the arrays are, by names and patterns, where that is less to read.
    labels: of arrays whose numbers are classes, what these are called, where the file says so.
    """

    kind: str
    arrays: Mapping[str, ArraySource]
    close: Callable[[], None]
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    chosen: str = ""
    rows: StoredRows | None = None
    narrow: Callable[[Sequence[str]], Stored] | None = None
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


class Place(Protocol):
    """Where a file or a folder lies: all that a reader may ask of it. `pathlib.Path` is one; others are not local.

    `str` gives it as messages show it, and `_blobs.blob_of` the bytes of a file.
    """

    @property
    def name(self) -> str:
        """The last part."""

    @property
    def stem(self) -> str:
        """The last part, without its suffix."""

    @property
    def suffix(self) -> str:
        """The end of the last part from its last dot on."""

    @property
    def parent(self) -> Self:
        """The folder that it lies in."""

    def __truediv__(self, name: str, /) -> Self: ...

    def is_dir(self) -> bool:
        """Tell whether there is a folder."""

    def is_file(self) -> bool:
        """Tell whether there is a file."""

    def exists(self) -> bool:
        """Tell whether there is anything."""

    def iterdir(self) -> Iterator[Self]:
        """Give what lies in the folder."""


class Reader(Protocol):
    """What a row of the format table names."""

    def __call__(self, path: Place, head: bytes, **options: Any) -> Stored | None:
        """Open a file or folder whose first bytes (none, of a folder) are `head`; None if it is of another format.

        options: keyword arguments of those names that its row has, where they differ from the default of `open`.

        Raises: FormatError, saying where, for a file of this format that is damaged, or holds what cannot be read.
        """


class Resolve(Protocol):
    """What a kind is given to turn its parts into sources.

    replicas: how a value that differs by replica becomes one: "concat", "stack", "first", or None.
    """

    replicas: str | None

    def __call__(self, value: Any) -> Source: ...


class Sink(Protocol):
    """One destination: created whole, filled by region in any order, then published or dropped.

    A spec with unknown rows (shape[0] is None) is filled from its first row on, whole rows in order, without gaps.
    Whoever fills a sink fills all of it before `commit`, from one thread. After an error it is aborted or suspended.
    A sink whose row of the table says `by_rows` takes whole rows of each array in order, and holds what it got until
    all arrays have the same rows. One that says that it resumes not is asked for no `state`, and never suspended.
    """

    def check(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse what `begin` would refuse for its names, dtypes or shapes; create nothing.

        Raises: FormatError naming the first array that the format cannot hold, or all of them where one table is to
        hold them; InvalidArgument for chunks that suit none of them.
        """

    def begin(self, specs: Mapping[str, ArraySpec], state: State | None = None) -> None:
        """Create every array; or, with a state, go on with the unfinished output it was taken of.

        Raises: FormatError, before anything is written, for what the format can't hold.
        """

    def write(self, chunk: Chunk) -> None:
        """Fill `chunk.index` of the array `chunk.name`; the value is an ndarray of the array's dtype."""

    def state(self) -> State:
        """Say what `begin` needs to go on after what was written so far; what was not yet synced may be lost."""

    def sync(self) -> None:
        """Make everything durable that was written before `state` was last called; from any thread."""

    def commit(self) -> None:
        """Make the output final and visible under its name, all at once."""

    def suspend(self) -> None:
        """Let go of the output and leave it unfinished, to be gone on from."""

    def abort(self) -> None:
        """Leave nothing behind; calling it twice, or after commit, does nothing."""


@runtime_checkable
class MappableSink(Sink, Protocol):
    """A sink whose committed arrays can be used from the file without reading them into memory."""

    def check_mappable(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse arrays that could not be mapped once they are written; raise FormatError saying why."""

    def mapped(self) -> Mapping[str, NDArray[Any]]:
        """Open the committed arrays as writable memory maps of their logical dtype."""


class SinkFactory(Protocol):
    """What a row of the sink table names."""

    def __call__(self, workspace: Workspace, layout: Layout) -> Sink: ...
