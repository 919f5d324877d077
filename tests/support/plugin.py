"""A stranger's plugin, installed for a test without pip: a module and what importlib.metadata reads of a package."""

from pathlib import Path


def install(folder: Path, module: str, source: str, group: str, name: str, factory: str) -> Path:
    """Put a module with one entry point into a folder; the folder, for PYTHONPATH."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    told = folder / f"{module}-1.0.dist-info"
    told.mkdir(exist_ok=True)
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    (told / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}:{factory}\n", encoding="utf-8")
    return folder
