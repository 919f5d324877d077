"""Log lines: JSON that can be read back, whose request it is, and no secret, picture or signed address in any of them."""

import base64
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.domain.request_id import current, named, sane
from lookalike.telemetry import logs

PASSWORD = "correct horse"


@pytest.fixture
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What a logger of the test's own writes, in the style that the test names."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter((logs.JsonLines if request.param == "json" else logs.TextLines)(logs.Cleaner([PASSWORD])))
    logger = logging.getLogger("lookalike.of-a-test")
    logger.addHandler(handler)
    logger.setLevel("INFO")
    logger.propagate = False
    yield out
    logger.removeHandler(handler)
    logger.propagate = True


def read(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_a_line_is_one_json_object(written: io.StringIO) -> None:
    """With time, level, logger, message, request and trace; further fields never overwrite those."""
    logger = logging.getLogger("lookalike.of-a-test")
    with named("abc-1"):
        logger.info("two\nlines of %s", "é", extra={"fields": {"status": 200, "message": "overwritten?", "odd": object}})
    try:
        raise ValueError(f"the password is {PASSWORD}")
    except ValueError:
        logger.exception("It failed")
    first, second = read(written)
    assert (first["message"], first["request_id"], first["status"], first["level"]) == ("two\nlines of é", "abc-1", 200, "INFO")
    assert first["timestamp"].endswith("+00:00")
    assert "request_id" not in second
    assert "ValueError: the password is ********" in second["exception"]
    assert "Traceback" in second["exception"]


@pytest.mark.parametrize("written", ["text"], indirect=True)
def test_people_read_the_request_before_the_message(written: io.StringIO) -> None:
    """Once: a message that names it itself is left as it is."""
    logger = logging.getLogger("lookalike.of-a-test")
    with named("abc-1"):
        logger.warning("slow")
        logger.warning("abc-1: slower")
    assert [line.split(": ", 1)[1] for line in written.getvalue().splitlines()] == ["abc-1: slow", "abc-1: slower"]


@given(
    user=st.text("abcXYZ0-9._", min_size=1, max_size=12),
    word=st.text("pqr789!$&+", min_size=1, max_size=20),
    query=st.text("tuvw=&%", min_size=1),
)
def test_no_address_keeps_its_credentials_or_its_query(user: str, word: str, query: str) -> None:
    """Wherever it stands in a text; host and path stay, for whoever has to find it."""
    for scheme in ("http", "https", "redis", "rediss", "opensearch+https"):
        cleaned = logs.Cleaner()(f"asked {scheme}://{user}:{word}@shop.example/a/b.jpg, got nothing")
        assert cleaned == f"asked {scheme}://…@shop.example/a/b.jpg, got nothing"
    cleaned = logs.Cleaner()(f"(https://shop.example/a.jpg?{query})")
    assert cleaned.startswith("(https://shop.example/a.jpg?…")
    assert query not in cleaned.partition("…")[2]


@given(picture=st.binary(min_size=200, max_size=2_000))
def test_no_picture_gets_into_a_line(picture: bytes) -> None:
    """Neither as a data: URL nor as bare base64."""
    told = base64.b64encode(picture).decode()
    for text in (f"Found 'data:image/png;base64,{told}' there", f"body={told}."):
        assert told[:100] not in logs.Cleaner()(text)


@given(secret=st.text(min_size=4, max_size=40), around=st.text(max_size=20))
def test_no_known_secret_gets_into_a_line(secret: str, around: str) -> None:
    """Whatever its characters."""
    assert secret not in logs.Cleaner([secret])(f"<{secret}> and {secret}").replace("********", "")


def test_a_request_keeps_its_name_in_its_own_thread_alone() -> None:
    """And a name that could break a header or a line is no name."""
    seen: list[str | None] = []
    with named("outer"):
        with named("inner"):
            thread = threading.Thread(target=lambda: seen.append(current()))
            thread.start()
            thread.join()
            seen.append(current())
        with named("broken\r\nX: 1"):
            seen.append(current())
    assert (seen, current()) == ([None, "inner", "outer"], None)
    assert [sane(one) for one in ("ok-1._", "", "a" * 65, "a b", None, 7)] == ["ok-1._", None, None, None, None, None]


def test_who_has_set_up_logging_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that embeds us says itself where its lines go."""
    root, out = logging.getLogger(), io.StringIO()
    before = list(root.handlers)
    assert before, "pytest listens here"
    logs.configure("json", "INFO", stream=out)
    assert root.handlers == before
    monkeypatch.setattr(root, "handlers", [])
    level = root.level
    try:
        logs.configure("json", "WARNING", stream=out)
        logging.getLogger("lookalike.x").warning("told")
        logging.getLogger("opensearch").info("GET /")
        assert [json.loads(line)["message"] for line in out.getvalue().splitlines()] == ["told"]
    finally:
        root.setLevel(level)
    assert sys.stderr is not out
