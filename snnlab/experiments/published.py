"""Published results, as their sources print them: each row names its source, and was checked."""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple


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


@cache
def published() -> tuple[Published, ...]:
    """All rows, in the order of the file."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        lines = csv.reader(file)
        next(lines)
        return tuple(Published(*line) for line in lines)
