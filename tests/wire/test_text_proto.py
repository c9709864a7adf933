"""Flat messages in text form, as `checkpoint` files are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf2numpy import FormatError
from tf2numpy.wire.text_proto import text_fields


def test_a_checkpoint_file():
    text = (
        b'# by hand\nmodel_checkpoint_path: "ck-2"\nall_model_checkpoint_paths: "ck-1" all_model_checkpoint_paths : '
        b"'ck-2'; # both\nall_model_checkpoint_timestamps: 1.6e9,\nlast_preserved_timestamp: -3"
    )
    assert text_fields(text) == {
        "model_checkpoint_path": [b"ck-2"],
        "all_model_checkpoint_paths": [b"ck-1", b"ck-2"],
        "all_model_checkpoint_timestamps": [b"1.6e9"],
        "last_preserved_timestamp": [b"-3"],
    }
    assert text_fields(b" \n# nothing") == {}


def test_escapes():
    text = rb'a: "\n\t\"\\\'\?" "\101\x41\xe9\u00e9\U0001F600" b: ' + b'"\xff"'
    assert text_fields(text) == {"a": [b"\n\t\"\\'?AA\xe9" + "é😀".encode()], "b": [b"\xff"]}


@given(st.binary(max_size=30))
def test_any_bytes_come_back(value):
    text = b'x: "' + b"".join(b"\\%03o" % byte for byte in value) + b'"'
    assert text_fields(text) == {"x": [value]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'a: "x"\nb { c: 1 }', "line 2 has 'b { c: 1 }', and must have a name, a colon and a value"),
        (b'a: "x', "line 1 has 'a: \"x', and must have a name, a colon and a value"),
        (b"\x00\x01", "line 1 has '\\x00\\x01', and must have a name, a colon and a value"),
        (b'a: "\\Uffffffff"', "\\Uffffffff is no character"),
    ],
)
def test_what_is_no_flat_message(text, message):
    with pytest.raises(FormatError) as caught:
        text_fields(text)
    assert str(caught.value) == message
