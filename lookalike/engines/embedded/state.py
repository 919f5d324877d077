"""What is derived from the database: names, versions, columns, tags, vectors. Read from the cache file when an index opens."""

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Recipe
from lookalike.domain.product import SEEN_FIELDS
from lookalike.engines.embedded import rows
from lookalike.engines.embedded.amending import Amended
from lookalike.engines.embedded.columns import Column, Elements, Mask
from lookalike.engines.embedded.database import Database
from lookalike.engines.embedded.hashes import Hashes
from lookalike.engines.embedded.names import Names
from lookalike.engines.embedded.pool import Arrays
from lookalike.engines.embedded.strips import Strip
from lookalike.engines.embedded.tags import TagTable
from lookalike.engines.embedded.vectors import Block, Home, Vectors
from lookalike.engines.told import Place, Told, tags_of

_LATE = frozenset({"id", "description", "url"})
"""Long or unique values that hardly anybody filters by: their columns are made when they are first asked for."""

_DEAD_ROWS = 10_000
_STRIPS = {"versions": np.int64, "text_marks": np.int64, "vector_marks": np.int64, "row_marks": np.int64}


class Entry(NamedTuple):
    """A stored row, as the state takes it; `told` is its body, the marks are checksums."""

    slot: int
    name: str
    version: int
    told: Told
    text_mark: int
    vector_mark: int
    mark: int


