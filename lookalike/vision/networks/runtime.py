"""Where a network runs: ONNX Runtime's providers in fallback order, and which of them it came to."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.errors import InvalidSetting, NetworkRefused
from lookalike.vision.sessions import options_for

if TYPE_CHECKING:
    import onnxruntime

PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""What a device is called in settings → ONNX Runtime's name for it."""
# TensorRT builds an engine for minutes at the first picture, and OpenVINO rounds otherwise: both only where they are asked for.
AUTO = ("cuda", "cpu")


@dataclass(frozen=True, slots=True)
class Opened:
    """A session, the device that it runs on, and a sentence for each device that was wanted before it and is not there."""

    session: "onnxruntime.InferenceSession"
    device: str
    notices: tuple[str, ...] = ()


def devices_of(asked: str) -> tuple[str, ...]:
    """The devices that a setting names, in order, the CPU always last. Raises: InvalidSetting."""
    names = AUTO if asked.strip() == "auto" else tuple(one.strip().lower() for one in asked.split(",") if one.strip())
    unknown = [one for one in names if one not in PROVIDERS]
    if unknown or not names:
        raise InvalidSetting(f"LOOKALIKE_DEVICE is {asked!r}; it can be auto, or out of {', '.join(PROVIDERS)} with commas between.")
    return tuple(dict.fromkeys((*names, "cpu")))


def open_on(model: bytes | Path, devices: Sequence[str], threads: int = 1) -> Opened:
    """A session on the first of the devices that there is. Raises: NetworkRefused where the file is no network that can be run."""
    import onnxruntime  # here, as in `vision.sessions`

    there, notices = onnxruntime.get_available_providers(), []
    source = model if isinstance(model, bytes) else os.fspath(model)
    for device in devices:
        provider = PROVIDERS[device]
        if provider not in there:
            notices.append(f"{device}: this ONNX Runtime has no {provider}; install the package that has")
            continue
        # a provider whose libraries are missing must fail here, where we can say so, instead of falling back in silence
        wanted = [provider] if device == "cpu" else [provider, PROVIDERS["cpu"]]
        try:
            session = onnxruntime.InferenceSession(source, options_for(threads), providers=wanted)
        except Exception as error:  # ONNX Runtime's exceptions have no common parent but this
            if device == devices[-1]:
                raise NetworkRefused(f"ONNX Runtime cannot run this network: {_short(error)}.") from error
            notices.append(f"{device}: {_short(error)}")
            continue
        if session.get_providers()[0] == provider:
            return Opened(session, device, tuple(notices))
        notices.append(f"{device}: {provider} could not be started")
    raise NetworkRefused(f"No device can run this network: {'; '.join(notices)}.")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")
