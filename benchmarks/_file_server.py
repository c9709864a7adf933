"""`python -m benchmarks._file_server FOLDER`: an HTTP server that sends files by range and counts. No client may enter.

It prints its port. Files go from the system's cache to the socket, so that serving them takes little of the cores that
what is measured runs on. `/.sent` tells the bytes of files sent so far.
"""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SENT = ".sent"


class Handler(BaseHTTPRequestHandler):
    """Answers what the library and urllib ask."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    folder: Path
    sent: list[int] = []  # noqa: RUF012  # by all threads

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Send a file, or a range of it."""
        name = self.path.partition("?")[0].lstrip("/")
        path = self.folder / name
        if name == SENT:
            body = str(sum(self.sent)).encode()
            self._head(200, len(body))
            self.wfile.write(body)
        elif not path.is_file():
            self._head(404, 0)
        else:
            self._send(path)

    def _send(self, path: Path) -> None:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            start, stop, headers = 0, status.st_size, {"ETag": f'"{status.st_mtime_ns:x}"'}
            if asked := self.headers.get("Range"):
                first, last = map(int, asked.removeprefix("bytes=").split("-"))
                start, stop = first, min(last + 1, stop)
                headers["Content-Range"] = f"bytes {start}-{stop - 1}/{status.st_size}"
            self._head(206 if asked else 200, stop - start, headers)
            self.sent.append(stop - start)
            while start < stop:
                start += os.sendfile(self.connection.fileno(), file.fileno(), start, stop - start)

    def _head(self, status: int, length: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()


def main(folder: str) -> None:
    """Serve until killed."""
    Handler.folder = Path(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
