"""A house for tests of everything around seeing: toy analyser, real engine, keeper, runner, store and searcher."""

import base64
import colorsys
import io
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from PIL import Image

from lookalike.bootstrap import House, _glance, engine_of, open_events
from lookalike.engines.embedded import open_embedded
from lookalike.engines.memory import open_memory
from lookalike.pictures.addresses import Guard
from lookalike.pictures.analyses import AnalysisFile
from lookalike.pictures.decode import PillowDecoder
from lookalike.pictures.files import FilePictures, NoFiles
from lookalike.pictures.http import WebLimits, WebPictures
from lookalike.pictures.store import FolderShelf, MemoryShelf, Pictures
from lookalike.ports.engine import SearchEngine
from lookalike.ports.vision import PictureAnalyser
from lookalike.runners.inline import InlineRunner
from lookalike.runners.ledger import Ledger
from lookalike.services.catalogue import CatalogueKeeper
from lookalike.services.events import telling
from lookalike.services.figures import IntakeFigures
from lookalike.services.index import Indexer
from lookalike.services.intake import Intake
from lookalike.services.looking import RememberingAnalyser
from lookalike.services.search import Searcher
from lookalike.services.stand_ins import StandIns
from lookalike.services.uploads import Uploads
from lookalike.settings import Settings
from lookalike.testing.seeing import ToyAnalyser


def toy_house(folder: Path | None = None, analyser: PictureAnalyser | None = None, **settings: Any) -> House:
    """A shop in memory, with the embedded engine in a folder, or on OpenSearch (`index`), ready for changes and searches."""
    told = Settings(**{"index": "memory:" if folder is None else str(folder), **settings})
    name, location = engine_of(told.index)
    engine, analyser = _engine(name, location), analyser or ToyAnalyser(PillowDecoder())
    looking = RememberingAnalyser(analyser, AnalysisFile(None, 1_000_000))
    engine.prepare(analyser.recipe)
    shelf, most = MemoryShelf() if folder is None else FolderShelf(folder / "pictures"), int(told.picture_bytes)
    web = WebPictures(WebLimits(most_bytes=most), Guard(told.picture_hosts, told.picture_ports))
    files = NoFiles() if told.picture_root is None else FilePictures(told.picture_root, most)
    pictures, ours = Pictures(shelf, web, files, most), Pictures(shelf, web, FilePictures(None, most), most)
    figures = IntakeFigures()
    keeper = CatalogueKeeper(engine, looking, pictures, analyser.recipe, figures)
    events = open_events(told, name, location, folder)
    uploads = Uploads(told.upload_ttl, int(told.upload_bytes))
    ledger, closing = Ledger(folder), ExitStack()
    runner = InlineRunner(telling(keeper.apply, events, figures, analyser.recipe.id), ledger=ledger)
    closing.callback(engine.close)
    closing.callback(web.close)
    closing.callback(events.close)
    closing.callback(looking.close)
    closing.callback(ledger.close)
    closing.callback(runner.close)
    return House(
        settings=told,
        recipe=analyser.recipe,
        engine=engine,
        analyser=analyser,
        looking=looking,
        pictures=ours,
        runner=runner,
        ledger=ledger,
        keeper=keeper,
        indexer=Indexer(Intake(engine, looking, ours, analyser.recipe, figures)),
        searcher=Searcher(engine, analyser, pictures, uploads, StandIns(engine, _glance(told))),
        uploads=uploads,
        folder=folder,
        events=events,
        figures=figures,
        _closing=closing,
    )


def _engine(name: str, location: str) -> SearchEngine:
    if name == "opensearch":
        from lookalike.engines.opensearch import open_opensearch

        return open_opensearch(location, settings={"replicas": "0"})
    return open_memory(location) if name == "memory" else open_embedded(location)


def picture(hue: float, side: int = 32, kind: str = "PNG", lightness: float = 0.5) -> bytes:
    """A plain picture of one hue (0…1) whose left half is darker: pictures of near hues are near each other."""
    light = tuple(round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness, 0.9))
    made = Image.new("RGB", (side, side), light)
    made.paste(tuple(part // 2 for part in light), (0, 0, side // 2, side))
    out = io.BytesIO()
    made.save(out, kind)
    return out.getvalue()


def encoded(content: bytes) -> str:
    """Base64 as JSON carries it."""
    return base64.b64encode(content).decode()


def data_url(content: bytes) -> str:
    """A data: URL of a PNG."""
    return f"data:image/png;base64,{encoded(content)}"


def shop() -> list[dict[str, Any]]:
    """Twelve products around the colour circle, as JSON."""
    names = (
        "Cherry mug",
        "Amber lamp",
        "Lemon vase",
        "Lime bowl",
        "Fern pot",
        "Jade cup",
        "Aqua jug",
        "Sky clock",
        "Navy chair",
        "Plum sofa",
        "Pink stool",
        "Rose jar",
    )
    return [
        {
            "id": f"p{place}",
            "title": name,
            "brand": ("Acme", "Bolt", "Čapek")[place % 3],
            "category": f"Home > {'Warm' if place < 3 or place > 8 else 'Cold'}",
            "price": 5 + place * 7,
            "tags": [name.split()[1]],
            "group": f"g{place // 2}",
            "created": f"2026-01-{place + 1:02d}T00:00:00Z",
            "in_stock": place % 2 == 0,
            "attributes": {"size": place % 4},
            "pictures": [data_url(picture(place / 12))],
        }
        for place, name in enumerate(names)
    ]


def ended(client: FlaskClient, job: dict[str, Any]) -> dict[str, Any]:
    """The job once it has ended, asked for as clients do: not without a breath, or the job's own thread would get none."""
    breath = threading.Event()
    while job["state"] in ("queued", "running"):
        breath.wait(0.01)
        job = client.get(f"/v1/jobs/{job['id']}").json
    return job
