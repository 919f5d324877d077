"""What is found against MobileNetV2, on the pictures of ../shared: only when asked for, it takes minutes (see benchmarks.quality)."""

from benchmarks import quality
from benchmarks.bench import Bench, cache_folder
from benchmarks.results import Found, Target

TITLE = "Quality"
ABOUT = "Differences between what two ways of seeing find, on the same pictures, with paired bootstrap intervals."


def measure(bench: Bench) -> Found:
    """Raises: RuntimeError where the pictures are not there."""
    if bench.shared is None:
        raise RuntimeError("The pictures of LOOKALIKE_SHARED (or ../shared) are not there, so nothing was measured.")
    found, recipes = Found(), ["default"] if bench.quick else ["default", "quality"]
    bench.tell(f"quality: {' and '.join(recipes)}")
    for one in quality.measure(bench.shared, recipes, bench.size(5_000, 300), "auto", cache_folder()):
        gap, low, high, wanted = (one[key] for key in ("difference", "low", "high", "wanted"))
        assert isinstance(gap, float)
        target = Target("≥", wanted) if isinstance(wanted, float) else None
        what = f"{one['ours']:.4f} against {one['baseline']:.4f}, 95 % in {low:+.4f} … {high:+.4f}"
        found.add(f"{one['recipe']}: {one['figure']}, difference", gap, "", target=target, what=what)
        ours, least = one["ours"], one["least"]
        if isinstance(least, float):
            assert isinstance(ours, float)
            found.add(f"{one['recipe']}: {one['figure']}", ours, "", target=Target("≥", least))
    return found
