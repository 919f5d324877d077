"""Log lines on standard error: for people, or as JSON lines for machines; with the request's id and without secrets."""

import datetime
import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import Literal, TextIO

from lookalike.domain.request_id import current

Style = Literal["text", "json"]
LONGEST = 8_000
"""Characters of a message: a line of a log is read by people and by shippers that cut longer ones anywhere."""
_OURS = ("lookalike", "ingest", "query_api", "workers", "celery")
"""Whose lines are wanted from the level on that is set; of libraries, only what worries them."""
_LOUD = ("celery.worker.strategy", "celery.app.trace")
"""Two lines for each message, of which there are hundreds a second."""
_CREDENTIALS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s@\"']*@")
_QUERY = re.compile(r"(https?://[^\s?#\"'<>]+)[?#][^\s\"'<>]*", re.IGNORECASE)
_PICTURE = re.compile(r"(data:[\w/+.;=-]{0,80}),[A-Za-z0-9+/=_%-]{16,}", re.IGNORECASE)
_LONG_BASE64 = re.compile(r"[A-Za-z0-9+/]{200,}={0,2}")


class Cleaner:
    """Takes out of text what no log may hold.

    Names and passwords in addresses, the query of an address (signatures and tokens stand there), pictures as `data:` URLs
    or as base64, and the secrets that this process knows, whole.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({one for one in secrets if len(one) >= 4}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """The text without them."""
        if self._secrets is not None:
            text = self._secrets.sub("********", text)
        text = _CREDENTIALS.sub(r"\1…@", text)
        text = _PICTURE.sub(r"\1,…", _QUERY.sub(r"\1?…", text))
        return _LONG_BASE64.sub("…", text)


class _Lines(logging.Formatter):
    """What both forms share: whose request it is, and a clean text of one length at most."""

    def __init__(self, clean: Cleaner) -> None:
        super().__init__()
        self._clean = clean

    def message(self, record: logging.LogRecord) -> str:
        text = self._clean(record.getMessage())
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

    def trace(self, record: logging.LogRecord) -> str:
        return self._clean(self.formatException(record.exc_info)) if record.exc_info and record.exc_info[0] else ""

    @staticmethod
    def request_id(record: logging.LogRecord) -> str | None:
        told = getattr(record, "request_id", None)
        return told if isinstance(told, str) else current()


class TextLines(_Lines):
    """`time LEVEL logger: request: message`, and the trace below it."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        name = self.request_id(record)
        text = self.message(record)
        if name and name not in text:
            text = f"{name}: {text}"
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: {text}"
        return "\n".join(filter(None, (line, self.trace(record))))


class JsonLines(_Lines):
    """One JSON object a line: timestamp (UTC), level, logger, message; request_id, exception and further fields where there are some."""

    def format(self, record: logging.LogRecord) -> str:
        """One record. What `extra={"fields": {…}}` gave it stands beside the message."""
        at = datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds")
        told: dict[str, object] = {"timestamp": at, "level": record.levelname, "logger": record.name, "message": self.message(record)}
        told |= {"request_id": name} if (name := self.request_id(record)) else {}
        told |= {"exception": trace} if (trace := self.trace(record)) else {}
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            for key, value in fields.items():
                told.setdefault(str(key), self._clean(value) if isinstance(value, str) else value)
        return json.dumps(told, default=lambda value: self._clean(str(value)))


def configure(style: Style = "text", level: str = "INFO", secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Write log lines to standard error (or `stream`), where nobody has said otherwise before."""
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler(stream or sys.stderr)
        handler.setFormatter((JsonLines if style == "json" else TextLines)(Cleaner(secrets)))
        root.addHandler(handler)
        root.setLevel(logging.INFO if level == "DEBUG" else logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    for name in _LOUD if level != "DEBUG" else ():
        logging.getLogger(name).setLevel(logging.WARNING)
