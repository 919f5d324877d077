"""ONNX Runtime sessions as this house opens them: on the CPU, with so many threads, silent, never spinning."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime

# 3: errors only. ONNX Runtime warns about every initializer that its optimiser drops.
SEVERITY_ERROR = 3


def open_session(model: bytes | Path, threads: int = 1) -> "onnxruntime.InferenceSession":
    """A session over a model's bytes or file, `threads` wide. Its `run` may be called from many Python threads at once.

    One-thread sessions called by one Python thread a core beat a wide session (docs/decisions/0012). Raises: what ONNX
    Runtime raises over a damaged file.
    """
    import onnxruntime  # here: a process whose networks run elsewhere knows the recipe without loading what runs networks

    source = model if isinstance(model, bytes) else os.fspath(model)
    return onnxruntime.InferenceSession(source, options_for(threads), providers=["CPUExecutionProvider"])


def once_opened(find: Callable[[], Path], threads: int = 1) -> Callable[[], "onnxruntime.InferenceSession"]:
    """A function that gives the one session over the file that `find` tells: opened by the first call, in the process that makes it
    (after a fork). Threads may call it at once. It raises what `find` and `open_session` raise."""
    opened: list[onnxruntime.InferenceSession] = []
    opening = threading.Lock()

    def session() -> "onnxruntime.InferenceSession":
        if not opened:
            with opening:
                if not opened:
                    opened.append(open_session(find(), threads))
        return opened[0]

    return session


def options_for(threads: int) -> "onnxruntime.SessionOptions":
    """The options of all our sessions: so many threads, silent, never spinning."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = SEVERITY_ERROR
    # A spinning thread takes the core from whoever decodes the next picture.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
