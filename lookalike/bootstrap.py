"""Where the house is put together: which engine, which networks, which stores. The only place that knows them all."""

import io
import os
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from lookalike import plugins
from lookalike.domain.analysis import Recipe
from lookalike.domain.document import Document
from lookalike.domain.picture import digest_of
from lookalike.errors import LookalikeError, PictureUnavailable, RecipeMismatch, UnknownPlugin
from lookalike.named import embedder_of, opened_recipe, recipe_file, texts_of
from lookalike.pictures.analyses import AnalysisFile
from lookalike.pictures.files import FilePictures, NoFiles
from lookalike.pictures.known import KnownAddresses
from lookalike.pictures.store import FileReader, FolderShelf, MemoryShelf, Pictures, Shelf
from lookalike.pictures.web import Fetched, Validators, Web
from lookalike.ports.engine import SearchEngine
from lookalike.ports.pictures import PictureStore
from lookalike.ports.runner import TaskRunner
from lookalike.ports.vision import Glance, Look, PictureAnalyser, PictureDecoder, Seer
from lookalike.runners.ledger import Ledger
from lookalike.services.catalogue import CatalogueKeeper
from lookalike.services.events import Events, telling
from lookalike.services.figures import IntakeFigures
from lookalike.services.index import Indexer
from lookalike.services.intake import Intake
from lookalike.services.looking import RememberingAnalyser
from lookalike.services.search import Searcher
from lookalike.services.stand_ins import StandIns
from lookalike.services.uploads import Uploads
from lookalike.settings import Settings, load, secrets_of
from lookalike.telemetry.logs import Cleaner


@dataclass(slots=True)
class House:
    """One index with all that works on it.

    `pictures` reads what the catalogue itself refers to, files included: never give it a reference that a stranger named.
    `searcher` and `keeper` have a store of their own that takes from strangers only what it may; `indexer` is for the
    command line, whose word is taken. `analyser` looks at whatever it is asked to and remembers nothing, so it is for
    shoppers' pictures; `looking`, for the catalogue's, looks at the same bytes once. `folder` is where the index keeps what
    lies beside it, None where it is in memory; `ledger` lies there and remembers runs and jobs. `events` tells what happens,
    where that is wanted; `figures` sums up what the intake of products has done.
    """

    settings: Settings
    recipe: Recipe
    engine: SearchEngine
    analyser: PictureAnalyser
    looking: RememberingAnalyser
    pictures: PictureStore
    runner: TaskRunner
    ledger: Ledger
    keeper: CatalogueKeeper
    indexer: Indexer
    searcher: Searcher
    uploads: Uploads
    folder: Path | None
    events: Events
    figures: IntakeFigures
    _closing: ExitStack

    def picture(self, document: Document, place: int) -> bytes:
        """The bytes of a product's picture: as they were seen where we kept them, else from where it refers to.

        What was not seen is not given out, nor a file whose bytes are others than those that were seen: whoever may name
        a picture gets no other file of this machine by it. Raises: PictureUnavailable.
        """
        seen = next((one.analysis.digest for one in document.seen if one.picture == place), None)
        if seen is None:
            raise PictureUnavailable("not_found", "This picture was never seen.")
        reference = document.product.pictures[place]
        if re.match(r"https?:", reference, re.IGNORECASE):
            try:
                return self.pictures.fetch(f"stored:{seen}")
            except PictureUnavailable:
                return self.pictures.fetch(reference)
        if re.match(r"(stored|data):", reference, re.IGNORECASE):
            return self.pictures.fetch(reference)
        # over HTTP a path was taken as below the folder that is set; a whole path stays what it is
        content = self.pictures.fetch(str((self.settings.picture_root or Path()) / reference))
        if digest_of(content) != seen:
            raise PictureUnavailable("not_found", "The file has changed since it was looked at; index it again.")
        return content

    def check_recipe(self) -> None:
        """Refuse to compare pictures with vectors of another recipe. Raises: RecipeMismatch."""
        found = self.engine.status().recipe
        if found is not None and found != self.recipe.id:
            raise RecipeMismatch(found, self.recipe.id)

    def close(self) -> None:
        """Give everything back, the engine last."""
        self._closing.close()

    def __enter__(self) -> "House":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def build(
    settings: Settings | None = None,
    *,
    read_only: bool = False,
    prepare: bool = True,
    index: str | None = None,
    analyser: PictureAnalyser | None = None,
) -> House:
    """A house for an index. Networks are built by the first picture, connections by the first use.

    `read_only` opens what is there and never writes; without `prepare` an index of another recipe may be opened, to rebuild
    it. An `analyser` that is given is used in place of the one that is set; the house closes it too.
    Raises: IndexProblem, UnknownPlugin, InvalidSetting, MissingDependency.
    """
    settings = settings or load()
    name, location = engine_of(index or settings.index)
    recipe, make_seer = _seeing(settings)
    with ExitStack() as opened:
        engine: SearchEngine = plugins.load("search engine", name)(location, read_only=read_only, settings=_told_engine(settings))
        opened.callback(engine.close)
        if prepare and not read_only:
            engine.prepare(recipe)
        analyser = analyser or _analyser(settings, recipe, make_seer)
        opened.callback(analyser.close)
        folder = _folder(name, location)
        events = Events() if read_only else open_events(settings, name, location, folder)
        opened.callback(events.close)
        figures = IntakeFigures()
        shelf: Shelf = MemoryShelf() if folder is None else FolderShelf(folder / "pictures")
        web = _LazyWeb(settings)
        opened.callback(web.close)
        beside = None if folder is None or read_only else folder  # who only reads leaves no file
        analyses = AnalysisFile(beside and beside / "analyses.sqlite", int(settings.analyses_bytes))
        opened.callback(analyses.close)
        looking = RememberingAnalyser(analyser, analyses)
        known = KnownAddresses(beside and beside / "addresses.sqlite")
        opened.callback(known.close)
        most = int(settings.picture_bytes)
        told: FileReader = NoFiles() if settings.picture_root is None else FilePictures(settings.picture_root, most)
        theirs = Pictures(shelf, web, told, most, known)
        ours = Pictures(shelf, web, FilePictures(None, most), most, known)
        uploads = Uploads(settings.upload_ttl, int(settings.upload_bytes))
        keeper = CatalogueKeeper(engine, looking, theirs, recipe, figures)
        ledger = Ledger(folder)
        opened.callback(ledger.close)
        apply = telling(keeper.apply, events, figures, recipe.id)
        runner: TaskRunner = plugins.load("task runner", settings.runner)(apply, settings=settings, ledger=ledger)
        opened.callback(runner.close)
        return House(
            settings=settings,
            recipe=recipe,
            engine=engine,
            analyser=analyser,
            looking=looking,
            pictures=ours,
            runner=runner,
            ledger=ledger,
            keeper=keeper,
            indexer=Indexer(Intake(engine, looking, ours, recipe, figures)),
            searcher=Searcher(engine, analyser, theirs, uploads, StandIns(engine, _glance(settings)), texts=texts_of(settings)),
            uploads=uploads,
            folder=folder,
            events=events,
            figures=figures,
            _closing=opened.pop_all(),
        )


