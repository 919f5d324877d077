"""Whether this machine's worker is connected: `python -m workers.health`, which a container's health check runs.

Workers take no messages from outside (docs/decisions/0080), so none can be asked. But each waits at Redis for work, and
Redis knows who waits: a connection from this machine's address whose last command was the one that waits.
"""

import sys

from redis import Redis
from redis.exceptions import RedisError

from lookalike.settings import load

ANSWER_SECONDS = 3.0


def waits(url: str) -> bool:
    """Whether somebody at our address has asked the Redis at `url` for work on this connection's lifetime. Raises: RedisError."""
    with Redis.from_url(url, socket_connect_timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS, decode_responses=True) as client:
        ours = _host(client.client_info()["addr"])
        return any(one["cmd"] == "brpop" and _host(one["addr"]) == ours for one in client.client_list())


def _host(address: str) -> str:
    return address.rpartition(":")[0]


def main() -> int:
    """0 where one waits; else 1, and a sentence on standard error."""
    try:
        if waits(load().redis):
            return 0
        said = "No worker of this machine waits for work at Redis."
    except RedisError as error:
        said = f"Redis does not answer: {error}"
    print(said, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
