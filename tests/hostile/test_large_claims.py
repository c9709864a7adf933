"""Small files of which much would be made: each is refused, or read, within the memory and the time of its size.

Each took far more before it was looked for; `claims` has how they are made.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import tables
import tf2numpy as t2n
from hostile.claims import (
    GROUP,
    LEAF,
    MANY,
    OF_VARIANT,
    OLD,
    RAGGED,
    SHARDS,
    axes_of_a_part,
    axes_of_an_entry,
    cache_of_components,
    cache_of_long_numbers,
    constants_of_a_long_function,
    deep_names,
    entries,
    fields_of_a_shape,
    file_of,
    framed,
    index,
    log,
    long_keys,
    long_labels,
    long_slots,
    npz_bomb,
    npz_directory,
    parts_of_an_entry,
    parts_of_version_1,
    safetensors,
    saved,
    saved_model,
    sequence,
    state,
    tensors_of_version_1,
    zarr,
    zarr_array,
)
from hostile.limits import limited
from hostile.reading import read_all
from tables import content, number
from wire.messages import const, graph_def, tensor


class Case(NamedTuple):
    """One file. refused: part of the error that it is refused with; nothing of one that is read."""

    name: str
    make: Callable[[Path], Path]
    refused: str = ""


FIELDS = "the message has more than 65536 fields, which none that is known has"
CASES = [
    Case("entries", entries, "bytes and the data files"),
    Case("long_keys", long_keys, "bytes and the data files"),
    Case("axes_of_an_entry", axes_of_an_entry, "its shape has 300 axes, and TensorFlow allows 254"),
    Case("fields_of_a_shape", fields_of_a_shape, f"the entry b'v' cannot be read: {FIELDS}"),
    Case("parts_of_an_entry", parts_of_an_entry, "it is in more than 65536 parts, which no tensor that is written is"),
    Case("axes_of_a_part", axes_of_a_part, "a part has 300 axes, and TensorFlow allows 254"),
    Case("deep_names", deep_names),
    Case(
        "long_labels",
        long_labels,
        "its object graph cannot be read: the ways to its objects are far longer together than the graph itself; "
        "names='key' with slots=True does without",
    ),
    Case(
        "long_slots",
        long_slots,
        "its object graph cannot be read: the names of its slots are far longer together than the graph itself; "
        "names='key' with slots=True does without",
    ),
    Case("tensors_of_version_1", tensors_of_version_1, FIELDS),
    Case(
        "parts_of_version_1",
        parts_of_version_1,
        "it lists more than 42001 tensors and parts, too many for 300004 bytes",
    ),
    Case("spaces_in_a_state", state(b" " * (1 << 20))),
    Case("strings_in_a_state", state(b"a:" + b'""' * (1 << 19))),
    Case("escapes_in_a_state", state(b'a:"' + b"\\a" * (1 << 19))),
    Case("letters_in_a_state", state(b"a" * (1 << 20))),
    Case(
        "cache_of_components",
        cache_of_components,
        "it has elements of 32769 components, and of 1 dtypes and shapes; 32768 and 72941 are the most that are "
        "read in a table of this size",
    ),
    Case("cache_of_long_numbers", cache_of_long_numbers),
    Case(
        "values_of_an_event",
        log(content(5, b"\x0a\x00" * MANY)),
        "the event has more than 65536 values, which none that is written has",
    ),
    Case(
        "others_in_an_event",
        log(b"\x22\x00" * MANY),
        "the event has more than 65536 values, which none that is written has",
    ),
    Case("histogram", log(content(5, content(1, content(1, b"t") + content(5, b"\x50\x00" * MANY)))), FIELDS),
    Case(
        "graphs",
        saved_model(b"\x12\x00" * MANY),
        "a SavedModel with more than 4096 graphs is none that is written",
    ),
    Case(
        "parts_of_a_graph",
        saved_model(content(2, b"\x12\x00" * MANY)),
        "the field 2 of its graph comes in more than 4096 parts",
    ),
    Case("tags_of_a_graph", saved_model(content(2, content(1, b"\x22\x00" * MANY)))),
    Case(
        "constants_of_a_long_function",
        constants_of_a_long_function,
        "constants and their names are too many for 130773 bytes",
    ),
    Case("axes_of_a_tensor", file_of("x", b"\x08\x01" + content(2, b"\x12\x00" * MANY))),
    Case("axes_of_a_large_tensor", file_of("x", b"\x08\x01" + content(2, content(2, number(1, 1 << 62)) * 9999))),
    Case(
        "a_large_tensor", file_of("x", b"\x08\x01" + content(2, content(2, number(1, 1 << 40))) + content(5, bytes(4)))
    ),
    Case(
        "lists_in_safetensors",
        safetensors(b'{"a":[%s[]]}' % (b"[]," * 2_000_000)),
        "bytes would take some 176000408 in memory; 97108914 are the most",
    ),
    Case(
        "axes_of_safetensors",
        safetensors(b'{"a":{"dtype":"U8","data_offsets":[0,0],"shape":[%s0]}}' % (b"9223372036854775807," * 20_000)),
        "the entry 'a' of its header has 20001 axes; 65 are the most",
    ),
    Case("npz_directory", npz_directory, "it is no .npy file, or its header is damaged: "),
    Case("npz_bomb", npz_bomb),
    Case("lists_in_zarr", zarr(GROUP), "get the folder anew from where it is whole"),
    Case(
        "elements_of_zarr",
        zarr(zarr_array(data_type={"name": "null_terminated_bytes", "configuration": {"length_bytes": 1 << 30}})),
    ),
    Case(
        "index_of_zarr",
        zarr(
            zarr_array(size=1 << 20, codecs=[{"name": "sharding_indexed", "configuration": SHARDS}]),
            **{"0": bytes((16 << 20) + 4)},
        ),
    ),
    Case("sum_of_zarr", zarr(zarr_array(size=16 << 20, codecs=["bytes", "crc32c"]), **{"0": bytes((16 << 20) + 4)})),
    Case(
        "components_of_metadata",
        saved(b"\1" * 40_000, b""),
        "it tells of 40000 components; 32768 are allowed",
    ),
    Case(
        "components", saved(b"", content(51, content(1, LEAF) * 33_000)), "the structure has more than 32768 components"
    ),
    Case("parts_of_nothing", saved(b"", content(51, b"\x0a\x02\x0a\x00" * MANY)), "more than 65536 parts"),
    Case(
        "long_names_of_components",
        saved(b"", content(53, content(1, content(1, b"k" * 4000) + content(2, sequence(*[LEAF] * 5000))))),
        "the names of its components are far longer together than the structure",
    ),
    Case("fields_of_a_structure", saved(b"", content(33, b"\x0a\x00" * MANY)), FIELDS),
    Case(
        "components_of_an_old_element",
        saved(b"\1", sequence(LEAF), struct.pack("<Q", len(OLD)), OLD, version=1),
        FIELDS,
    ),
    Case(
        "axes_of_an_element",
        saved(b"\1", sequence(LEAF), framed(b"\x08\x01" + content(2, b"\x12\x00" * MANY))),
    ),
    Case("tensors_of_a_variant", saved(b"\x15", OF_VARIANT, framed(RAGGED)), FIELDS),
    Case(
        "variants_of_an_element",
        saved(b"\x15", OF_VARIANT, framed(b"\x08\x15" + content(2, content(2, number(1, MANY))) + b"\x7a\x00" * MANY)),
        "the field 15 comes in more than 65536 pieces, which none that is written does",
    ),
    Case("a_record_that_unpacks", saved(b"\1", sequence(LEAF), framed(bytes(50 << 20)), pack=gzip.compress)),
    Case(
        "groups_of_weights",
        file_of("x.weights.json", b'{"weight_map":{%s}}' % b",".join(b'"%x":"a"' % i for i in range(132_000))),
        "tells of 132000 groups of variables; 131072 are the most",
    ),
    Case("header_of_npy", file_of("x.npy", b"\x93NUMPY\2\0" + (1 << 23).to_bytes(4, "little") + b"(" * (1 << 23)), ""),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_takes_no_more_than_its_size_allows(tmp_path, case):
    path = case.make(tmp_path)
    size = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    with limited(size, case.name):
        if case.refused:
            with pytest.raises(t2n.FormatError) as caught:
                read(path)
            assert case.refused in str(caught.value)
        else:
            read_all(path, pieces=False)


@pytest.mark.parametrize(
    ("module", "limits", "make", "refused"),
    [
        (
            "_cached_elements",
            {"_FREE_KINDS": -2},
            lambda folder: index(folder, *((b"      %d_0" % i, tables.entry(1, (0, i))) for i in range(4))),
            "it has elements of 1 components, and of 2 dtypes and shapes; 32768 and 1 are the most that are read in a "
            "table of this size",
        ),
        (
            "safetensors",
            {"_FREE_ENTRIES": 1},
            safetensors(b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"b":{}}'),
            "its header has 2 entries; 1 are the most in a file of 68 bytes",
        ),
        (
            "_constants",
            {"_FREE_BYTES": 700},
            file_of("x", graph_def(const("a", tensor()), const("b", tensor()))),
            "its 1 constants and their names are too many for 58 bytes",
        ),
    ],
)
def test_what_takes_long_to_make(tmp_path, monkeypatch, module, limits, make, refused):
    for name, value in limits.items():
        monkeypatch.setattr(f"tf2numpy.formats.{module}.{name}", value)
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(make(tmp_path))
    assert str(caught.value).endswith(refused)


def test_many_small_entries_with_data(tmp_path, monkeypatch):
    """Where there are data of some size, there may be as many entries as one likes."""
    monkeypatch.setattr("tf2numpy.formats._bundle._FREE_BYTES", 0)
    rows = [(b"%d" % i, tables.entry(1, (), 0, 4 * i, 4)) for i in range(9)]
    path = index(tmp_path, *rows)
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(path)
    assert str(caught.value).endswith(
        "it has more than 2 entries, which would take far more memory than there is in its 208 bytes and the data files"
    )
    (tmp_path / "x.data-00000-of-00001").write_bytes(bytes(1000))
    assert len(t2n.open(path, check=False)) == 9


def read(path: Path) -> None:
    with t2n.open(path) as file:
        for array in file.values():
            np.asarray(array)
