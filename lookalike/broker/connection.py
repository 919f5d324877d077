"""A connection to Redis as we want it: quick to give up, because somebody waits."""

import secrets
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisGone
from redis.retry import Retry

from lookalike.broker.names import KEYS

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


def shared_secret(client: Any, name: str) -> bytes:
    """32 random bytes that all who ask this Redis share; whoever asks first makes them up. Raises: redis.RedisError."""
    key = f"{KEYS}secret:{name}"
    client.set(key, secrets.token_bytes(32), nx=True)
    return bytes(client.get(key))
