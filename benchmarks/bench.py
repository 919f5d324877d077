"""What every benchmark is given: the size of the run, a place to work, pictures, a filled index, and where to tell how far it is."""

import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import onnxruntime

from lookalike.analysers.local import cores

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "lookalike" / "sample_shop"


@dataclass(slots=True)
class Bench:
    """One run of some benchmarks. `folder` is emptied afterwards; `shared` holds real pictures, where there are some."""

    folder: Path
    quick: bool
    tell: Callable[[str], None]
    shared: Path | None
    _filled: dict[int, Path] = field(default_factory=dict)

    def size(self, full: int, quick: int) -> int:
        """The size of something in this run."""
        return quick if self.quick else full

    @property
    def documents(self) -> int:
        """Products in the filled index."""
        return self.size(100_000, 5_000)

    def filled(self) -> Path:
        """An index of made-up products under the default recipe; built once, so put in it only what was there."""
        if self.documents not in self._filled:
            from benchmarks import engine
            from lookalike.vision.seeing import recipe_of

            path = self.folder / "filled.lookalike"
            engine.fill(path, engine.made_up(self.documents, recipe_of("default")), self.tell)
            self._filled[self.documents] = path
        return self._filled[self.documents]

    def pictures(self, most: int) -> list[Path]:
        """Real product pictures, no two of them equal: of fashion where that is there, else of the sample shop."""
        folder = SAMPLE / "pictures" if self.shared is None else self.shared / "data" / "fashion" / "images"
        return sorted(folder.glob("*.jpg"))[:most]


def shared_folder() -> Path | None:
    """LOOKALIKE_SHARED or ../shared, where the pictures of fashion lie in it."""
    found = Path(os.environ.get("LOOKALIKE_SHARED") or ROOT.parent / "shared")
    return found if (found / "data" / "fashion" / "products.csv").is_file() else None


def cache_folder() -> Path:
    """Where networks are kept between runs: where the program itself keeps them."""
    from lookalike.settings import load

    return load().cache_dir


def machine() -> str:
    """Cores, CPU and versions; nothing that names the machine."""
    return (
        f"{cores()} cores, {_cpu()}, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"ONNX Runtime {onnxruntime.__version__}"
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "unknown CPU"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")


@contextmanager
def telling() -> Iterator[Callable[[str], None]]:
    """Says on standard error what is being done: where somebody looks with how long it takes, else a line a step."""
    if not sys.stderr.isatty():
        began = time.monotonic()
        yield lambda what: print(f"[{time.monotonic() - began:5.0f} s] {what}", file=sys.stderr, flush=True)
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    with Progress(SpinnerColumn(finished_text="·"), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as bar:

        def tell(what: str) -> None:
            for task in bar.tasks:
                bar.update(task.id, total=1, completed=1)
            bar.add_task(what, total=None)

        yield tell


def command_line(words: list[str]) -> str:
    """How somebody else runs this again."""
    return shlex.join(["python", "-m", "benchmarks", *words])