def open_engine(settings: Settings, *, read_only: bool = True) -> SearchEngine:
    """The engine of the index that is set, alone: no networks, no stores. Raises: as `build`."""
    name, location = engine_of(settings.index)
    engine: SearchEngine = plugins.load("search engine", name)(location, read_only=read_only, settings=_told_engine(settings))
    return engine


def open_events(settings: Settings, engine: str, location: str, folder: Path | None) -> Events:
    """What tells events, as it is set. Raises: UnknownPlugin, InvalidSetting, MissingDependency."""
    if settings.events == "off":
        return Events()
    name, _, where = settings.events.partition(":")
    name = name.partition("+")[0]
    if where.startswith("//"):
        where = settings.events
    elif not where and name == engine:
        where = location
    application = location.rstrip("/").rpartition("/")[2] if engine != "embedded" else Path(location).stem
    sink = plugins.load("event sink", name)(where, settings=_told_engine(settings), folder=folder, application=application)
    return Events(
        sink,
        application=application or engine,
        sample=settings.events_sample,
        most_waiting=settings.events_queue,
        clean=Cleaner(secrets_of(settings)),
    )


def analyser_of(settings: Settings) -> PictureAnalyser:
    """The analyser that is set, without an index. Raises: UnknownPlugin, InvalidSetting, MissingDependency."""
    return _analyser(settings, *_seeing(settings))


def recipe_of(settings: Settings) -> Recipe:
    """The recipe that is set; no network is built. Raises: UnknownPlugin, InvalidSetting."""
    return _seeing(settings)[0]


def warm_up(analyser: PictureAnalyser, deadline: float | None = None) -> None:
    """Let the networks see a picture, so that the first shopper does not wait for what is loaded late.

    `deadline` in seconds of `time.monotonic()`. Raises: LookalikeError where they do not answer.
    """
    from PIL import Image

    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, "JPEG")
    for result in analyser.analyse([Look(out.getvalue())], deadline):
        if isinstance(result, LookalikeError):
            raise result


def ledger_of(settings: Settings) -> Ledger:
    """The ledger of the index that is set, without opening the index. Raises: UnknownPlugin."""
    return Ledger(_folder(*engine_of(settings.index)))


