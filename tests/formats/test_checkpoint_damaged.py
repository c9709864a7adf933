"""Checkpoints with something missing or wrong: each is refused in words that say what, where, and what to do."""

import numpy as np
import pytest

import tf2numpy as t2n
from tables import MAGIC, BundleFiles, content, entry, header, number, shape_proto, strings, table
from tf2numpy.wire import slices

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


def refused(path, error=t2n.FormatError, **options):
    with pytest.raises(error) as caught:
        t2n.open(path, **options)
    return str(caught.value)


@pytest.fixture
def path(tmp_path):
    return BundleFiles(shards=2).add("x", VALUES).add("y", VALUES, shard=1).write(tmp_path)


def test_a_missing_data_file(path):
    (path.parent / "ck.data-00001-of-00002").unlink()
    message = f"{str(path)!r} needs 'ck.data-00001-of-00002', which is not there; there is "
    assert refused(path) == f"{message}ck.data-00000-of-00002; copy it there"
    (path.parent / "ck.data-00000-of-00002").rename(path.parent / "other")
    assert refused(path) == (
        f"{str(path)!r} needs 'ck.data-00000-of-00002', which is not there; there is no data file; copy it there"
    )


@pytest.mark.parametrize("length", [0, 23])
def test_a_data_file_that_was_cut_short(path, length):
    file = path.parent / "ck.data-00001-of-00002"
    file.write_bytes(file.read_bytes()[:length])
    assert refused(path) == (
        f"{str(file)!r} has {length} bytes, and the index tells of tensors up to 24: it was cut short, or is of "
        "another checkpoint; copy it anew"
    )


def test_an_index_that_is_no_table(path):
    index = path.parent / "ck.index"
    index.write_bytes(index.read_bytes()[:-1])
    message = f"{str(index)!r} cannot be read: its last 48 bytes are no table's footer"
    assert refused(path) == refused(index) == message
    index.write_bytes(b"")
    assert refused(path) == refused(index) == message


def test_a_damaged_index(path):
    index = path.parent / "ck.index"
    index.write_bytes(b"\1" + index.read_bytes()[1:])
    message = refused(path, t2n.ChecksumError)
    assert message.startswith(f"{str(index)!r} cannot be read: the block at offset 0, ")


def test_no_index(path):
    (path.parent / "ck.index").unlink()
    assert refused(path) == (
        f"{str(path)!r} has no index: there is ck.data-00000-of-00002, ck.data-00001-of-00002, and no ck.index; a save "
        "that did not finish leaves that, or a copy that is not whole"
    )


def test_many_data_files_are_not_all_named(tmp_path):
    files = BundleFiles(shards=8)
    for shard in range(8):
        files.add(f"x{shard}", VALUES, shard=shard)
    path = files.write(tmp_path)
    (tmp_path / "ck.index").unlink()
    first = ", ".join(f"ck.data-0000{n}-of-00008" for n in range(5))
    assert refused(path).startswith(f"{str(path)!r} has no index: there is {first}, 3 more, and no ck.index; ")


def test_nothing_at_all(tmp_path):
    with pytest.raises(FileNotFoundError):
        t2n.open(tmp_path / "ck")
    with pytest.raises(FileNotFoundError):
        t2n.open(tmp_path / "no folder" / "ck")


def test_a_choice_where_there_is_none(path):
    assert refused(path, t2n.InvalidArgument, checkpoint="3") == (
        f"checkpoint='3' chooses one of a folder, and {str(path)!r} is one checkpoint; leave it out"
    )


