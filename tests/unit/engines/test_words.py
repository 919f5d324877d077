"""Our tokens are FTS5's tokens."""

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from lookalike.engines import words


def fts5_tokens(text: str) -> list[str]:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE VIRTUAL TABLE texts USING fts5(text, tokenize='{words.TOKENIZER}')")
    connection.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(texts, 'instance')")
    connection.execute("INSERT INTO texts VALUES (?)", (text,))
    found = [row[0] for row in connection.execute("SELECT term FROM terms ORDER BY offset")]
    connection.close()
    return found


@given(st.text(max_size=60))
def test_any_text_gives_the_tokens_of_fts5(text: str) -> None:
    assert [words.stem(one) for one in words.tokens(text)] == fts5_tokens(text)


def test_words_of_a_query_are_distinct_and_bounded() -> None:
    assert list(words.query_words("Shoes shoe SHOES running")) == ["shoe", "run"]
    assert len(words.query_words(" ".join(f"w{number}" for number in range(1000)))) == words.MOST_TOKENS
    assert words.query_words("…  \0 \" ' *") == {}


def test_prefixes_of_any_word() -> None:
    assert words.starts_a_word("shoe", words.folded("Red SHOES"))
    assert words.starts_a_word("creme b", words.folded("Crème brûlée"))
    assert not words.starts_a_word("hoes", words.folded("Red SHOES"))