def engine_of(index: str) -> tuple[str, str]:
    """(engine, location) of an index URI: a path, ENGINE:LOCATION, or ENGINE://… and ENGINE+https://…, which go whole.

    Raises: UnknownPlugin.
    """
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):(//)?", index)
    if found is None or (found[2] is None and os.path.exists(index)):
        return "embedded", index
    name = found[1].lower()
    if found[2]:
        name = name.partition("+")[0]
    installed = plugins.installed("search engine")
    if name not in installed:
        raise UnknownPlugin("search engine", name, installed)
    return name, index if found[2] else index[found.end() :]


def _told_engine(settings: Settings) -> dict[str, str]:
    """What the engine is told: its settings, and the name and password where there are some."""
    told = dict(settings.engine_settings)
    if settings.engine_user is not None:
        told["user"] = settings.engine_user
    if settings.engine_password is not None:
        told["password"] = settings.engine_password.get_secret_value()
    return told


class _LazyWeb:
    """The web, imported when somebody first wants a picture of it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._web: Web | None = None
        self._lock = threading.Lock()

    def _opened(self) -> Web:
        with self._lock:
            if self._web is None:
                self._web = _web(self._settings)
            return self._web

    def fetch(self, address: str, known: Validators | None = None) -> Fetched:
        """The bytes at a URL. Raises: PictureUnavailable."""
        return self._opened().fetch(address, known)

    def fetch_all(self, wanted: Sequence[tuple[str, Validators | None]]) -> list[Fetched | PictureUnavailable]:
        """The bytes at each URL."""
        return self._opened().fetch_all(wanted) if wanted else []

    def close(self) -> None:
        """End it, where it began."""
        if self._web is not None:
            self._web.close()


def _web(told: Settings) -> Web:
    from lookalike.pictures.addresses import Guard
    from lookalike.pictures.http import WebLimits, WebPictures

    limits = WebLimits(
        most_bytes=int(told.picture_bytes),
        seconds=told.fetch_timeout,
        parallel=told.fetch_parallel,
        per_host=told.fetch_per_host,
        redirects=told.fetch_redirects,
        attempts=told.fetch_attempts,
        patience_seconds=told.fetch_patience,
    )
    return WebPictures(limits, Guard(told.picture_hosts, told.picture_ports), proxy=told.fetch_proxy)


def _folder(engine: str, location: str) -> Path | None:
    """Where pictures and dead letters of an index lie: in its own folder; of an engine elsewhere, in the user's data."""
    if engine == "memory":
        return None
    if engine == "embedded":
        return Path(location)
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return home / "lookalike" / re.sub(r"[^A-Za-z0-9.-]+", "-", location).strip("-")


def _seeing(settings: Settings) -> tuple[Recipe, Callable[[], Seer]]:
    """The recipe that is set, and what builds its seer. A recipe of ours by name, a file, or a network that is installed."""
    from lookalike.vision import seeing

    name = settings.recipe
    if name in seeing.NETWORKS:
        return seeing.recipe_of(name), lambda: seeing.open_seer(name, settings.cache_dir, settings.precision)
    if path := recipe_file(name):
        opened = opened_recipe(settings, path)
        return opened.recipe, lambda: opened.seer
    embedder = embedder_of(settings, name)
    ours, card = seeing.recipe_of("default"), embedder.card
    parts = {**ours.parts, "network": f"{card.name} {card.digest[:16]} at {card.input_side}", "projection": "none"}
    recipe = Recipe(name, card.dimension, ours.colour_dimension, parts)
    return recipe, lambda: seeing.LocalSeer(recipe, embedder)


def _analyser(settings: Settings, recipe: Recipe, make_seer: Callable[[], Seer]) -> PictureAnalyser:
    make: Callable[..., PictureAnalyser] = plugins.load("picture analyser", settings.analyser)
    return make(recipe, make_seer, lambda: _decoder(settings), settings=settings)


def _glance(settings: Settings) -> Callable[[bytes], Glance]:
    """A glance at a picture; what it takes is imported by the first."""

    def glance(content: bytes) -> Glance:
        from lookalike.vision.seeing import open_glance

        return open_glance(lambda: _decoder(settings))(content)

    return glance


def _decoder(settings: Settings) -> PictureDecoder:
    from lookalike.pictures.decode import Limits, PillowDecoder

    limits = Limits(bytes=int(settings.picture_bytes), pixels=settings.max_pixels)
    if (path := recipe_file(settings.recipe)) is None:
        return PillowDecoder(limits)
    from lookalike.vision.recipes.reading import load_recipe

    return PillowDecoder(limits, load_recipe(path).pictures.side)
