"""Small files of which much would be made, each the worst that its format allows. What reads them may not enter.

Nothing in them is damaged: parts of two bytes that become objects, long names that many paths share, shapes of
thousands of axes. Each function writes one into a folder and gives its path, or makes what does.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import tables
from tables import content, number, varint
from tf2numpy.wire import crc32c
from wire.messages import const, graph_def, node, objects, tensor

MANY = 400_000  # of two bytes each
HEADER = (b"", tables.header(1))
NOTHING = b"\x08\x01\x12\x02\x12\x00"  # an entry of no elements, and so of no bytes
LEAF = content(33, number(3, 1))
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def index(folder: Path, *rows: tuple[bytes, bytes]) -> Path:
    (folder / "x.index").write_bytes(tables.table([HEADER, *rows], per_block=1000))
    return folder / "x"


def entries(folder: Path) -> Path:
    return index(folder, *((b"%06x" % i, NOTHING) for i in range(90_000)))


def long_keys(folder: Path) -> Path:
    """Each shares all but six bytes with the one before it."""
    first = b"k" * 3000
    rows = [varint(0) + varint(0) + varint(len(HEADER[1])) + HEADER[1]]
    rows.append(varint(0) + varint(3006) + varint(len(NOTHING)) + first + b"000000" + NOTHING)
    rows += [varint(3000) + varint(6) + varint(len(NOTHING)) + b"%06x" % i + NOTHING for i in range(1, 10_000)]
    block = tables.on_disk(b"".join(rows) + struct.pack("<II", 0, 1))
    data = tables.with_index(block, [(b"l", varint(0) + varint(len(block) - 5))])
    (folder / "x.index").write_bytes(data)
    return folder / "x"


def axes_of_an_entry(folder: Path) -> Path:
    return index(folder, (b"v", b"\x08\x01" + content(2, b"\x12\x00" * 300)))


def fields_of_a_shape(folder: Path) -> Path:
    return index(folder, (b"v", b"\x08\x01" + content(2, b"\x12\x00" * MANY)))


def parts_of_an_entry(folder: Path) -> Path:
    return index(folder, (b"v", b"\x08\x01" + b"\x3a\x02\x0a\x00" * MANY))


def axes_of_a_part(folder: Path) -> Path:
    return index(folder, (b"v", b"\x08\x01" + content(7, b"\x0a\x00" * 300)))


def deep_names(folder: Path) -> Path:
    return index(folder, *((b"a/" * 3000 + b"%05d" % i, NOTHING) for i in range(300)))


def bundle(folder: Path, *nodes: bytes, keys: int) -> Path:
    """A checkpoint with an object graph."""
    files = tables.BundleFiles().add("_CHECKPOINTABLE_OBJECT_GRAPH", np.array(objects(*nodes), object))
    files.rows |= {f"v{i}{VALUE}".encode(): NOTHING for i in range(keys)}
    return files.write(folder, "x")


def variables(count: int, name: str = "") -> list[bytes]:
    return [node((), {f"v{i}{VALUE}": name or f"v{i}"}) for i in range(count)]


def long_labels(folder: Path) -> Path:
    """One long name on the way to all variables."""
    inner = node({f"v{i}": i + 2 for i in range(3000)})
    return bundle(folder, node({"l" * 100_000: 1}), inner, *variables(3000), keys=3000)


def long_slots(folder: Path) -> Path:
    """One long name of a variable, for which an optimizer keeps many."""
    root, count = node({"l" * 100_000: 2, "optimizer": 1}), 3000
    optimizer = node((), (), [(2, "m", i + 3) for i in range(count)])
    return bundle(folder, root, optimizer, *variables(count + 1), keys=count + 1)


def tensors_of_version_1(folder: Path) -> Path:
    (folder / "x").write_bytes(tables.table([(b"", content(1, b"\x0a\x00" * MANY))]))
    return folder / "x"


def parts_of_version_1(folder: Path) -> Path:
    listed = [content(1, content(1, b"%04x" % i) + b"\x22\x00") for i in range(30_000)]
    (folder / "x").write_bytes(tables.table([(b"", content(1, b"".join(listed)))]))
    return folder / "x"


def state(text: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        index(folder)
        (folder / "checkpoint").write_bytes(text)
        return folder

    return make


def cache_of_components(folder: Path) -> Path:
    return index(folder, *((b"      0_%6d" % i, NOTHING) for i in range(33_000)))


def cache_of_long_numbers(folder: Path) -> Path:
    return index(folder, (b"      0_" + b"1" * 5000, NOTHING))


def framed(*contents: bytes) -> bytes:
    parts = []
    for one in contents:
        length = len(one).to_bytes(8, "little")
        parts += [length, crc32c.masked(length).to_bytes(4, "little"), one, crc32c.masked(one).to_bytes(4, "little")]
    return b"".join(parts)


def log(*events: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "x").write_bytes(framed(b"\x09" + bytes(8) + content(3, b"brain.Event:2"), *events))
        return folder / "x"

    return make


def saved_model(data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "saved_model.pb").write_bytes(b"\x08\x01" + data)
        return folder

    return make


def file_of(name: str, data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def constants_of_a_long_function(folder: Path) -> Path:
    made = graph_def(const("a", tensor()), functions={"f" * 100_000: [const(f"{i:x}", tensor()) for i in range(1000)]})
    return file_of("x", made)(folder)


def safetensors(header: bytes) -> Callable[[Path], Path]:
    return file_of("x.safetensors", len(header).to_bytes(8, "little") + header)


def npz_directory(folder: Path) -> Path:
    """Members of which there is nothing but their names."""
    head = struct.pack("<4s4B4H3L5H2L", b"PK\1\2", 20, 3, 20, *[0] * 8, 9, *[0] * 6)
    listed = b"".join(head + b"%05x.npy" % i for i in range(65_000))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65_000, 65_000, len(listed), 4, 0)
    return file_of("x.npz", b"PK\3\4" + listed + end)(folder)


def npz_bomb(folder: Path) -> Path:
    """It is listed for nothing; what is read of it is what is asked for."""
    stream = io.BytesIO()
    np.save(stream, np.zeros(64 << 20, np.uint8))
    with zipfile.ZipFile(folder / "x.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.npy", stream.getvalue())
    return folder / "x.npz"


def zarr(text: bytes, **files: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "zarr.json").write_bytes(text)
        (folder / "c").mkdir()
        for name, data in files.items():
            (folder / "c" / name).write_bytes(data)
        return folder

    return make


def zarr_array(**changes: Any) -> bytes:
    size = changes.pop("size", 4)
    grid = {"name": "regular", "configuration": {"chunk_shape": [size]}}
    found = {"zarr_format": 3, "node_type": "array", "shape": [size], "data_type": "uint8", "chunk_grid": grid}
    found |= {"chunk_key_encoding": "default", "fill_value": 0, "codecs": ["bytes"]}
    return json.dumps(found | changes).encode()


LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
SHARDS = {"chunk_shape": [1], "codecs": [LITTLE], "index_codecs": [LITTLE, "crc32c"]}
GROUP = b'{"zarr_format":3,"node_type":"group","a":[%s[]]}' % (b"[]," * 2_000_000)


def saved(enums: bytes, spec: bytes, *contents: bytes, version: int = 2, pack: Any = bytes) -> Callable[[Path], Path]:
    """A dataset of one file."""

    def make(folder: Path) -> Path:
        (folder / "1").mkdir()
        metadata = content(2, b"1") + number(4, version) + content(5, enums) + varint(1000 << 3) + b"\1"
        (folder / "snapshot.metadata").write_bytes(metadata)
        if spec:
            (folder / "dataset_spec.pb").write_bytes(spec)
        if contents:
            (folder / "1/00000000.snapshot").write_bytes(pack(b"".join(contents)))
        return folder

    return make


def sequence(*parts: bytes) -> bytes:
    return content(51, b"".join(content(1, part) for part in parts))


OLD = b"\x0a\x02\x18\x00" * 200_000
OF_VARIANT = sequence(content(33, number(3, 21)))
RAGGED = b"\x08\x15\x12\x00" + content(15, content(1, b"RaggedTensorVariant") + b"\x1a\x00" * MANY)
