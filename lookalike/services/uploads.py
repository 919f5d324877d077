"""Pictures that shoppers sent, kept in memory for a short while so that a second search sends no bytes again."""

import secrets
import time
from collections.abc import Callable

from lookalike.errors import NotFound
from lookalike.services.remembering import Remembered


class Uploads:
    """Bytes by an id that cannot be guessed; nothing ever reaches a disk. Threads may call it at once.

    `ttl_seconds` after its last use a picture is gone; above `most_bytes` in sum those used longest ago go first.
    """

    def __init__(self, ttl_seconds: float, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.ttl_seconds = ttl_seconds
        self._kept: Remembered[str, bytes] = Remembered(most_bytes, ttl_seconds, weigh=len, clock=clock)

    def keep(self, content: bytes) -> str:
        """Remember a picture; the answer is its id, "u_…"."""
        upload_id = "u_" + secrets.token_urlsafe(18)
        self._kept.keep(upload_id, content)
        return upload_id

    def content(self, upload_id: str) -> bytes:
        """The bytes. Raises: NotFound("upload")."""
        found = self._kept.find(upload_id)
        if found is None:
            raise NotFound("upload", upload_id, f"A picture stays for {self.ttl_seconds:g} s after its last use; send it again.")
        return found

    def forget(self, upload_id: str) -> bool:
        """Drop a picture at once; False where there was none."""
        return self._kept.forget(upload_id)

    def __len__(self) -> int:
        return len(self._kept)
