"""Published results, as their sources print them: each row names its source, and was checked."""

import csv
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from snnlab.experiments.sql import rows


TABLE = Path(__file__).with_name("published_results.csv")


class Published(NamedTuple):
    """One row of published_results.csv."""

    dataset: str
    model: str
    method: str
    neuron: str
    timesteps: str
    accuracy_percent: str
    ann_accuracy_percent: str
    year: str
    citation: str
    arxiv_or_doi: str
    source_checked: str

    @property
    def board(self) -> str:
        return self.dataset.lower()

    @property
    def url(self) -> str:
        """A link to the paper, if its identifier is an arXiv number or a DOI."""
        if self.arxiv_or_doi.startswith("arXiv:"):
            return f"https://arxiv.org/abs/{self.arxiv_or_doi.removeprefix('arXiv:')}"
        if self.arxiv_or_doi.startswith("10."):
            return f"https://doi.org/{self.arxiv_or_doi}"
        return ""

    @property
    def digest(self) -> str:
        """A name that changes with anything the row says."""
        return hashlib.sha256(json.dumps(self).encode()).hexdigest()

    def line(self) -> dict[str, Any]:
        """The row as a line of a board."""
        return {
            "board": self.board,
            "digest": self.digest,
            "title": self.citation,
            "method": self.method,
            "network": self.model,
            "neuron": self.neuron,
            "time_steps": int(self.timesteps) if self.timesteps else None,
            "accuracy": float(self.accuracy_percent),
            "teacher": float(self.ann_accuracy_percent) if self.ann_accuracy_percent else None,
            "year": int(self.year),
            "source": self.arxiv_or_doi or self.citation,
            "url": self.url,
            "provenance": self.source_checked == "yes",
        }


@cache
def published() -> tuple[Published, ...]:
    """All rows, in the order of the file."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        lines = csv.reader(file)
        next(lines)
        return tuple(Published(*line) for line in lines)


def store(**_: Any) -> None:
    """Put all rows on their boards, after each migration.

    One that was corrected or left the file stays as withdrawn, since others may refer to it.
    """
    if not rows("select where to_regclass('experiments_entry') is not null"):
        return  # migrated back to a time before it
    lines = [result.line() for result in published()]
    rows(
        """
        insert into experiments_entry (kind, board, digest, title, method, network, neuron,
          time_steps, accuracy, teacher, year, source, url, provenance, n)
        select 'published', board, digest, title, method, network, neuron, time_steps, accuracy,
          teacher, year, source, url, provenance, 0
        from jsonb_to_recordset(%(lines)s) as line (board text, digest text, title text,
          method text, network text, neuron text, time_steps int, accuracy float8, teacher float8,
          year int, source text, url text, provenance boolean)
        on conflict do nothing""",
        lines=json.dumps(lines),
    )
    rows(
        """
        update experiments_entry
        set standing = case when digest = any(%(known)s) then '' else 'withdrawn' end
        where kind = 'published' and (standing = 'withdrawn') = (digest = any(%(known)s))""",
        known=[line["digest"] for line in lines],
    )
