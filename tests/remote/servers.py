"""Servers on this machine that hold files as stores do: an HTTP server that can misbehave, and S3, GCS and Azure ones.

Each counts what it sends. None is more than its protocol: what reads from them are the libraries' own clients.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

CLOSED_PORT = "http://127.0.0.1:9"  # where nothing listens: discard
BUCKET = "bucket"
# What every Azurite has, as its documentation says.
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def files_below(folder: Path) -> dict[str, Path]:
    """Give the files of a folder by their names below it."""
    return {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}


class WebServer:
    """Sends files by range. What it does wrong is set by its attributes, and undone by `reset`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.reset()
        self._server = _Quiet(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.root = f"http://{self.host}"

    def reset(self) -> None:
        """Behave, and count from nothing."""
        self.requests: list[tuple[str, str, str | None]] = []  # method, name, range
        self.sent_bytes = 0
        self.ranges = True
        self.says_length = True
        self.redirects: dict[str, str] = {}  # by name, to other names
        self.tag: Callable[[bytes], str | None] = lambda data: f'"{hash(data) & 0xFFFFFFFF:x}"'
        self.minds_conditions = True
        self.status: dict[str, tuple[int, bytes]] = {}  # by name, instead of the file
        self.breaks_after: int | None = None  # bytes of a body
        self.hangs_up = False  # without any answer
        self.shifts = 0  # bytes from what was asked for to what is sent
        self.login = ""
        self.before: Callable[[str], None] = lambda name: None

    def put(self, name: str, data: bytes) -> None:
        """Hold a file."""
        self.files[name] = data

    def url(self, name: str) -> str:
        """Name a file."""
        return f"{self.root}/{name}"

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that has gone."""


def _handler(server: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            name = unquote(self.path.partition("?")[0]).lstrip("/")
            asked = self.headers.get("Range")
            server.requests.append((self.command, name, asked))
            server.before(name)
            if server.hangs_up:
                self.close_connection = True
                return None
            if server.login and self.headers.get("Authorization") != server.login:
                return self.answer(401, b"")
            if name in server.status:
                return self.answer(*server.status[name])
            if name in server.redirects:
                return self.answer(302, b"", {"Location": server.redirects[name]})
            if name not in server.files:
                return self.answer(404, b"no such file")
            data = server.files[name]
            tag = server.tag(data)
            headers = {"ETag": tag} if tag else {}
            condition = self.headers.get("If-Match")
            if condition and server.minds_conditions and condition != tag:
                return self.answer(412, b"")
            if asked is None or not server.ranges:
                return self.answer(200, data, headers)
            first, last = asked.removeprefix("bytes=").split("-")
            start, stop = int(first), min(int(last) + 1, len(data))
            if start >= len(data):
                return self.answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            start, stop = start + server.shifts, stop + server.shifts
            self.answer(206, data[start:stop], headers | {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"})

        do_HEAD = do_GET

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            self.close_connection = self.close_connection or not server.says_length
            length = {"Content-Length": str(len(body))} if server.says_length else {}
            for name, value in {**length, **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if server.breaks_after is not None and len(body) > server.breaks_after:
                body = body[: server.breaks_after]
                self.close_connection = True
            server.sent_bytes += len(body)
            self.wfile.write(body)

    return Handler


class ObjectStore:
    """A bucket with objects. root: what names in it begin with; env: what tells clients where it is."""

    def __init__(self, root: str, env: dict[str, str], put: Callable[[str, bytes], None]) -> None:
        self.root, self.env, self.put = root, env, put
        self.sent_bytes = 0
        self.requests: list[tuple[str, str, str | None]] = []

    def url(self, name: str) -> str:
        """Name an object or a folder."""
        return f"{self.root}/{name}" if name else self.root

    def put_folder(self, folder: Path, name: str = "") -> None:
        """Hold all files of a folder."""
        for below, file in files_below(folder).items():
            self.put(f"{name}/{below}".lstrip("/"), file.read_bytes())


@contextmanager
def amazon() -> Iterator[tuple[ObjectStore, ObjectStore]]:
    """Run moto's S3, as S3 and as GCS, whose XML API answers the same requests, without signatures."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    app = DomainDispatcherApplication(create_backend_app)
    stores: list[ObjectStore] = []

    def counting(environ: dict[str, Any], start_response: Any) -> Any:
        body = b"".join(app(environ, start_response))
        for store in stores:
            store.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("HTTP_RANGE")))
            store.sent_bytes += len(body)
        return [body]

    server = make_server("127.0.0.1", 0, counting, threaded=True, request_handler=_silent())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    put = _putter(address)
    s3_env = {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "SECRETKEY",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
    }
    stores += [
        ObjectStore(f"s3://{BUCKET}", s3_env, put),
        ObjectStore(f"gs://{BUCKET}", {"GOOGLE_BASE_URL": address, "GOOGLE_SKIP_SIGNATURE": "true"}, put),
    ]
    try:
        yield stores[0], stores[1]
    finally:
        server.shutdown()


def _silent() -> Any:
    from werkzeug.serving import WSGIRequestHandler

    class Silent(WSGIRequestHandler):
        def log_request(self, *_: Any) -> None:
            """Say nothing."""

    return Silent


def _putter(address: str) -> Callable[[str, bytes], None]:
    import boto3

    key = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "SECRETKEY"}
    client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **key)
    client.create_bucket(Bucket=BUCKET)
    return lambda name, data: client.put_object(Bucket=BUCKET, Key=name, Body=data, ACL="public-read")


@contextmanager
def azure() -> Iterator[ObjectStore]:
    """Run Azurite, Microsoft's emulator of Azure; it comes from another registry than Python's packages."""
    port = _free_port()
    command = ["azurite-blob", "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--silent"]
    process = subprocess.Popen([*command, "--skipApiVersionCheck", "--disableTelemetry"], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        env = {"AZURE_STORAGE_USE_EMULATOR": "true", "AZURITE_BLOB_STORAGE_URL": f"http://127.0.0.1:{port}"}
        yield ObjectStore(f"az://{BUCKET}", env, _azure_putter(port))
    finally:
        process.terminate()
        process.wait()


def has_azurite() -> bool:
    """Tell whether Azurite is on the path."""
    return shutil.which("azurite-blob") is not None


def _azure_putter(port: int) -> Callable[[str, bytes], None]:
    """Create the container, by a request signed here: the library that reads creates none. Then let it put objects."""
    import obstore
    from obstore.store import AzureStore

    date = formatdate(usegmt=True)
    resource = f"/{_ACCOUNT}/{_ACCOUNT}/{BUCKET}"
    text = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:2021-08-06\n{resource}\nrestype:container"
    signature = base64.b64encode(hmac.digest(base64.b64decode(_KEY), text.encode(), "sha256")).decode()
    signed = {"x-ms-date": date, "x-ms-version": "2021-08-06", "Authorization": f"SharedKey {_ACCOUNT}:{signature}"}
    client = http.client.HTTPConnection("127.0.0.1", port)
    client.request("PUT", f"/{_ACCOUNT}/{BUCKET}?restype=container", headers=signed)
    answer = client.getresponse()
    assert answer.status == 201, answer.read()
    client.close()
    url = f"http://127.0.0.1:{port}/{_ACCOUNT}"
    options = {"account_name": _ACCOUNT, "account_key": _KEY, "endpoint": url, "client_options": {"allow_http": True}}
    store = AzureStore(BUCKET, **options)
    return lambda name, data: obstore.put(store, name, data)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")
