"""`python -m stack`: the production stack without containers, until Ctrl-C. `make stack-local` runs it."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from stack.compose import ComposeProblem
from stack.local import LocalStack, StackProblem, Wishes
from stack.opensearch import VERSIONS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it until it is interrupted. 0, or 3 where something that it needs is not there."""
    told = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    told.add_argument("--port", type=int, default=8080, help="the API's; 0 takes a free one. The others take free ones")
    told.add_argument("--workers", type=int, default=1, metavar="N")
    told.add_argument("--version", default=VERSIONS[0], choices=VERSIONS, help="OpenSearch's")
    told.add_argument("--nodes", type=int, default=1, metavar="N", help="of OpenSearch, such as 3")
    told.add_argument("--data", type=Path, help="keep data and logs in this folder; without it they are gone at the end")
    told.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a variable of docker-compose.yml, as in .env")
    given = told.parse_args(arguments)
    wrong = [one for one in given.set if "=" not in one]
    if wrong or given.workers < 0 or given.nodes < 1:
        told.error(f"--set wants NAME=VALUE, found {wrong[0]!r}" if wrong else "--workers wants 0 or more, --nodes 1 or more")
    # SIGINT, too: Python leaves it ignored where whoever starts us does, as a shell does with what it runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    variables = dict(one.split("=", 1) for one in given.set)
    try:
        stack = LocalStack(
            Wishes(given.port, given.workers, given.version, given.nodes, given.data, variables),
            tell=lambda line: print(f"… {line}", file=sys.stderr, flush=True),
        )
    except ComposeProblem as error:
        print(error, file=sys.stderr)
        return 3
    try:
        stack.start()
        print(screen(stack), flush=True)
        threading.Event().wait()
    except StackProblem as error:
        print(error, file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("Stopping …", file=sys.stderr, flush=True)
    finally:
        # a second Ctrl-C shall not leave half of it behind: what runs is stopped, and each has its own time to do so
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        forced = stack.close()
    if forced:
        print(f"These did not stop by themselves and were killed: {', '.join(forced)}.", file=sys.stderr)
    return 0


def screen(stack: LocalStack) -> str:
    """Where everything is, in one screen."""
    rows = [
        ("page, API", stack.url),
        ("", f"write key {stack.write_key}"),
        *((name, stack.addresses.get(name, "listens nowhere")) for name in stack.services if name != "api"),
        *((name, f"not here: {why}") for name, why in stack.left_out.items()),
        ("processes", ", ".join(f"{name} {stack.supervisor.pid(name)}" for name in stack.processes)),
        ("logs, data", str(stack.folder)),
    ]
    width = max(len(name) for name, _ in rows)
    index = f"lookalike index CATALOGUE --index opensearch://{stack.addresses['opensearch']}/products"
    return "\n".join([*(f"  {name:<{width}}  {told}" for name, told in rows), "", f"  {index}", "  Ctrl-C stops everything."])


if __name__ == "__main__":
    sys.exit(main())
