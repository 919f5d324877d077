"""Paths: an encoded slash is no slash of the path."""

import pytest

from query_api.front import raw_path


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/v1/search?q=1", "/v1/search"),
        ("/v1/products/a%2Fb", "/v1/products/a%2Fb"),
        ("/v1/products/a%2fb", "/v1/products/a%2Fb"),
        ("/v1/products/a%252Fb", "/v1/products/a%252Fb"),
        ("/v1/products/%", "/v1/products/%25"),
        ("/v1/products/%zz", "/v1/products/%25zz"),
        ("/v1/products/%C3%A4", "/v1/products/ä"),
        ("/a%20b#fragment", "/a b"),
        ("http://host:80/v1/search?x", "/v1/search"),
        ("//a//b", "//a//b"),
        ("*", "*"),
        ("", "/"),
    ],
)
def test_a_target_becomes_its_path(target: str, path: str) -> None:
    """What stays encoded is decoded by the converter, after the routes are matched."""
    assert raw_path(target).encode("latin-1").decode() == path


def test_a_path_that_is_not_utf8_is_refused() -> None:
    """There is no telling which id it means."""
    with pytest.raises(ValueError, match="UTF-8"):
        raw_path("/v1/products/%ff")
