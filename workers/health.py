"""Whether this machine's worker lives: `python -m workers.health`, which a container's health check runs.

Workers take no messages from outside (docs/decisions/0080), so none can be asked. But each process that looks at pictures
tells Redis every second that it lives, and where.
"""

import platform
import sys

from redis.exceptions import RedisError

from lookalike.broker.connection import connect
from lookalike.broker.figures import crew, recipes
from lookalike.settings import load


def main() -> int:
    """0 where a worker process of this machine lives; else 1, and a sentence on standard error."""
    try:
        with connect(load().redis) as client:
            hosts = [one["host"] for recipe in recipes(client) for one in crew(client, recipe)]
    except RedisError as error:
        print(f"Redis does not answer: {error}", file=sys.stderr)
        return 1
    if platform.node() in hosts:
        return 0
    print(f"No worker process of this machine lives; of others {len(hosts)} do.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
