"""A connection to OpenSearch that knows whose request it serves (docs/decisions/0090), and how long that may take (0098)."""

from collections.abc import Collection, Mapping
from typing import Any

from opensearchpy import Urllib3HttpConnection

from lookalike.domain.deadline import seconds_left
from lookalike.domain.request_id import current
from lookalike.errors import Unavailable

SHORTEST_SECONDS = 0.005


class RequestConnection(Urllib3HttpConnection):
    """As opensearch-py's, whose time-out is one number for all: in a request that has a deadline, no longer than until then.

    It says with each request whose it is: OpenSearch has `X-Opaque-Id` in its tasks, slow logs and deprecation logs.
    """

    def perform_request(  # noqa: PLR0917 — the shape is opensearch-py's
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        timeout: float | None = None,
        ignore: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One request. Raises: Unavailable where nobody waits any more; ConnectionTimeout where the answer takes longer than that."""
        left = seconds_left()
        if left is not None:
            if left < SHORTEST_SECONDS:
                raise Unavailable("The request took longer than its deadline, so OpenSearch is not asked any more.", 2.0)
            timeout = min(left, timeout or self.timeout)
        name = current()
        told = headers if name is None else {**(headers or {}), "X-Opaque-Id": name}
        return super().perform_request(method, url, params, body, timeout, ignore, told)
