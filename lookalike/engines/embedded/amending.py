"""Products changed in what no word is searched in: neither their vectors nor what was seen in their pictures is read or written."""

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from lookalike.engines.embedded import rows
from lookalike.engines.told import DAMAGED, product_of
from lookalike.ports.engine import Amendable, Amendment

_SELECT = "SELECT slot, id, version, digest, vector_mark, body, mark FROM documents WHERE id IN ({})"
UPDATE = "UPDATE documents SET version = ?, digest = ?, body = ?, mark = ? WHERE slot = ?"
_Raw = msgspec.Raw | msgspec.UnsetType


class _Body(msgspec.Struct):
    """A row's body, of which only the product is read. The order is that of `told_of`."""

    product: dict[str, Any]
    seen: _Raw = msgspec.UNSET
    unseen: _Raw = msgspec.UNSET


class _Seen(msgspec.Struct):
    digest: str


class Kept(NamedTuple):
    """What `Amendable.kept` is here."""

    vector_mark: int
    body: _Body


class Amended(NamedTuple):
    """A row to be written, with the product as it was and as it shall be."""

    id: str
    version: int
    digest: str
    body: bytes
    mark: int
    old: dict[str, Any]
    new: dict[str, Any]


_bodies = msgspec.json.Decoder(_Body)
_digests = msgspec.json.Decoder(list[tuple[int, _Seen]])
_reasons = msgspec.json.Decoder(list[tuple[int, str]])


def read(connection: sqlite3.Connection, names: Sequence[str]) -> list[Amendable]:
    """Those of the products that are there and can be read so. Raises: IndexDamaged."""
    found: list[Amendable] = []
    for slot, name, version, digest, vector_mark, body, mark in connection.execute(_SELECT.format(", ".join("?" * len(names))), names):
        try:
            if rows.row_mark(name, version, digest, body, vector_mark) != mark:
                raise ValueError("its checksum is another")
            told = _bodies.decode(body)
            digests = {} if told.seen is msgspec.UNSET else {place: one.digest for place, one in _digests.decode(told.seen)}
            unseen = {} if told.unseen is msgspec.UNSET else dict(_reasons.decode(told.unseen))
            found.append(Amendable(product_of(told.product), version, digest, digests, unseen, Kept(vector_mark, told)))
        except msgspec.DecodeError:  # NaN in it, or damaged: `get` tells which
            continue
        except DAMAGED as error:
            raise rows.damaged_row(slot, error) from error
    return found


def amended(amendment: Amendment) -> Amended:
    """The row of an amendment, its version one higher."""
    kept = amendment.of.kept
    if not isinstance(kept, Kept):
        raise TypeError("An amendment is made of what this index's `amendable` gave.")
    product, version = amendment.product, amendment.of.version + 1
    told = product.as_json()
    body = msgspec.json.encode(_Body(told, kept.body.seen, kept.body.unseen))
    mark = rows.row_mark(product.id, version, amendment.digest, body, kept.vector_mark)
    return Amended(product.id, version, amendment.digest, body, mark, kept.body.product, told)
