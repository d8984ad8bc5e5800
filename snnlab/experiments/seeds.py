"""Seeds as people write them: `1, 2, 3`, `1-5`, or both."""

import re


MOST = 1000
LARGEST = 2**31 - 1
RANGE = re.compile(r"\s*(?:-|\.\.)\s*")
ITEM = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10}))?")


def parse_seeds(text: str) -> list[int]:
    """The seeds in the order written, each once. Raises ValueError in words for people."""
    seeds: dict[int, None] = {}
    for item in re.split(r"[,;\s]+", RANGE.sub("-", text).strip(" ,;\t\r\n")):
        first, last = bounds(item)
        if last - first >= MOST or len(seeds) + last - first >= MOST:
            raise ValueError(f"seeds must be at most {MOST}, got {item!r} among others.")
        seeds |= dict.fromkeys(range(first, last + 1))
    return list(seeds)


def bounds(item: str) -> tuple[int, int]:
    """The first and last seed of one item."""
    if not item:
        raise ValueError("seeds must name at least one seed, for example 1, 2, 3 or 1-5.")
    match = ITEM.fullmatch(item)
    if match is None:
        raise ValueError(f"seeds must be whole numbers from 0, got {item!r}. Write 1, 2, 3 or 1-5.")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first or last > LARGEST:
        raise ValueError(f"seeds must run upwards and end by {LARGEST}, got {item!r}.")
    return first, last
