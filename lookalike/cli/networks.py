"""`lookalike models pull`, `import`, `check`, `quantise`, `bench`: bringing networks here and looking at them."""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lookalike.errors import InvalidInput, LookalikeError, NetworkRefused

if TYPE_CHECKING:
    from lookalike.vision.networks.card import Card
    from lookalike.vision.networks.zoo import Zoo

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Name = Annotated[str, typer.Argument(help="A network of `models list`.")]
Sum = Annotated[str | None, typer.Option("--sha256", help="The network's SHA-256, where the card knows none.")]
TextSum = Annotated[str | None, typer.Option("--text-sha256", help="The text encoder's.")]
TokenizerSum = Annotated[str | None, typer.Option("--tokenizer-sha256", help="The tokenizer's.")]
Replace = Annotated[bool, typer.Option("--replace", help="Take the place of a network of that name with other files.")]


def pull(
    name: Annotated[str, typer.Argument(help="A network of `models list`, or a card's file.")],
    sha256: Sum = None,
    text_sha256: TextSum = None,
    tokenizer_sha256: TokenizerSum = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a network whose card names an address: resumed where it broke off, checked against its checksum."""
    from lookalike.vision.networks.download import LARGEST, fetch
    from lookalike.vision.networks.zoo import FILES

    zoo = _zoo()
    card = _with_sums(_card(zoo, name), {"network": sha256, "text": text_sha256, "tokenizer": tokenizer_sha256})
    files: dict[str, Path] = {}
    wanted = [(part, told) for part in FILES if (told := getattr(card.files, part)) is not None]
    for part, told in wanted:
        if told.url is None:
            raise NetworkRefused(f"The card of {name!r} names no address of its {part}. Get the file from {card.source!r}, then: "
                                 f"lookalike models import FILE --card {name}")  # fmt: skip
        if told.sha256 is None:
            option = "--sha256" if part == "network" else f"--{part}-sha256"
            raise NetworkRefused(f"The card of {name!r} knows no checksum of its {part}; say {option} HEX, as who publishes it tells it.")
    name = card.name
    coming = zoo.folder / ".pulling" / name
    for part, told in wanted:
        files[part] = coming / FILES[part]
        if not files[part].is_file():
            with _progress(f"{name} {part}") as progress:
                fetch(told.url, files[part], told.sha256, most=told.bytes or LARGEST, progress=progress)
    _installed(zoo, card, files, as_json, replace=False)
    for path in files.values():
        path.unlink()


def import_(  # noqa: PLR0917 — options of a command, given by name
    file: Annotated[str, typer.Argument(help="The network's ONNX file; or gluoncv:NAME, a network of GluonCV's (docs/gluon.md).")],
    card: Annotated[
        str | None, typer.Option("--card", help="Its card: a .toml or .json file, or the name of a card that ships with us.")
    ] = None,
    text: Annotated[Path | None, typer.Option("--text", help="The text encoder's ONNX file, of a two-encoder network.")] = None,
    tokenizer: Annotated[Path | None, typer.Option("--tokenizer", help="Its tokenizer.json.")] = None,
    sha256: Sum = None,
    text_sha256: TextSum = None,
    tokenizer_sha256: TokenizerSum = None,
    replace: Replace = False,
    params: Annotated[
        Path | None, typer.Option("--params", help="Of gluoncv:NAME, the weights: the .params file that GluonCV publishes.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of gluoncv:NAME, random weights instead: they see nothing, but try the road.")] = None,
    proofs: Annotated[int, typer.Option(help="Of gluoncv:NAME, random pictures to prove the export on.", min=1, max=100)] = 2,
    proposals: Annotated[int, typer.Option(help="Of gluoncv:faster_rcnn…, regions it looks at again; 0: GluonCV's 1,000.", max=6000)] = 0,
    as_json: AsJson = False,
) -> None:
    """Install a network from its file and its card, or from GluonCV; it is run once, and what it says is kept for `check`."""
    from lookalike.cli import gluon

    zoo = _zoo()
    if file.startswith(gluon.PREFIX):
        gluon.import_gluon(zoo, file, params, seed, pictures=proofs, proposals=proposals, overwrite=replace, as_json=as_json)
        return
    if card is None:
        raise InvalidInput.at(
            "--card", "Say what this file is; docs/models.md tells the format, `models list` the cards that ship with us."
        )
    told = _with_sums(_card(zoo, card), {"network": sha256, "text": text_sha256, "tokenizer": tokenizer_sha256})
    given = {"network": Path(file), "text": text, "tokenizer": tokenizer}
    _installed(zoo, told, {part: path for part, path in given.items() if path is not None}, as_json, replace=replace)


def check(name: Name, as_json: AsJson = False) -> None:
    """Run the canonical pictures and compare with what the network said when it came. Exit status 1 where it says otherwise."""
    from lookalike.vision.networks.canonical import faults
    from lookalike.vision.networks.zoo import FILES, checked

    zoo = _zoo()
    card = zoo.card(name)
    for part in FILES:
        if getattr(card.files, part) is not None:
            checked(card, part, zoo.path(name, part))
    found = faults(zoo, name)
    _tell({"name": name, "faults": found}, "\n".join(found) or f"{name} says what it said when it came.", as_json)
    if found:
        raise typer.Exit(1)


def quantise(  # noqa: PLR0917 — options of a command, given by name
    name: Name,
    pictures: Annotated[Path, typer.Option("--pictures", help="A folder of your own pictures, to calibrate with and to tell the loss on.")],
    to: Annotated[str, typer.Option("--to", help="int8, for CPUs with VNNI; or fp16, for GPUs.")] = "int8",
    limit: Annotated[int, typer.Option(help="So many pictures at most.", min=21)] = 300,
    least_overlap: Annotated[float, typer.Option(help="Below this overlap@10 with fp32 it is not installed.", min=0, max=1)] = 0.9,
    as_json: AsJson = False,
) -> None:
    """Make an embedder's int8 or fp16 form, tell what it loses in finding your pictures; where that is little, install it as NAME-int8."""
    from lookalike.vision.networks.canonical import remember
    from lookalike.vision.networks.quantising import quantised

    zoo = _zoo()
    if to not in ("int8", "fp16"):
        raise InvalidInput.at("--to", f"Found {to!r}; it can be int8 or fp16.")
    with tempfile.TemporaryDirectory() as folder:
        made = quantised(zoo, name, list(_pictures(pictures, limit)), Path(folder), "fp16" if to == "fp16" else "int8")
        accepted = made.overlap >= least_overlap
        told = {
            "name": made.card.name,
            "overlap_at_10": round(made.overlap, 4),
            "cosine": round(made.cosine, 5),
            "least_cosine": round(made.least_cosine, 5),
            "pictures_per_cpu_second": {"fp32": round(made.speed[0], 1), to: round(made.speed[1], 1)},
            "installed": accepted,
        }
        if accepted:
            card = made.card
            rest = {part: zoo.path(name, part) for part in ("text", "tokenizer") if getattr(card.files, part) is not None}
            zoo.add(card, {"network": made.path, **rest}, replace=True)
            remember(zoo, card.name)
    text = (
        f"{name}: overlap@10 {made.overlap:.3f}, mean cosine {made.cosine:.4f}, {made.speed[1] / made.speed[0]:.2f} times as quick.\n"
        + (f"Installed as {made.card.name}: LOOKALIKE_RECIPE={made.card.name}" if accepted else f"Not installed: {least_overlap} is asked.")
    )
    _tell(told, text, as_json)
    if not accepted:
        raise typer.Exit(1)


def bench(
    name: Name,
    batches: Annotated[str, typer.Option(help="Batch sizes, commas between.")] = "1,2,4,8,16,32",
    seconds: Annotated[float, typer.Option(help="How long each is measured.", min=0.05)] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Measure pictures a second against batch size on this machine."""
    from lookalike.vision.networks import benching

    sizes = [one.strip() for one in batches.split(",")]
    if not all(one.isdecimal() and 1 <= int(one) <= 4096 for one in sizes):
        raise InvalidInput.at("batches", f"Found {batches!r}; whole numbers from 1 to 4096 with commas between are wanted.")
    device, notices, rows = benching.bench(_zoo(), name, tuple(map(int, sizes)), seconds)
    best = max(rows, key=lambda one: one.pictures_per_second)
    told = {
        "name": name,
        "device": device,
        "notices": list(notices),
        "rows": [{"batch": one.batch, "pictures_per_second": round(one.pictures_per_second, 2)} for one in rows],
        "best_batch": best.batch,
    }
    lines = [*notices, f"{name} on {device}", *(f"  batch {one.batch:4}: {one.pictures_per_second:9.1f} pictures/s" for one in rows)]
    _tell(told, "\n".join(lines), as_json)


def _zoo() -> "Zoo":
    from lookalike.named import zoo_of
    from lookalike.settings import load

    return zoo_of(load())


def _card(zoo: "Zoo", told: str) -> "Card":
    """A card by its network's name or in a file. Raises: UnknownPlugin, InvalidCard."""
    from lookalike.vision.networks.card import load_card

    return load_card(Path(told)) if told.endswith((".toml", ".json")) else zoo.card(told)


def _installed(zoo: "Zoo", card: "Card", files: Mapping[str, Path], as_json: bool, *, replace: bool) -> None:
    """Install, run once, keep what it says; a network that does not run does not stay."""
    from lookalike.vision.networks.canonical import remember

    there = card.name in zoo.installed()
    card = zoo.add(card, files, replace=replace)
    try:
        remember(zoo, card.name)
    except LookalikeError:
        if not there:
            zoo.remove(card.name)
        raise
    folder = zoo.folder / card.name
    told = {"name": card.name, "task": card.task, "folder": str(folder), "licence": card.licence, "commercial": not card.non_commercial}
    lines = [f"{card.name} is installed in {folder}."]
    if card.non_commercial:
        lines.append(f"Its licence, {card.licence}, forbids business.")
    embeds = card.task in ("embedding", "two-encoder")
    lines.append(f"LOOKALIKE_RECIPE={card.name} uses it." if embeds else "A recipe may name it: docs/models.md.")
    _tell(told, "\n".join(lines), as_json)


def _with_sums(card: "Card", sums: Mapping[str, str | None]) -> "Card":
    """The card with checksums that were told. Raises: NetworkRefused where the card knows another, InvalidInput for none."""
    update = {}
    for part, told in sums.items():
        file = getattr(card.files, part)
        if told is None or file is None:
            continue
        plain = told.strip().lower()
        if len(plain) != 64 or set(plain) - set("0123456789abcdef"):
            raise InvalidInput.at(f"{part}'s SHA-256", "64 hex digits are wanted.")
        if file.sha256 is not None and file.sha256 != plain:
            raise NetworkRefused(f"The card of {card.name!r} knows the SHA-256 {file.sha256} of its {part}, and {plain} was told.")
        update[part] = file.model_copy(update={"sha256": plain})
    return card.model_copy(update={"files": card.files.model_copy(update=update)}) if update else card


def _pictures(folder: Path, limit: int) -> Iterator[Any]:
    """Every n-th picture below a folder, decoded; what cannot be read is passed over. Raises: InvalidInput where there is no folder."""
    from lookalike.errors import PictureUnreadable
    from lookalike.pictures.decode import PillowDecoder

    if not folder.is_dir():
        raise InvalidInput.at("--pictures", f"There is no folder {folder}.")
    decoder = PillowDecoder()
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp") and path.is_file())
    for path in paths[:: max(1, len(paths) // limit)][:limit]:
        try:
            yield decoder.decode(path.read_bytes()).pixels
        except PictureUnreadable as error:
            print(f"{path.name}: {error}", file=sys.stderr)


@contextmanager
def _progress(what: str) -> Iterator[Any]:
    """Told on standard error: a bar on a terminal, else nothing until it is done."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tell(told: Mapping[str, Any], text: str, as_json: bool) -> None:
    print(json.dumps(told) if as_json else text)
