"""What a result builds on: the references that its parts name as their sources, as BibTeX.

Nothing is added to what the parts say: an entry has the names, the year and the identifier of its
source's text, and that text as its note.
"""

import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

from snnlab.learning.metrics import METRICS
from snnlab.learning.spec import Spec
from snnlab.learning.surrogates import SHAPES


NAME = r"[A-Z][\w'-]+"
AUTHORS = rf"{NAME}(?:, {NAME})*(?: et al\.| & {NAME})?"
REFERENCE = re.compile(
    rf"(?P<who>{AUTHORS}) (?P<year>(?:19|20)\d\d), "
    r"(?:(?P<scheme>doi|arXiv):(?P<id>[^\s;,()]+)|(?P<title>[^;()]+?)(?=\.(?: [A-Z]|$)|[;()]|$))"
)
OPEN = re.compile(r"Sources?:\s")
SITES = {"doi": "https://doi.org/", "arXiv": "https://arxiv.org/abs/"}


class Reference(NamedTuple):
    """One source, and the parts that name it."""

    text: str
    who: str
    year: str
    scheme: str  # of the identifier: doi, arXiv, or none
    id: str
    parts: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"{SITES[self.scheme]}{self.id}" if self.scheme else ""

    @property
    def key(self) -> str:
        first = re.match(r"\w+", self.who)
        tail = re.sub(r"\W", "", self.id)[-4:] if self.id else ""
        return f"{first[0].lower() if first else 'source'}{self.year}{tail}"

    @property
    def authors(self) -> str:
        """As BibTeX wants them; the parts name no first names."""
        known = self.who.replace(" et al.", ", others").replace(" & ", ", ")
        return " and ".join(known.split(", "))

    def bibtex(self) -> str:
        fields = {"author": self.authors, "year": self.year, "note": escaped(self.text)}
        if self.scheme == "doi":
            fields["doi"] = self.id
        elif self.scheme == "arXiv":
            fields |= {"eprint": self.id, "archivePrefix": "arXiv"}
        if self.url:
            fields["url"] = self.url
        lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
        return f"@misc{{{self.key},\n{lines}\n}}"


def escaped(text: str) -> str:
    """Text without what LaTeX would take for a command."""
    return re.sub(r"([&%$#_])", r"\\\1", text)


def references(spec: Spec) -> list[Reference]:
    """The references of all parts, each once, in the order of the parts."""
    found: dict[tuple[str, str], Reference] = {}
    for part, text in sources(spec):
        for one in read(text, part):
            key = (one.scheme, one.id or one.text)
            before = found.get(key)
            parts = (*before.parts, part) if before else (part,)
            found[key] = (before or one)._replace(parts=tuple(dict.fromkeys(parts)))
    return list(found.values())


def sources(spec: Spec) -> Iterator[tuple[str, str]]:
    """Where each part that is used names its source."""
    yield "dataset", spec.dataset.citation
    yield "rule", spec.rule.source
    for name in ("network", "neuron"):  # each has a module of its own, which says it
        part = type(getattr(spec, name))
        yield name, f"{part.__doc__} {opened(sys.modules[part.__module__].__doc__ or '')}"
    yield "network.norm", of_norm(spec.network.norm)
    shape = getattr(spec.neuron, "surrogate", None)
    if shape and spec.rule.learning == "gradients":
        yield "neuron.surrogate", SHAPES[shape].__doc__ or ""
    for name in ("encoder", "augmentation", "optimizer", "schedule"):
        yield name, type(getattr(spec, name)).__doc__ or ""
    yield "energy", METRICS["energy"].definition


def opened(text: str) -> str:
    """What follows the word Source; all of a text that does not use it."""
    found = OPEN.search(text)
    return text[found.end() :] if found else text


def of_norm(norm: str) -> str:
    """What the module of normalisations says of this one."""
    from snnlab.learning import norms

    parts = " ".join(opened(norms.__doc__ or "").split()).split(";")
    return next((part for part in parts if part.strip().startswith(f"{norm},")), "")


def read(text: str, part: str) -> list[Reference]:
    """The references in a text."""
    return [
        Reference(
            found[0].strip().rstrip(".:"),
            found["who"],
            found["year"],
            found["scheme"] or "",
            (found["id"] or "").rstrip(".:"),
            (part,),
        )
        for found in REFERENCE.finditer(" ".join(text.split()))
    ]
