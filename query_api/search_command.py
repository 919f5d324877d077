"""`lookalike search`: one search from the command line, answered as over HTTP."""

import json
import re
from dataclasses import replace
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def search(
        *,
        picture: Annotated[list[str] | None, typer.Option(help="A picture's file or URL; several are combined.")] = None,
        text: Annotated[str | None, typer.Option(help="Words.")] = None,
        filter_json: Annotated[str | None, typer.Option("--filter", help='JSON, such as {"price": {"lt": 50}}.')] = None,
        query: Annotated[str | None, typer.Option(help="A whole query as JSON, as for POST /v1/search.")] = None,
        limit: Annotated[int | None, typer.Option(help="How many hits.")] = None,
        index: Annotated[str | None, typer.Option(help="The index: a path, memory:, or an engine's URI.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the answer of POST /v1/search.")] = False,
    ) -> None:
        """Search an index by picture and words."""
        from lookalike.bootstrap import build
        from lookalike.domain.query import Like
        from lookalike.domain.query_parsing import parse_search
        from lookalike.settings import load

        told: dict[str, Any] = dict(_json(query, "--query") if query else {})
        told |= {name: value for name, value in {"text": text, "limit": limit}.items() if value is not None}
        if filter_json is not None:
            told["filter"] = _json(filter_json, "--filter")
        request = parse_search(told)
        with build(load(index=index), read_only=True) as house:
            likes = tuple(
                Like(url=one) if re.match(r"https?://", one, re.IGNORECASE) else Like(content=house.pictures.fetch(one))
                for one in picture or ()
            )
            request = replace(request, like=(*request.like, *likes))
            if request.like or request.unlike:
                house.check_recipe()
            found = house.searcher.search(request)
            if as_json:
                from query_api.telling import search_json

                print(json.dumps(search_json(found, request.explain), ensure_ascii=False, allow_nan=False))
                return
        for hit in found.page.hits:
            product = hit.product
            price = "" if product.price is None else f"  {product.price:,.2f} {product.currency or ''}".rstrip()
            alike = "" if hit.similarity is None else f"  {hit.similarity:.3f}"
            print(
                f"{hit.score:.3f}{alike}  {hit.id}  {product.title or ''}{price}" + (f"  [{product.category}]" if product.category else "")
            )
        print(f"{len(found.page.hits)} of {found.page.total:,}, {found.took_ms.get('total', 0):.0f} ms")
        for notice in found.notices:
            print(notice)


def _json(text: str, option: str) -> Any:
    from lookalike.domain.values import strict_json
    from lookalike.errors import InvalidInput

    try:
        told = strict_json(text)
    except ValueError as error:
        raise InvalidInput.at(option, f"This is no JSON: {error}.") from error
    if not isinstance(told, dict):
        raise InvalidInput.at(option, "A JSON object is wanted.")
    return told
