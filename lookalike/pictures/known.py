"""Which bytes an address of the web last brought, and how its server recognises them."""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lookalike.pictures.cache_file import CacheFile
from lookalike.pictures.web import Validators

_SCHEMA = """
CREATE TABLE IF NOT EXISTS known (address BLOB PRIMARY KEY, digest BLOB NOT NULL, url TEXT NOT NULL, etag TEXT, modified TEXT) WITHOUT ROWID
"""
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Known:
    """The digest of the bytes that lie on the shelf, and the server's validators of them."""

    digest: str
    validators: Validators


class KnownAddresses:
    """A file of what is known of addresses; without a path it is in memory. Threads and processes may use it at once."""

    def __init__(self, path: Path | None = None) -> None:
        self._file = CacheFile(path, _SCHEMA, _VERSION)

    def find(self, addresses: Sequence[str]) -> dict[str, Known]:
        """What is known of these; nothing of those that are not in the answer."""

        def found(connection: sqlite3.Connection) -> dict[str, Known]:
            known = {}
            for address in addresses:
                row = connection.execute("SELECT digest, url, etag, modified FROM known WHERE address = ?", (_key(address),)).fetchone()
                if row is not None:
                    known[address] = Known(row[0].hex(), Validators(row[1] or address, row[2], row[3]))
            return known

        return self._file.run(found, {}) if addresses else {}

    def keep(self, known: Mapping[str, Known]) -> None:
        """Remember what addresses brought."""
        rows = [
            (_key(address), bytes.fromhex(one.digest), "" if told.url == address else told.url, told.etag, told.modified)
            for address, one in known.items()
            for told in (one.validators,)
        ]
        if rows:
            self._file.run(lambda connection: connection.executemany("REPLACE INTO known VALUES (?, ?, ?, ?, ?)", rows), None)

    def forget(self, digests: Iterable[str]) -> None:
        """Whatever brought these bytes is fetched whole the next time."""
        gone = {bytes.fromhex(one) for one in digests}

        def dropped(connection: sqlite3.Connection) -> None:
            rows = connection.execute("SELECT address, digest FROM known")
            connection.executemany("DELETE FROM known WHERE address = ?", [(address,) for address, digest in rows if digest in gone])

        if gone:
            self._file.run(dropped, None)

    def close(self) -> None:
        """Give back the file."""
        self._file.close()


def _key(address: str) -> bytes:
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).digest()