X = "the tensor 'x' of {path!r} cannot be read: "
PART = slices.key(b"x", ((0, 1), (0, -1)))
WHOLE = entry(1, (2, 3), parts=[((0, 1), (0, -1)), ((1, 1), (0, -1))])
ROW, OTHER_ROW = entry(1, (1, 3), size=12), entry(3, (1, 3), size=12)
UNDER = X + "its part [0:1, 0:3] has dtype 1 and shape (1, 3), and under that part's key there is "
HOSTILE = {
    "size": ({b"x": entry(1, (2, 3), size=20)}, X + "its shape (2, 3) of float32 takes 24 bytes, and 20 are recorded"),
    "shape": (
        {b"x": entry(1, (1 << 40, 1 << 40), size=24)},
        X + f"its shape {(1 << 40,) * 2} of float32 takes {1 << 82} bytes, and 24 are recorded",
    ),
    "strings": (
        {b"x": entry(7, (1 << 60,), size=9)},
        X + f"it has 9 bytes, which cannot be strings of shape ({1 << 60},)",
    ),
    "shard": (
        {b"x": entry(1, (2, 3), 5, size=24)},
        "{path!r} has tensors in data file 5, and its index tells of 1, counted from 0; the index is damaged",
    ),
    "offset": (
        {b"x": entry(1, (2, 3), offset=1 << 62, size=24)},
        f"'{{path}}.data-00000-of-00001' has 100 bytes, and the index tells of tensors up to {(1 << 62) + 24}: it was "
        "cut short, or is of another checkpoint; copy it anew",
    ),
    "message": (
        {b"x": b"\7"},
        "'{path}.index' cannot be read: the entry b'x' cannot be read: the field at offset 0 has the number 0; 1 to "
        "536870911 are allowed",
    ),
    "no part": ({b"x": WHOLE}, UNDER + "nothing"),
    "dtype of a part": ({b"x": WHOLE, PART: OTHER_ROW}, UNDER + "dtype 3 and shape (1, 3)"),
    "shape of a part": ({b"x": WHOLE, PART: entry(1, (3, 1), size=12)}, UNDER + "dtype 1 and shape (3, 1)"),
    "part in parts": ({b"x": WHOLE, PART: WHOLE}, UNDER + "dtype 1 and shape (2, 3)"),
    "missing": (
        {b"x": entry(1, (2, 3), parts=[((0, 1), (0, -1))]), PART: ROW},
        X + "its 1 parts leave elements out, the first at (1, 0)",
    ),
    "twice": (
        {b"x": entry(1, (1, 3), parts=[((0, 1), (0, -1))] * 2), PART: ROW},
        X + "the part [0:1, 0:3] overlaps another one",
    ),
    "outside": (
        {b"x": entry(1, (1, 3), parts=[((0, 2), (0, -1))])},
        X + "the part [0:2, 0:3] is not within a tensor of shape (1, 3)",
    ),
}


def written(folder, rows, data=bytes(100)):
    (folder / "ck.data-00000-of-00001").write_bytes(data)
    (folder / "ck.index").write_bytes(table(sorted(rows.items())))
    return folder / "ck"


@pytest.mark.parametrize("name", HOSTILE)
def test_entries_that_do_not_add_up(tmp_path, name):
    rows, message = HOSTILE[name]
    path = written(tmp_path, {b"": header(), **rows})
    assert refused(path) == message.format(path=str(path))


@pytest.mark.parametrize("rows", [{}, {b"x": entry(1, (2,), size=8)}])
def test_an_index_without_a_header(tmp_path, rows):
    path = written(tmp_path, rows)
    assert refused(path) == (
        f"'{path}.index' cannot be read: its first key is not the empty one, whose value is a bundle's header"
    )


LEFT_OUT = {
    "resource": (entry(20, (), size=4), "TensorFlow's dtype 20, which no array can have"),
    "unknown": (entry(77, (2,), size=4), "TensorFlow's dtype 77, which no array can have"),
    "variant": (entry(21, (), size=4), "1 variants in 4 bytes, which only TensorFlow can use; they are damaged"),
    "variants": (entry(21, (0,)), "0 variants in 0 bytes, which only TensorFlow can use"),
    "in parts": (
        entry(21, (1,), parts=[((0, -1),)]),
        "1 variants in 0 bytes, which only TensorFlow can use",
    ),
    "axes": (entry(4, (1,) * 65, size=1), None),
    "large": (entry(1, (0, 1 << 62, 4)), None),
}


def test_what_cannot_be_an_array_is_left_out(tmp_path):
    rows = {name.encode(): raw for name, (raw, _) in LEFT_OUT.items()}
    part = slices.key(b"gone", ((0, -1),))
    path = written(tmp_path, {b"": header(), b"x": entry(1, (2,), size=8), part: entry(1, (2,), size=8), **rows})
    with t2n.open(path) as file:
        assert list(file) == ["x"]
        reasons = dict(file.left_out)
    assert reasons.pop(str(part, "utf-8", "surrogateescape")) == "a part of a tensor that is not there"
    assert reasons.pop("axes").startswith("65 axes, and NumPy allows ")
    assert reasons.pop("large").startswith(f"the shape (0, {1 << 62}, 4), which NumPy cannot have: ")
    assert reasons == {name: reason for name, (_, reason) in LEFT_OUT.items() if reason}


def test_wrong_strings_are_refused_when_they_are_read(tmp_path):
    path = written(tmp_path, {b"": header(), b"x": entry(7, (3,), size=5)})
    with t2n.open(path) as file:
        with pytest.raises(t2n.FormatError) as caught:
            np.asarray(file["x"])
        assert str(caught.value) == (
            f"the tensor 'x' of '{path}.data-00000-of-00001' cannot be read: it has 5 bytes, which cannot be 3 strings"
        )


def test_tables_that_are_something_else(tmp_path):
    other = tmp_path / "000005.ldb"
    other.write_bytes(table([(b"key", b"value")]))
    assert refused(other) == (
        f"checkpoint of version 1 {str(other)!r} cannot be read: it is a table without the empty key, under which a "
        "checkpoint lists its tensors"
    )
    renamed = BundleFiles().add("x", VALUES).write(tmp_path)
    (tmp_path / "ck.index").rename(tmp_path / "index")
    assert refused(tmp_path / "index") == (
        f"checkpoint of version 1 {str(tmp_path / 'index')!r} cannot be read: it is the index of a checkpoint; give it "
        "back its name, which ends in .index"
    )
    assert renamed.name == "ck"


