"""`snnlab data`: which data sets there are, and in what state their files are."""

from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import click

from snnlab.client import render
from snnlab.client.trouble import Code, Trouble
from snnlab.learning import files
from snnlab.learning.dataset import Dataset
from snnlab.learning.errors import DataError
from snnlab.learning.part import members


class Held(NamedTuple):
    """A file of a data set on this machine: "ok", "damaged", "missing", or "found" if unread."""

    dataset: str
    file: str
    state: str
    size: int | None
    path: Path | None


@click.group()
def data() -> None:
    """List, fetch and verify data sets."""


@data.command("list")
@click.option("--json", "in_json", is_flag=True, help="Print the list as JSON.")
def list_all(*, in_json: bool) -> None:
    """List the data sets, where their files are, their licences and citations."""
    if in_json:
        click.echo(render.json_text([described(dataset) for dataset in known().values()]))
        return
    columns = ("data set", "title", "licence", "citation", "caveat")
    rows = [(n, d.title, d.licence, d.citation, d.caveat) for n, d in known().items()]
    render.show(render.table("", columns, rows), tabled(held(verify=False)))
    places = ", then ".join(str(folder) for folder in files.folders())
    click.echo(f"Files are looked for in {places}.")


@data.command()
@click.argument("name")
def fetch(*, name: str) -> None:
    """Find or download the data set NAME, and verify it."""
    chosen(name).load()
    render.show(tabled(held(name, verify=True)))


@data.command()
@click.argument("name", required=False)
@click.option("--json", "in_json", is_flag=True, help="Print the answer as JSON.")
def verify(*, name: str | None, in_json: bool) -> int:
    """Compare files with their published checksums: of the data set NAME, or of all.

    Ends with 1 if a file is damaged, or missing from the data set that was named.
    """
    found = held(name, verify=True)
    if in_json:
        click.echo(render.json_text([file._asdict() for file in found]))
    else:
        render.show(tabled(found))
    wrong = ("damaged", "missing") if name else ("damaged",)
    return Code.FAILED if any(file.state in wrong for file in found) else Code.OK


def known() -> dict[str, Dataset]:
    """Each data set, by its kind."""
    found = [part() for part in members(Dataset, "snnlab.learning.datasets")]
    return {dataset.kind: dataset for dataset in found}


def chosen(name: str) -> Dataset:
    everything = known()
    if name not in everything:
        close = get_close_matches(name, everything, n=1)
        hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(everything)}"
        raise Trouble(Code.NOT_FOUND, f"there is no data set {name}. {hint}")
    return everything[name]


def held(name: str | None = None, *, verify: bool) -> list[Held]:
    """The files of the data set of that name, or of all."""
    wanted = [chosen(name)] if name else list(known().values())
    return [
        Held(
            dataset.kind,
            file.path,
            state(path, file.sha256, verify=verify),
            path.stat().st_size if path else None,
            path,
        )
        for dataset in wanted
        for file in dataset.files()
        for path in [files.find(file)]
    ]


def state(path: Path | None, sha256: str, *, verify: bool) -> str:
    if path is None:
        return "missing"
    if not verify:
        return "found"
    try:
        files.check(path, sha256)
    except DataError:
        return "damaged"
    return "ok"


def described(dataset: Dataset) -> dict[str, object]:
    names = ("title", "licence", "citation", "caveat")
    return {
        "name": dataset.kind,
        **{name: getattr(dataset, name) for name in names},
        "files": [file._asdict() for file in held(dataset.kind, verify=False)],
    }


def tabled(found: list[Held]) -> object:
    rows = [
        (f.dataset, f.file, f.state, f"{f.size:,}" if f.size else "", f.path or "") for f in found
    ]
    return render.table("", ("data set", "file", "state", "bytes>", "place"), rows)
