"""A connection to Redis as we want it: quick to give up, because somebody waits."""

from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisGone
from redis.retry import Retry

ANSWER_SECONDS = 1.5
"""Longer no command of ours takes in a Redis that is well."""


def connect(url: str, seconds: float = ANSWER_SECONDS) -> Any:
    """A client for the Redis at `url`, with a pool of connections, none of them open yet; threads may share it.

    A command fails after `seconds`. One that meets a connection which Redis has closed meanwhile is sent once more, at once.
    """
    retry = Retry(NoBackoff(), 1, supported_errors=(RedisGone,))
    return Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=min(seconds, ANSWER_SECONDS), retry=retry)


def shown(url: str) -> str:
    """Host, port and database of an address, for messages: no name, no password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
