"""Export and import: equal indexes give equal bytes, and what comes back is what went out."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lookalike.analysers.local import LocalAnalyser
from lookalike.domain.analysis import Recipe
from lookalike.domain.product import Product
from lookalike.engines.memory import open_memory
from lookalike.errors import ExportMismatch, InvalidInput
from lookalike.pictures.analyses import AnalysisFile
from lookalike.ports.engine import SearchEngine
from lookalike.services.catalogue import CatalogueKeeper
from lookalike.services.export import export_lines, read_lines
from lookalike.services.importing import Imported, import_documents
from lookalike.services.looking import RememberingAnalyser
from lookalike.services.rebuild import rebuilt
from lookalike.testing.fakes import TOY_RECIPE, ToyDecoder, ToyPictures, ToySeer

PICTURES = ToyPictures({"1": b"PIC1", "2": b"PIC2", "bad": b"no"})


@pytest.fixture
def engine() -> Iterator[SearchEngine]:
    opened = open_memory("memory:")
    opened.prepare(TOY_RECIPE)
    analyser = LocalAnalyser(TOY_RECIPE, ToySeer, ToyDecoder, threads=1)
    keeper = CatalogueKeeper(opened, analyser, PICTURES, TOY_RECIPE)
    for name, pictures in (("b", ("1", "2")), ("ä", ("bad", "2")), ("a", ())):
        keeper.put(Product(name, title=f"Größe {name}", pictures=pictures, attributes={"n": 1.5, "l": ("x", "y")}), strict=False)
    yield opened
    analyser.close()
    opened.close()


def imported(lines: list[bytes], target: SearchEngine, recipe: Recipe = TOY_RECIPE) -> list[Imported]:
    return list(import_documents(read_lines(io.BytesIO(b"\n".join(lines)), recipe), target))


def fresh(recipe: Recipe = TOY_RECIPE) -> SearchEngine:
    made: SearchEngine = open_memory("memory:")
    made.prepare(recipe)
    return made


def test_what_went_out_comes_back(engine: SearchEngine) -> None:
    """Exported, imported, exported: the same bytes, in the order of ids."""
    lines = list(export_lines(engine.documents()))
    assert [json.loads(line)["id"] for line in lines] == ["a", "b", "ä"]
    assert [len(json.loads(line)["vectors"]["objects"]) for line in lines] == [0, 2, 1]
    other = fresh()
    assert imported([line.encode() for line in lines], other) == [Imported(3)]
    assert list(export_lines(other.documents())) == lines
    assert imported([line.encode() for line in lines], other) == [Imported(0, 3)]


def test_pictures_that_kill_who_looks_are_remembered_wherever_their_product_goes() -> None:
    """Through a change of price either way, export and import nobody looks at them; a patch that names them does."""
    many = {str(number): f"PIC{number}".encode() for number in range(50)}
    engine, seer = fresh(), ToySeer(TOY_RECIPE)
    cache = AnalysisFile(None, 1_000_000)
    looking = RememberingAnalyser(LocalAnalyser(TOY_RECIPE, lambda: seer, ToyDecoder, threads=1), cache)
    keeper = CatalogueKeeper(engine, looking, ToyPictures(many), TOY_RECIPE)
    keeper.put(Product("seen", pictures=("7",)))
    product = Product("deadly", title="Dynamite", pictures=tuple(many))
    kept = keeper.by(looking.without_networks("kills_worker", "It did.")).put(product, strict=False)
    assert sorted(kept.failures) == [place for place in range(50) if place != 7], "what was seen before is known"
    keeper.patch("deadly", {"price": 5.0}, strict=False)
    changed = keeper.put(replace(product, price=6.0), strict=False)
    assert {one.reason for one in changed.failures.values()} == {"kills_worker"}
    lines = [line.encode() for line in export_lines(engine.documents())]
    engine = fresh()
    assert imported(lines, engine) == [Imported(2)]
    moved = CatalogueKeeper(engine, looking, ToyPictures(many), TOY_RECIPE)
    assert len(moved.put(replace(product, price=7.0), strict=False).failures) == 49
    assert len(seer.looked) == 1
    assert not moved.patch("deadly", {"pictures": product.pictures}, strict=False).failures
    assert len(seer.looked) == 50
    looking.close()


def test_what_is_no_export_is_refused_with_its_line(engine: SearchEngine) -> None:
    """Nothing of that batch is written."""
    good = next(iter(export_lines(engine.documents()))).encode()
    told = json.loads(list(export_lines(engine.documents()))[1])
    short = json.dumps(told | {"vectors": {**told["vectors"], "objects": [["AAAA"], ["AAAA"]]}}).encode()
    lone = json.dumps(told | {"pictures": []}).encode()
    for bad in (b"{", b"[]", b'{"id": "x"}', b'{"id": 5.5}', b'{"id":"x","analysis":5,"vectors":{},"digest":"","unseen":{}}', short, lone):
        other = fresh()
        with pytest.raises(InvalidInput, match="line 2"):
            imported([good, bad], other)
        assert other.status().documents == 0


def test_vectors_of_another_recipe_are_refused(engine: SearchEngine) -> None:
    """They could not be compared with those of the index."""
    lines = [line.encode() for line in export_lines(engine.documents())]
    other = Recipe("other", 16, 3)
    with pytest.raises(ExportMismatch, match="LOOKALIKE_RECIPE=toy"):
        imported(lines, fresh(other), other)


def test_rebuilding_looks_only_where_it_must(engine: SearchEngine) -> None:
    """Under the same recipe vectors are taken over; under another all is looked at; nothing is lost."""
    for recipe, looks in ((TOY_RECIPE, 1), (Recipe("other", 16, 3), 2)):  # two of three pictures are the same bytes
        seer = ToySeer(recipe)
        analyser = LocalAnalyser(recipe, lambda seer=seer: seer, ToyDecoder, threads=1)  # type: ignore[misc]
        with engine.rebuild(recipe) as target:
            outcomes = list(rebuilt(engine, target, analyser, PICTURES, recipe))
        analyser.close()
        assert sorted(one.change.id for one in outcomes) == ["a", "b", "ä"]
        assert (len(seer.looked), engine.status().documents, engine.status().recipe) == (looks, 3, recipe.id)


def test_rebuilding_takes_pictures_of_the_web_as_they_were_kept(engine: SearchEngine) -> None:
    """Their server may be away by now."""
    pictures = ToyPictures({"http://x/1": b"PICweb"})
    analyser = LocalAnalyser(TOY_RECIPE, ToySeer, ToyDecoder, threads=1)
    CatalogueKeeper(engine, analyser, pictures, TOY_RECIPE).put(Product("w", pictures=("http://x/1",)))
    pictures.contents.clear()
    with engine.rebuild(TOY_RECIPE) as target:
        list(rebuilt(engine, target, analyser, pictures, TOY_RECIPE, again=True))
    analyser.close()
    found = engine.get(["w"])[0]
    assert found is not None
    assert len(found.seen) == 1