class State:
    """One database's content, by slot. The caller sees to it that nobody reads while something is changed."""

    def __init__(self, database: Database, recipe: Recipe | None, codes_from: int, home: Home | None = None) -> None:
        """Empty. `home` is where a writer puts vectors; without one they stay in memory."""
        self._database = database
        self._home = home
        self.codes_from = codes_from
        self.names = Names()
        self.versions, self.text_marks, self.vector_marks = Strip(np.int64), Strip(np.int64), Strip(np.int64)
        self.row_marks = Strip(np.int64)
        self._alive = Strip(np.bool_)
        self.free: list[int] = []
        """Slots that held nothing when the index was opened: new products come there first."""
        self.columns: dict[str, Column] = {}
        self._shape = Strip(np.int32)
        self._shapes: dict[tuple[str, ...], int] = {(): 0}
        """Which fields a product has: most have the same. By slot the number of its shape."""
        self.tags = TagTable()
        self.recipe = recipe
        self.vectors: Vectors | None = self._fresh_vectors()
        self.recall: dict[str, float] | None = None
        """How well codes find the nearest, as measured; None: not yet."""
        self._hashes: Hashes | None = None
        """The perceptual hashes of each product's pictures, once they have been asked for."""
        self._late = threading.Lock()

    @property
    def size(self) -> int:
        """Slots, dead ones included."""
        return self._alive.size

    @property
    def count(self) -> int:
        """Products."""
        return self.names.count

    def alive(self) -> Mask:
        """Which slots hold a product. Not to be written to."""
        return self._alive.all()

    def adopt(self, recipe: Recipe) -> None:
        """Another recipe, for an index without vectors."""
        self.recipe = recipe
        if self._home is not None:
            self._home = Home(self._home.database, self._home.number + 1)
        self.vectors = self._fresh_vectors()

    def __contains__(self, slot: int) -> bool:
        """Whether a slot holds a product."""
        return 0 <= slot < self.size and bool(self.alive()[slot])

    def put(self, entries: Sequence[Entry]) -> None:
        """The fields of some products in distinct slots: all but their vectors."""
        if not entries:
            return
        each, names, versions, _, text_marks, vector_marks, marks = zip(*entries, strict=True)
        size = max(self.size, 1 + max(each))
        self.names.put(each, names)
        slots = np.array(each)
        for strip, values in (
            (self.versions, versions),
            (self.text_marks, text_marks),
            (self.vector_marks, vector_marks),
            (self.row_marks, marks),
            (self._alive, True),
        ):
            strip.resize(size)[slots] = values
        self._put_fields(entries, size)
        self.tags.put(each, [tags_of(one.told) for one in entries])
        if self._hashes is not None:
            self._hashes.put(each, [one.told for one in entries])

    def amend(self, amended: Mapping[int, Amended]) -> None:
        """The fields of some products that no word is searched in: all else of them stays."""
        if not amended:
            return
        slots = np.array(list(amended))
        self.versions.all()[slots] = [one.version for one in amended.values()]
        self.row_marks.all()[slots] = [one.mark for one in amended.values()]
        shapes = self._shape.all()
        changed: defaultdict[str, tuple[list[int], list[Elements]]] = defaultdict(lambda: ([], []))
        for slot, one in amended.items():
            old, new = rows.own_fields(one.old), rows.own_fields(one.new)
            if old.keys() != new.keys():
                shapes[slot] = self._shapes.setdefault((*new, *SEEN_FIELDS), len(self._shapes))
            for field in (*new, *(old.keys() - new.keys())):
                before, after = old.get(field), new.get(field, ())
                if isinstance(after, list) or type(before) is not type(after) or before != after:  # True == 1, so types count
                    changed[field][0].append(slot)
                    changed[field][1].append(after)
        self._fill(changed)

    def remove(self, slot: int) -> None:
        """A product, and its vectors."""
        if slot not in self:
            return
        self.names.remove(slot)
        self._alive.all()[slot] = False
        self.versions.all()[slot] = 0
        self.row_marks.all()[slot] = 0
        fields = list(self._shapes)[self._shape.all()[slot]]
        for field in {*fields, *_LATE} & self.columns.keys():
            self.columns[field].clear(slot)
        self._shape.all()[slot] = 0
        self.tags.put((slot,), ({},))
        if self._hashes is not None:
            self._hashes.clear(slot)
        if self.vectors is not None:
            self.vectors.forget(slot)

    def put_vectors(self, slots: Sequence[int], places: Sequence[Sequence[Place]], data: Sequence[bytes]) -> None:
        """Replace the vectors of some distinct slots. Raises: ValueError where data and places differ in number."""
        if self.vectors is None:
            return
        for slot in slots:
            self.vectors.forget(slot)
        wide = self.vectors.dimension + self.vectors.colour_dimension
        matrix = np.frombuffer(b"".join(data), "<f2").reshape(-1, wide)
        flat = [place for one in places for place in one]
        if len(flat) != len(matrix):
            raise ValueError("vectors and objects differ in number")
        owners = np.repeat(np.asarray(slots, np.int32), [len(one) for one in places])
        order = np.argsort(owners, kind="stable")
        cut = self.vectors.dimension
        self.vectors.append(Block(owners[order], [flat[row] for row in order], matrix[order, :cut], matrix[order, cut:]))

    def tidy(self) -> None:
        """Drop dead vectors where they are more than the others."""
        if self.vectors is not None and self.vectors.dead > max(_DEAD_ROWS, len(self.vectors) // 2):
            self.vectors = self.vectors.compacted()

    def column(self, field: str) -> Column | None:
        """The values of a canonical field; None where no product ever had it."""
        if field in _LATE and field not in self.columns:
            with self._late:
                if field not in self.columns:
                    self.columns[field] = self._late_column(field)
        return self.columns.get(field)

    def with_hashes(self, hashes: Sequence[str], limit: int) -> list[str]:
        """The ids of products that have a picture with one of these perceptual hashes; of an earlier hash first, then by id."""
        with self._late:
            if self._hashes is None:
                self._hashes = Hashes(self._database)
        return self._hashes.ids(hashes, limit, self.names, self.alive())

    def fields(self) -> set[str]:
        """The fields that some product has, with or without elements."""
        shapes = list(self._shapes)
        return {field for number in np.unique(self._shape.all()) for field in shapes[number]}

    def arrays(self) -> tuple[dict[str, Any], Arrays]:
        """All of it but what the database tells, for `State.hold`."""
        arrays = {f"{name}": getattr(self, name).all() for name in _STRIPS} | {"alive": self._alive.all(), "shape": self._shape.all()}
        arrays |= {f"names.{name}": array for name, array in self.names.arrays().items()}
        arrays |= {f"tags.{name}": array for name, array in self.tags.arrays().items()}
        columns = [field for field in self.columns if field not in _LATE]
        for at, field in enumerate(columns):
            arrays |= {f"column.{at}.{name}": array for name, array in self.columns[field].arrays().items()}
        told: dict[str, Any] = {"columns": columns, "shapes": list(map(list, self._shapes)), "recall": self.recall}
        if self.vectors is not None:
            arrays |= {f"vectors.{name}": array for name, array in self.vectors.arrays().items()}
            told["vectors"] = self.vectors.told()
        return told, arrays

    def hold(self, told: Mapping[str, Any], arrays: Arrays) -> None:
        """Be what `arrays` told; keeps using them. Raises: Stale."""
        for name, kind in _STRIPS.items():
            setattr(self, name, Strip(kind, 0, arrays[name]))
        self._alive, self._shape = Strip(np.bool_, 0, arrays["alive"]), Strip(np.int32, 0, arrays["shape"])
        self.names, self.tags = Names.held(_part(arrays, "names.")), TagTable.held(_part(arrays, "tags."))
        for at, field in enumerate(told["columns"]):
            self.columns[field] = Column.held(_part(arrays, f"column.{at}."), hierarchical=field == "category")
        self._shapes = {tuple(one): number for number, one in enumerate(told["shapes"])}
        self.recall = told["recall"]
        if self.vectors is not None:
            home = Home(self._database.path, told["vectors"]["home"])
            self.vectors.hold(_part(arrays, "vectors."), told["vectors"], home, filing=self._home is not None)

    def _fresh_vectors(self) -> Vectors | None:
        if self.recipe is None:
            return None
        return Vectors(self.recipe.dimension, self.recipe.colour_dimension, self.codes_from, self._home)

    def _put_fields(self, entries: Sequence[Entry], size: int) -> None:
        late = _LATE & self.columns.keys()
        shapes, known = self._shape.resize(size), list(self._shapes)
        alike: defaultdict[tuple[str, ...], tuple[list[int], list[Iterable[Elements]]]] = defaultdict(lambda: ([], []))
        for one in entries:
            found = rows.fields_of(one.told)
            old = int(shapes[one.slot])
            if old or late:
                for field in (*known[old], *late):
                    if field not in found and field in self.columns:
                        self.columns[field].clear(one.slot)
            slots, values = alike[tuple(found)]
            slots.append(one.slot)
            values.append(found.values())
        gathered: defaultdict[str, tuple[list[int], list[Elements]]] = defaultdict(lambda: ([], []))
        for shape, (slots, values) in alike.items():
            shapes[slots] = self._shapes.setdefault(shape, len(self._shapes))
            for field, elements in zip(shape, zip(*values, strict=True), strict=True):
                gathered[field][0].extend(slots)
                gathered[field][1].extend(elements)
        self._fill(gathered)

    def _fill(self, gathered: Mapping[str, tuple[list[int], list[Elements]]]) -> None:
        for field, (slots, elements_of) in gathered.items():
            if field in _LATE and field not in self.columns:
                continue
            column = self.columns.get(field)
            if column is None:
                column = self.columns[field] = Column(hierarchical=field == "category")
            column.put(slots, elements_of)

    def _late_column(self, field: str) -> Column:
        column = Column()
        if field == "id":
            slots, names = self.names.each()
            column.put(slots.tolist(), names)
            return column
        with self._database.reading() as connection:
            for slot, body in connection.execute("SELECT slot, body FROM documents"):
                value = rows.fields_of(json.loads(body)).get(field)
                if value is not None:
                    column.put((slot,), (value,))
        return column


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Arrays:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
