"""Words as the text leg sees them: the tokens of SQLite FTS5's `porter unicode61 remove_diacritics 2`."""

import functools
import re
import sqlite3
import threading
import unicodedata
from collections.abc import Iterator

from lookalike.domain.document import Document

TOKENIZER = "porter unicode61 remove_diacritics 2"
COLUMNS = {"title": 8.0, "brand": 5.0, "tags": 4.0, "category": 3.0, "description": 1.0}
"""What is searched, with the weight of a word found there. A title names the thing, a description talks around it."""

MOST_TOKENS = 32
"""A query's distinct words beyond these are left out: nobody types more, and each costs a walk through the index."""

LONGEST_TEXT = 20_000
"""Characters of a query that are looked at: more cannot change the first 32 words of anything that people write."""

ENOUGH = 50
"""So many products with all words are enough; with fewer, those with only some of the words are found as well."""

K1, B = 1.2, 0.75
"""BM25's constants, as FTS5 has them (https://www.sqlite.org/fts5.html#the_bm25_function)."""

_BOUND = re.compile(r"[\W_]+")
_MOST_REMEMBERED = 1 << 16


class _Tokenizer:
    """FTS5's own tokeniser, asked for single characters and words: our own tables would differ somewhere (its Porter stemmer
    departs from the paper in -bly and -logy, its Unicode is version 6.1)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._database.execute(f"CREATE VIRTUAL TABLE texts USING fts5(text, tokenize='{TOKENIZER}')")
        self._database.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(texts, 'instance')")

    def __call__(self, text: str) -> list[str]:
        """The stems of a short text, in order."""
        with self._lock:
            self._database.execute("DELETE FROM texts")
            self._database.execute("INSERT INTO texts VALUES (?)", (text,))
            return [str(row[0]) for row in self._database.execute("SELECT term FROM terms ORDER BY offset")]


_tokenizer = functools.cache(_Tokenizer)


def tokens(text: str) -> Iterator[str]:
    """Folded words in order, not stemmed: lower case, without diacritics."""
    word: list[str] = []
    for char in text:
        kind = _kind(char)
        if kind is None:
            if word:
                yield "".join(word)
                word.clear()
        elif kind or word:
            word.append(kind)
    if word:
        yield "".join(word)


@functools.lru_cache(_MOST_REMEMBERED)
def _kind(char: str) -> str | None:
    """What a character adds to a word ("" for a diacritic), None where it ends one."""
    if char == "\0":
        return None
    found = _tokenizer()(f"q{char}q")
    return found[0][1:-1] if len(found) == 1 else None


@functools.lru_cache(_MOST_REMEMBERED)
def stem(word: str) -> str:
    """The stem of a folded word, as FTS5 has it."""
    return "".join(_tokenizer()(word)) or word


def query_words(text: str) -> dict[str, str]:
    """The distinct stems of a query, each with the folded word that it came from; `MOST_TOKENS` at most."""
    found: dict[str, str] = {}
    for word in tokens(text[:LONGEST_TEXT]):
        if len(found) == MOST_TOKENS:
            break
        found.setdefault(stem(word), word)
    return found


def texts_of(document: Document) -> tuple[str, ...]:
    """What each of `COLUMNS` holds of a product; predicted tags stand beside the own ones."""
    product = document.product
    tags = "\n".join(dict.fromkeys([*product.tags, *document.predicted_tags()]))
    return product.title or "", product.brand or "", tags, product.category or "", product.description or ""


def folded(text: str) -> str:
    """For comparing what people type with what a catalogue says: case and diacritics do not count."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    return flat if flat.isascii() else "".join(one for one in flat if not unicodedata.combining(one))


def word_starts(text: str) -> Iterator[int]:
    """Where a completion may begin in a folded text: `starts_a_word` holds for what follows from there."""
    yield 0
    yield from (bound.end() for bound in _BOUND.finditer(text) if bound.end() < len(text))


def starts_a_word(prefix: str, text: str) -> bool:
    """Whether some word of the folded `text` starts with the folded `prefix`, which may hold several words."""
    if text.startswith(prefix):
        return True
    return any(text.startswith(prefix, bound.end()) for bound in _BOUND.finditer(text))
