"""BibTeX of the rows that cite something: only what is known of them, nothing made up."""

import re
from collections.abc import Iterator

from snnlab.boards.exports.latex import escaped
from snnlab.boards.exports.table import Table


CITED = ("title", "year", "url", "source", "kind")
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+/\d{7})")
DOI = re.compile(r"10\.\d{4,9}/[^\s{}\\%]+")


def write(table: Table) -> Iterator[str]:
    """An entry for each source once, in the order of the rows."""
    places = {field.name: n for n, field in enumerate(table.fields)}
    known: set[str] = set()
    keys: set[str] = set()
    for row in table.rows:
        said = {name: row[places[name]] if name in places else None for name in CITED}
        source = str(said["source"] or "")
        if said["kind"] not in ("published", "external") or (source or said["title"]) in known:
            continue
        known.add(source or str(said["title"]))
        key = unlike(name_of(str(said["title"] or ""), said["year"]), keys)
        keys.add(key)
        yield entry(key, fields(said, source) | {"key": key})  # to sort by, without authors


def fields(said: dict[str, object], source: str) -> dict[str, str]:
    """What the row tells of its source. The citation is a note: it is no title of a paper."""
    found = {"note": escaped(str(said["title"] or ""))}
    if said["year"]:
        found["year"] = str(said["year"])
    if arxiv := ARXIV.search(source):
        found |= {"eprint": arxiv[1], "archivePrefix": "arXiv"}
    elif doi := DOI.search(source):
        found["doi"] = doi[0]
    url = str(said["url"] or "")
    if url.startswith("https://") and not re.search(r"[{}\\%\s]", url):
        found["url"] = url
    return found


def entry(key: str, found: dict[str, str]) -> str:
    inner = "".join(f"  {name} = {{{value}}},\n" for name, value in found.items())
    return f"@misc{{{key},\n{inner}}}\n\n"


def name_of(title: str, year: object) -> str:
    """A key such as lee2016, of the first word and the year."""
    word = re.search(r"[A-Za-z]{2,}", title)
    return f"{word[0].lower() if word else 'row'}{year or ''}"


def unlike(key: str, taken: set[str]) -> str:
    """The key, with a letter behind it where it is taken."""
    letters = [""] + [chr(97 + n) for n in range(26)] + [f"-{n}" for n in range(26, 100_026)]
    return next(f"{key}{letter}" for letter in letters if f"{key}{letter}" not in taken)
