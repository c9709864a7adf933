import itertools
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf2numpy.sinks._file_names import file_names

DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a", "a.npy"),
        ("a/b", "a/b.npy"),
        ("layer 1/kernel:0", "layer 1/kernel%3A0.npy"),
        ("é/日本", "é/日本.npy"),
        ("", "%.npy"),
        ("/", "%/%.npy"),
        ("/abs", "%/abs.npy"),
        ("../../x", "%2E%2E/%2E%2E/x.npy"),
        ("a/../b", "a/%2E%2E/b.npy"),
        ("a/.", "a/%2E.npy"),
        (".hidden", "%2Ehidden.npy"),
        ("ends.", "ends%2E.npy"),
        ("ends ", "ends%20.npy"),
        (" begins", "%20begins.npy"),
        ("~user", "%7Euser.npy"),
        ("-rf", "%2Drf.npy"),
        ("CON", "%43ON.npy"),
        ("con.txt/x", "%63on.txt/x.npy"),
        ("lpt1", "%6Cpt1.npy"),
        ("console", "console.npy"),
        ("100%", "100%25.npy"),
        ("%41", "%2541.npy"),
        ("a\\b\0c\n", "a%5Cb%00c%0A.npy"),
        ("a\udcff", "a%ED%B3%BF.npy"),
        ("\u212b", "%E2%84%AB.npy"),  # the sign for Angstrom, which some systems turn into a letter
        ("x.npy", "x.npy.npy"),
        ("x.npy/y", "x%2Enpy/y.npy"),
        ("arrays.json/y", "arrays%2Ejson/y.npy"),
        ("y/arrays.JSON/x.NPY/y", "y/arrays%2EJSON/x%2ENPY/y.npy"),
    ],
)
def test_files_of_names(name, file):
    assert file_names([name]) == {name: file}


@pytest.mark.parametrize("names", [("a", "A"), ("A/b", "a/b"), ("e\u0301", "é"), ("ß", "ss"), ("x/İ", "x/i\u0307")])
def test_names_that_some_systems_take_for_one(names):
    found = file_names(names)
    assert re.fullmatch(r"(.*)%-[0-9a-f]{12}\.npy", found[names[0]])
    assert len({unicodedata.normalize("NFKC", file).casefold() for file in found.values()}) == 2
    assert file_names(names[::-1]) == found


def test_a_name_like_a_hashed_one():
    first = file_names(["a", "A"])
    taken = first["a"].removesuffix(".npy")
    assert len(set(file_names(["a", "A", taken]).values())) == 3


@pytest.mark.parametrize(
    "name", ["x" * 201, "x" * 5000, "é" * 300, "\0" * 100, "/".join("deep" * 50 for _ in range(20))]
)
def test_long_names(name):
    other = name[:-1] + "z"
    found = file_names([name, other])
    assert len(set(found.values())) == 2
    for file in found.values():
        assert len(file.encode()) < 810
        assert max(len(part.encode()) for part in file.split("/")) <= 220
        assert re.search(r"%-[0-9a-f]{12}\.npy$", file) or "/" in file
        assert not re.search(r"%([^-0-9A-F]|[0-9A-F][^0-9A-F])", file)


def test_no_names_at_all():
    assert file_names([]) == {}


PARTS = st.one_of(
    st.sampled_from(
        [
            "",
            ".",
            "..",
            "a",
            "A",
            "a.npy",
            "arrays.json",
            "CON",
            "nul.x",
            "é",
            "e\u0301",
            "x" * 250,
            "%",
            "%-",
            "~",
            " ",
        ]
    ),
    st.text(max_size=8),
    st.text(alphabet="aA./%-\\\0 é\udc80", max_size=6),
)


@settings(max_examples=300)
@given(st.lists(st.lists(PARTS, min_size=1, max_size=4).map("/".join), unique=True, max_size=12))
def test_any_names_get_files_of_their_own(names):
    found = file_names(names)
    assert list(found) == names
    folded = [unicodedata.normalize("NFC", unicodedata.normalize("NFC", file).casefold()) for file in found.values()]
    assert len(set(folded)) == len(names)
    folders = {"/".join(f.split("/")[:n]) for f in folded for n in range(1, f.count("/") + 1)}
    assert folders.isdisjoint({*folded, "arrays.json"})
    assert "arrays.json" not in folded
    for part in itertools.chain.from_iterable(file.split("/") for file in found.values()):
        assert part
        assert part[0] not in "./~- "
        assert part[-1] not in ". "
        assert part.isprintable()
        assert not set(part) & set('<>:"\\|?*\0')
        assert part.split(".")[0].rstrip().lower() not in DEVICES
        assert len(part.encode()) <= 255
