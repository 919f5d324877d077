"""Prices as people, shops and their broken pages write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.catalogues.amazon_text import date_of, is_script, price_of, rank_of
from lookalike.catalogues.text import parse_price, parse_price_range, plain, unmangled
from lookalike.errors import InvalidInput

AMOUNTS = st.integers(0, 10**9 - 1).map(lambda cents: cents / 100)
STYLES = {
    "$1,234.50": lambda amount: f"${amount:,.2f}",
    "1.234,50 €": lambda amount: f"{amount:,.2f} €".translate(str.maketrans(",.", ".,")),
    "1 234,50 zł": lambda amount: f"{amount:,.2f} zł".replace(",", " ").replace(".", ","),
    "CHF 1'234.50": lambda amount: "CHF " + f"{amount:,.2f}".replace(",", "'"),
    "1234.50": lambda amount: f"{amount:.2f}",
    "<b>&pound;1,234.50</b>": lambda amount: f"<b>&pound;{amount:,.2f}</b>",
}


@given(AMOUNTS, st.sampled_from(sorted(STYLES)))
def test_every_way_of_writing_is_read(amount: float, style: str) -> None:
    """To the cent."""
    assert parse_price(STYLES[style](amount))[0] == pytest.approx(amount)


@given(AMOUNTS, AMOUNTS, st.sampled_from([" - ", "-", " – ", " to ", " bis "]))
def test_of_a_range_the_ends_are_known(one: float, other: float, joint: str) -> None:
    """Whichever way round."""
    low, high, currency = parse_price_range(f"${one:,.2f}{joint}${other:,.2f}")
    assert (low, high, currency) == (pytest.approx(min(one, other)), pytest.approx(max(one, other)), "USD")


@given(st.text(max_size=200))
def test_any_text_is_a_price_or_refused(text: str) -> None:
    """A price is finite and not negative; nothing else is raised."""
    for read in (parse_price_range, price_of):
        try:
            found = read(text)
        except InvalidInput:
            continue
        if found is not None:
            low, high, _ = found
            assert 0 <= low < 1e61
            assert high is None or low <= high


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        *((12.99, (12.99, None, "USD")), ("from 12.99", (12.99, None, "USD")), ("$12.99 - $24.50", (12.99, 24.5, "USD"))),
        *((None, None), ("", None), ("—", None), ("None", None), ("$.99", (0.99, None, "USD")), ("£5", (5, None, "GBP"))),
    ],
)
def test_amazons_prices(told: object, wanted: object) -> None:
    """Numbers, text, nothing; dollars where no mark says otherwise."""
    assert price_of(told) == wanted


@pytest.mark.parametrize(
    "junk",
    [
        *(".a-box-inner{background-color:#fff}#x .y{box-shadow:0 0 3px rgba(228,121,17,.5)}", True, {}, [1], -1, float("inf")),
        *("Only 3 left in stock - order soon. Ships from and sold by 17 other sellers", "P.when('A').execute(function(A){ var a = 5; })"),
    ],
)
def test_what_a_page_left_in_a_price_is_refused(junk: object) -> None:
    """The digits of a style sheet are no price."""
    with pytest.raises(InvalidInput, match="price"):
        price_of(junk)


def test_titles_are_no_scripts() -> None:
    """A bracket alone makes no script."""
    assert is_script("var aPageStart = (new Date()).getTime();")
    for title in ("Cup (red); set of 2", "Function {Limited} Tee", "Variable (Deluxe)", "C# (Second Edition); .NET"):
        assert not is_script(title), title


def test_texts_of_pages_become_plain() -> None:
    """Tags, scripts, entities escaped twice; what only looks like a tag stays, and what is clean is not copied."""
    clean = "Size < 5 and > 3"
    assert plain(clean) == clean
    same = "Blue mug"
    assert plain(same) is same
    told = " <p>A &amp;amp; B</p><script>x<y</script> <!-- no -->&#39;c&#39;\x00 a\u00adb \ud83d <br/> &#99999999999999999999; "
    assert plain(told) == "A & B 'c' ab \ufffd \ufffd"
    assert plain("&#" + "9" * 5000 + ";").startswith("&#9")
    assert (unmangled("CafÃ©"), unmangled("donâ€™t"), unmangled("Café"), unmangled("Ã")) == ("Café", "don’t", "Café", "Ã")


def test_ranks_and_dates() -> None:
    """As the three layouts write them; anything else is none."""
    ranks = [{"Toys & Games": 21}, "866,012 in Movies &amp; TV (", [">#2,623 in Books &gt; Art (See Top 100)"], "", [], None, {"x": "y"}]
    assert [rank_of(one) for one in ranks] == [(21, "Toys & Games"), (866012, "Movies & TV"), (2623, "Books > Art"), *[None] * 4]
    dates = ["January 28, 2014", "Aug 2, 2014", "February 30, 2014", "5 star5 star (0%)", None, "Smarch 1, 2014", "May 0, 2014"]
    assert [date_of(one) for one in dates] == ["2014-01-28", "2014-08-02", *[None] * 5]
