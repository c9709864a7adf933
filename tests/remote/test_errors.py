"""What goes wrong when a name in a store is opened: each error says where and what, and no secret is told."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import _remote_blob

from .outcomes import SECRET, npy, refused
from .servers import CLOSED_PORT

UNREAD = "NAME: bytes 0 to 65536 could not be read"
HTTP_CREDENTIALS = "credentials are taken from the name itself: https://user:password@host/..., or a signed URL"


def test_no_such_object(web):
    assert refused(FileNotFoundError, f"{web.url('none.npy')}?sig={SECRET}") == (
        "[Errno 2] there is no such object, and its server cannot list folders: name a file in it, such as a "
        f"checkpoint's .index: '{web.root}/none.npy?...'"
    )


def test_nothing_is_asked_for_twice_of_what_is_not_there(web):
    refused(FileNotFoundError, web.url("dir/none"))
    # A request whose connection broke off, as on a busy machine, is sent again at once.
    names = [name for name, _ in itertools.groupby(name for _, name, _ in web.requests)]
    assert len(names) == len(set(names)) <= 16


def test_no_such_object_or_bucket(bucket):
    assert refused(FileNotFoundError, bucket.url("none.npy")) == (
        f"[Errno 2] there is no such object: '{bucket.root}/none.npy'"
    )
    other = bucket.root.replace("bucket", "nowhere")
    assert refused(FileNotFoundError, f"{other}/x.npy") == f"[Errno 2] there is no such bucket: '{other}/x.npy'"


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (401, PermissionError, f"[Errno 13] the store refuses it (401 Unauthorized, Odd); {HTTP_CREDENTIALS}: NAME"),
        (403, PermissionError, f"[Errno 13] the store refuses it (403 Forbidden, Odd); {HTTP_CREDENTIALS}: NAME"),
        (
            500,
            t2n.StoreError,
            f"{UNREAD}: the store answered 500 Internal Server Error, Odd",
        ),
        (
            503,
            t2n.StoreError,
            f"{UNREAD}: the store answered 503 Service Unavailable, Odd",
        ),
        (400, t2n.StoreError, f"{UNREAD}: the store answered 400 Bad Request, Odd"),
    ],
)
def test_answers(web, status, kind, message):
    web.status["x"] = status, f"<Error><Code>Odd</Code><StringToSign>{SECRET}</StringToSign></Error>".encode()
    assert refused(kind, f"{web.url('x')}?X-Goog-Signature={SECRET}") == message.replace("NAME", f"'{web.root}/x?...'")


def test_digits_of_a_name_are_no_status(web):
    web.status["416.npy"] = 500, b"<Error><Code>Odd</Code></Error>"
    assert refused(t2n.StoreError, web.url("416.npy")) == (
        f"'{web.url('416.npy')}': bytes 0 to 65536 could not be read: the store answered 500 Internal Server Error, Odd"
    )
    assert {method for method, _, _ in web.requests} == {"GET"}


@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize(("tries", "works"), [(1, True), (5, False)])
def test_a_server_that_is_busy_is_asked_again(web, status, tries, works):
    web.put("x.npy", npy(np.arange(3)))
    left = [tries]

    def busy(name):
        left[0] -= 1
        web.status = {name: (status, b"")} if left[0] >= 0 else {}

    web.before = busy
    if works:
        with t2n.open(web.url("x.npy")) as file:
            assert file["data"][...].tolist() == [0, 1, 2]
    else:
        refused(t2n.StoreError, web.url("x.npy"))


@pytest.mark.parametrize(("tries", "works"), [(1, True), (5, False)])
def test_a_server_that_hangs_up(web, tries, works):
    web.put("x.npy", npy(np.arange(3)))
    web.before = lambda name: setattr(web, "hangs_up", len(web.requests) <= tries)
    if works:
        with t2n.open(web.url("x.npy")) as file:
            assert file["data"][...].tolist() == [0, 1, 2]
    else:
        assert refused(t2n.StoreError, f"{web.url('x.npy')}?sig={SECRET}") == (
            f"'{web.url('x.npy')}?...': bytes 0 to 65536 could not be read: the connection broke off"
        )


def test_nobody_listens():
    assert refused(t2n.StoreError, f"{CLOSED_PORT}/x.npy?sig={SECRET}") == (
        f"'{CLOSED_PORT}/x.npy?...': bytes 0 to 65536 could not be read: the server refuses connections"
    )
    assert "PASSWORD" not in refused(t2n.StoreError, CLOSED_PORT.replace("//", "//user:PASSWORD@") + "/x")


def test_a_name_and_a_password(web):
    web.put("x.npy", npy(np.arange(3)))
    web.login = "Basic dXNlcjpQQVNTV09SRC8="
    with t2n.open(web.url("x.npy").replace("//", "//user:PASSWORD%2F@")) as file:
        assert file["data"][...].tolist() == [0, 1, 2]
        assert str(file.path) == web.url("x.npy")
        assert "PASSWORD" not in repr(file) + repr(file.path) + file["data"].source.device
    refused(PermissionError, web.url("x.npy").replace("//", "//user:PASSWORD@"))


def test_a_query_goes_with_every_request(web):
    web.put("dir/x.npy", npy(np.arange(1 << 19)))
    with t2n.open(f"{web.url('dir/x.npy')}?sig={SECRET}") as file:
        assert file["data"][-1] == (1 << 19) - 1
        assert repr(file).startswith(f".npy file '{web.root}/dir/x.npy?...', 1 arrays")


def test_a_path_that_does_not_come_back_from_its_parts(web):
    web.put("o/models/a.npy", npy(np.arange(3)))
    with t2n.open(f"{web.root}/o/models%2Fa.npy?alt=media") as file:
        assert file["data"][...].tolist() == [0, 1, 2]
        assert str(file.path) == f"{web.root}/o/models/a.npy?..."


def test_only_whole_files(web, monkeypatch):
    web.put("x.npy", npy(np.arange(1 << 19)))
    web.ranges = False
    with t2n.open(web.url("x.npy")) as file:
        assert file["data"][7:9].tolist() == [7, 8]
    monkeypatch.setattr(_remote_blob, "MOST_UNRANGED_BYTES", 1 << 20)
    assert refused(t2n.StoreError, web.url("x.npy")) == (
        f"'{web.url('x.npy')}' cannot be read in parts: the server sends nothing but the whole of its 4.0 MiB, and at "
        "most 1.0 MiB are taken so; download it, and open the copy"
    )


def test_a_redirection(web):
    web.put("cdn/x.npy", npy(np.arange(1 << 19)))
    web.redirects["x.npy"] = f"/cdn/x.npy?sig={SECRET}"
    with t2n.open(web.url("x.npy")) as file:
        assert file["data"][-1] == (1 << 19) - 1
        assert str(file.path) == web.url("x.npy")
    web.status["cdn/x.npy"] = 403, b""
    assert refused(PermissionError, web.url("x.npy")) == (
        f"[Errno 13] the store refuses it (403 Forbidden); {HTTP_CREDENTIALS}: '{web.url('x.npy')}'"
    )


def test_a_server_that_tells_no_length(web):
    web.put("x.npy", npy(np.arange(3)))
    web.says_length = web.ranges = False
    assert refused(t2n.StoreError, web.url("x.npy")) == (
        f"'{web.url('x.npy')}' could not be read: the server does not say how large it is; download it, and open the "
        "copy"
    )


def test_a_page_instead_of_a_file(web):
    web.put("x", b"\n<!DOCTYPE html>\n<html>...")
    assert (
        f"'{web.root}/x' is of no format that can be read; it begins as a web page does, which servers give for a "
        "folder (name a file in it) and for want of a login; known are npy, npz,"
        in refused(t2n.FormatError, web.url("x"))
    )


def test_no_credentials(s3, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert refused(PermissionError, s3.url("x.npy")) == (
        "[Errno 13] no credentials were found; credentials are taken from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        "a profile of ~/.aws if boto3 is installed, or the machine's role; AWS_SKIP_SIGNATURE=true reads public "
        "buckets: 's3://bucket/x.npy'"
    )


def test_public_buckets(s3, monkeypatch):
    s3.put("public.npy", npy(np.arange(3)))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    with t2n.open(s3.url("public.npy")) as file:
        assert file["data"][...].tolist() == [0, 1, 2]


def test_a_profile_of_boto3(s3, monkeypatch, tmp_path):
    pytest.importorskip("boto3")
    s3.put("profile.npy", npy(np.arange(3)))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text(
        "[mine]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = SECRETKEY\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with t2n.open(s3.url("profile.npy")) as file:
        assert file["data"][...].tolist() == [0, 1, 2]


def test_settings_that_cannot_be(monkeypatch):
    assert refused(t2n.InvalidArgument, "az://container/x") == (
        "'az://container/x' cannot be opened: no account is named; set AZURE_STORAGE_ACCOUNT_NAME"
    )


def test_http_is_not_taken_for_https(s3, monkeypatch):
    monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")
    monkeypatch.setenv(
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        '{"gcs_base_url": "http://127.0.0.1:9", "disable_oauth": true, '
        '"client_email": "", "private_key": "", "private_key_id": ""}',
    )
    assert refused(t2n.StoreError, "gs://bucket/x") == (
        "'gs://bucket/x': bytes 0 to 65536 could not be read: it would take an unencrypted connection, which was not "
        "asked for"
    )