def test_other_files_called_index(tmp_path):
    (tmp_path / "search.index").write_bytes(b"something else")
    assert "is of no format that can be read" in refused(tmp_path / "search.index")
    (tmp_path / "short").write_bytes(MAGIC)
    assert "is of no format that can be read" in refused(tmp_path / "short")


def test_damage_of_version_1(tmp_path):
    def v1(rows, name="model"):
        (tmp_path / name).write_bytes(table(sorted(rows.items())))
        return tmp_path / name

    def meta(*tensors):
        return content(1, b"".join(content(1, tensor) for tensor in tensors))

    def tensor(enum=1, shape=(2,), parts=(((0, -1),),), name=b"x"):
        made = content(1, name) + content(2, shape_proto(shape)) + number(3, enum)
        return made + b"".join(
            content(4, b"".join(content(1, number(1, s) + (b"" if n == -1 else number(2, n))) for s, n in part))
            for part in parts
        )

    key = slices.key(b"x", ((0, -1),))
    part = f"the part [0:2] of the tensor 'x' of {str(tmp_path / 'model')!r} cannot be read: "
    path = v1({b"": meta(tensor())})
    with t2n.open(path) as file, pytest.raises(t2n.FormatError) as caught:
        np.asarray(file["x"])
    assert str(caught.value) == f"{part}it is listed, and not there"
    path = v1({b"": meta(tensor()), key: content(2, content(3, content(5, b"\0")))})
    with t2n.open(path) as file, pytest.raises(t2n.FormatError) as caught:
        np.asarray(file["x"])
    assert str(caught.value) == f"{part}the packed field 5 has 1 bytes, no multiple of 4"
    path = v1({b"": meta(tensor(shape=(1 << 40,))), key: content(2, content(3, content(5, bytes(8))))})
    with t2n.open(path) as file, pytest.raises(t2n.FormatError) as caught:
        file["x"][0]
    assert "it has 10 bytes, which cannot be the values of a shape" in str(caught.value)
    x = f"the tensor 'x' of {str(tmp_path / 'model')!r} cannot be read: "
    assert refused(v1({b"": meta(tensor(parts=()))})) == f"{x}its 0 parts leave elements out, the first at (0,)"
    assert refused(v1({b"": meta(tensor(), tensor(3))})) == f"{x}its files tell of different dtypes or shapes of it"
    assert t2n.open(v1({b"": meta(tensor(20))})).left_out == {"x": "TensorFlow's dtype 20, which no array can have"}
    unknown = v1({b"": meta(content(1, b"x") + content(2, number(3, 1)))})
    assert refused(unknown).endswith("cannot be read: the shape of the tensor 'x' is not known")
    first = v1({b"": meta(tensor())}, "m-00000-of-00002")
    assert refused(first) == f"{str(first)!r} is one of 2 files, and 'm-00001-of-00002' is missing; copy it there"


def test_version_1_in_several_files(tmp_path):
    def tensor(name, part, values):
        made = content(1, name) + content(2, shape_proto((4,))) + number(3, 1)
        made += content(4, content(1, number(1, part[0]) + number(2, part[1])))
        proto = content(3, content(5, np.array(values, "<f4").tobytes()))
        return made, {slices.key(name, (part,)): content(2, content(1, name) + proto)}

    for shard, part in enumerate([(0, 1), (1, 3)]):
        made, rows = tensor(b"x", part, [shard] * part[1])
        rows[b""] = content(1, content(1, made))
        (tmp_path / f"m-0000{shard}-of-00002").write_bytes(table(sorted(rows.items())))
    for name in ("m-00000-of-00002", "m-00001-of-00002", "m-?????-of-00002"):
        with t2n.open(tmp_path / name) as file:
            assert np.asarray(file["x"]).tolist() == [0, 1, 1, 1]
            assert file["x"][1:3].tolist() == [1, 1]
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "m-?????-of-00002"')
    with t2n.open(tmp_path) as file:
        assert file["x"][2:].tolist() == [1, 1]


def test_texts_of_version_1_are_counted(tmp_path):
    texts = strings(b"a" * 100, b"", b"b" * 300)
    made = content(1, b"t") + content(2, shape_proto((3,))) + number(3, 7) + content(4, content(1, b""))
    proto = content(3, b"".join(content(8, text) for text in texts))
    rows = {b"": content(1, content(1, made)), slices.key(b"t", ((0, -1),)): content(2, proto)}
    (tmp_path / "m").write_bytes(table(sorted(rows.items())))
    with t2n.open(tmp_path / "m") as file:
        assert np.asarray(file["t"]).tolist() == texts.tolist()
        assert file["t"].source.lengths(0, 3).tolist() == [100, 0, 300]
        assert len(list(t2n.iter_chunks(file["t"], max_bytes=720))) == 2
