"""What went wrong at a store, said without the store's own words: they repeat signed names. No request may enter.

The library's messages hold the whole URL of a request, and the server's answer. Of both only what is known to be no
secret is taken over: the HTTP status, the store's code for the error, and what kind of trouble the connection had.
"""

from __future__ import annotations

import errno
import re
from typing import NamedTuple

from ._errors import ChecksumError, StoreError

# Told by the class that the library raises, or by what it says of the kind of error.
_NO_KEY = "Could not parse path"  # a name that a damaged file gives, and no object can have
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")
_STATUS = r"status code: (\d{3}(?: [A-Za-z]+){1,4})"
_NO_CREDENTIALS = re.compile(
    r"latest/api/token|169\.254\.169\.254|computeMetadata|metadata\.google|[Mm]issingCredential"
)
_TROUBLES = (
    ("dns error", "the server's name is not known"),
    ("ConnectionRefused", "the server refuses connections"),
    ("Connection refused", "the server refuses connections"),
    ("UnexpectedRange", "the server sent other bytes than were asked for"),
    ("ParseContentRange", "the server does not say which bytes it sent"),
    ("IncompleteBody", "the connection broke off"),
    ("UnexpectedEof", "the connection broke off"),
    ("ConnectionReset", "the connection broke off"),
    ("IncompleteMessage", "the connection broke off"),
    ("TimedOut", "the server did not answer in time"),
    ("UnknownIssuer", "the server's certificate is not trusted"),
    ("certificate", "the server's certificate is not trusted"),
    ("builder error", "it would take an unencrypted connection, which was not asked for"),
    ("without LOCATION", "the bucket is in another region; set AWS_REGION to that one"),
    ("Account must be specified", "no account is named; set AZURE_STORAGE_ACCOUNT_NAME"),
    ("Content-Length", "the server does not say how large it is; download it, and open the copy"),
)
_CREDENTIALS = {
    "s3": (
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile of ~/.aws if boto3 is installed, or the machine's "
        "role; AWS_SKIP_SIGNATURE=true reads public buckets"
    ),
    "gs": (
        "GOOGLE_APPLICATION_CREDENTIALS, gcloud's application-default login, or the machine's account; "
        "GOOGLE_SKIP_SIGNATURE=true reads public buckets"
    ),
    "az": (
        "AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN, or the machine's "
        "identity; AZURE_SKIP_SIGNATURE=true reads public containers"
    ),
    "http": "the name itself: https://user:password@host/..., or a signed URL",
}


class CannotList(StoreError):
    """A folder was to be listed on a server that cannot say what lies in one."""


class Asked(NamedTuple):
    """What was asked for: of a store of this kind ("s3", "gs", "az", "http"), by the name that may be shown."""

    kind: str
    shown: str
    start: int | None = None
    stop: int | None = None

    @property
    def text(self) -> str:
        """The name, and the bytes if it was about some."""
        which = "" if self.start is None else f": bytes {self.start} to {self.stop}"
        return f"{self.shown!r}{which}"


def explained(error: Exception, asked: Asked) -> Exception:
    """Give the error to raise instead of one of the library's, which is not to be shown even as its cause."""
    said = str(error)
    code = _found(r"<Code>\s*(\w{1,60})\s*</Code>", said)
    status = _found(_STATUS, said)
    if _NO_CREDENTIALS.search(said):
        return _refused("no credentials were found", asked)
    if code in _NO_BUCKET:
        return FileNotFoundError(errno.ENOENT, "there is no such bucket", asked.shown)
    kind = type(error).__name__
    if isinstance(error, FileNotFoundError) or (kind == "ValueError" and _NO_KEY in said):
        return FileNotFoundError(errno.ENOENT, "there is no such object", asked.shown)
    if kind in ("PermissionDeniedError", "UnauthenticatedError"):
        return _refused(f"the store refuses it ({', '.join(filter(None, (status, code)))})", asked)
    if kind == "PreconditionError":
        return changed(asked)
    reason = next((meaning for sign, meaning in _TROUBLES if sign in said), "")
    answer = f"the store answered {', '.join(filter(None, (status, code)))}" if status else ""
    why = answer if status and not reason.startswith("the bucket") else reason or f"the request failed ({kind})"
    return StoreError(f"{asked.text} could not be read: {why}")


def says_nothing_is_there(error: Exception) -> bool:
    """Tell whether a server refused a range since not even its first byte exists: 416, Range Not Satisfiable.

    Only the status tells: the digits may as well be of a name, a port or the time that the request took.
    """
    return _found(_STATUS, str(error)).startswith("416")


def changed(asked: Asked) -> ChecksumError:
    """Say that an object is no longer the one that was opened."""
    return ChecksumError(
        f"{asked.text} could not be read: the object was replaced or removed while it was open; open it again"
    )


def _refused(why: str, asked: Asked) -> PermissionError:
    hint = f"{why}; credentials are taken from {_CREDENTIALS[asked.kind]}"
    return PermissionError(errno.EACCES, hint, asked.shown)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return str(match[1]) if match else ""
