"""The words of a search, each with the column where it begins."""

import re
from collections.abc import Iterator
from typing import NamedTuple


LONGEST = 2000
WORD = re.compile(
    r"""(?P<space>\s+)
    |(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<sign>!=|>=|<=|==|[=<>~(),])
    |(?P<word>[^\s()"',=!<>~]+)""",
    re.VERBOSE | re.DOTALL,
)
ODD = re.compile("[\x00\ud800-\udfff]")


class SearchError(ValueError):
    """A search that cannot be read: where, counted from 1, and what was expected there."""

    def __init__(self, column: int, problem: str) -> None:
        super().__init__(f"column {column}: {problem}")
        self.column, self.problem = column, problem


class Word(NamedTuple):
    """A piece of the text. `kind` is word, quoted, sign or end; `text` of a quoted one is bare."""

    kind: str
    text: str
    column: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"“{self.text[:40]}”"

    def is_(self, *texts: str) -> bool:
        """Whether it is one of these signs or keywords, however they are written."""
        return self.kind in ("word", "sign") and self.text.lower() in texts


def words(text: str) -> list[Word]:
    """All words of a search, the last one its end. Raises SearchError."""
    if len(text) > LONGEST:
        raise SearchError(LONGEST + 1, f"a search has at most {LONGEST} characters")
    if odd := ODD.search(text):
        raise SearchError(odd.start() + 1, "this character cannot be searched for")
    return [*_cut(text), Word("end", "", len(text) + 1)]


def _cut(text: str) -> Iterator[Word]:
    place = 0
    while place < len(text):
        found = WORD.match(text, place)
        if found is None:
            expected = "!= was expected" if text[place] == "!" else "this quote is never closed"
            raise SearchError(place + 1, expected)
        kind, said = str(found.lastgroup), found[0]
        if kind == "quoted":
            said = re.sub(r"\\(.)", r"\1", said[1:-1], flags=re.DOTALL)
        if kind != "space":
            yield Word(kind, "=" if said == "==" and kind == "sign" else said, place + 1)
        place = found.end()
