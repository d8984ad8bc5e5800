"""`snnlab data`: which data sets there are, and in what state their files are."""

from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import click

from snnlab.client import render
from snnlab.client.trouble import Code, Trouble
from snnlab.learning import files
from snnlab.learning.adopt import adopt
from snnlab.learning.dataset import Dataset, caveats, joined
from snnlab.learning.errors import DataError
from snnlab.learning.part import members


FEW = 12


class Held(NamedTuple):
    """A file of a data set on this machine.

    Its state is "ok", "damaged", "missing", "unknown" if no checksum is known, or "found" where it
    was not read.
    """

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
    rows = [(n, d.title, d.licence, d.citation, caveat_of(d)) for n, d in known().items()]
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
@click.option(
    "--adopt",
    "caveat",
    metavar="CAVEAT",
    help="Accept this copy as it is; the caveat then stands beside every result.",
)
def verify(*, name: str | None, in_json: bool, caveat: str | None) -> int:
    """Compare files with their checksums: of the data set NAME, or of all.

    The checksums are those that are published, or those of a copy that was accepted. Ends with 1 if
    a file is damaged, or missing from the data set that was named.
    """
    if caveat is not None:
        accept(name, caveat)
    found = held(name, verify=True)
    if in_json:
        click.echo(render.json_text([file._asdict() for file in found]))
    else:
        render.show(tabled(found))
    wrong = ("damaged", "missing", "unknown") if name else ("damaged",)
    return Code.FAILED if any(file.state in wrong for file in found) else Code.OK


def accept(name: str | None, caveat: str) -> None:
    """Write the manifest of a copy."""
    said = " ".join(caveat.split())
    if not name:
        raise Trouble(
            Code.WRONG, "name the data set to accept: snnlab data verify NAME --adopt ..."
        )
    if not said or len(said) > 200:
        raise Trouble(
            Code.WRONG,
            "say in 1 to 200 characters how this copy differs: --adopt '150 images per class'",
        )
    click.echo(f"accepted: {adopt(chosen(name), name, said)}", err=True)


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
            state(path, file, verify=verify),
            path.stat().st_size if path else None,
            path,
        )
        for dataset in wanted
        for file in dataset.files()
        for path in [files.find(file)]
    ]


def state(path: Path | None, file: files.File, *, verify: bool) -> str:
    if path is None:
        return "missing"
    if not verify:
        return "found"
    try:
        files.check(path, file)
    except files.Unknown:
        return "unknown"
    except DataError:
        return "damaged"
    return "ok"


def described(dataset: Dataset) -> dict[str, object]:
    names = ("title", "licence", "citation")
    return {
        "name": dataset.kind,
        **{name: getattr(dataset, name) for name in names},
        "caveat": caveat_of(dataset),
        "files": [file._asdict() for file in held(dataset.kind, verify=False)],
    }


def caveat_of(dataset: Dataset) -> str:
    """Of the data set, and of the copy that is here."""
    return joined(caveats(dataset))


def tabled(found: list[Held]) -> object:
    """A row a file; of a data set with many files, a row for all that are well."""
    rows = []
    for name in dict.fromkeys(file.dataset for file in found):
        mine = [file for file in found if file.dataset == name]
        well = [file for file in mine if file.state in ("ok", "found")] if len(mine) > FEW else []
        rows += [row(file) for file in mine if file not in well]
        rows += [together(well)] if well else []
    return render.table("", ("data set", "file", "state", "bytes>", "place"), rows)


def row(file: Held) -> tuple[object, ...]:
    size = "" if file.size is None else f"{file.size:,}"
    return file.dataset, file.file, file.state, size, file.path or ""


def together(well: list[Held]) -> tuple[object, ...]:
    """One row for many files."""
    size = f"{sum(file.size or 0 for file in well):,}"
    folder = Path(well[0].file).parts[0]
    place = next(p for p in (well[0].path or Path()).parents if p.name == folder)
    return well[0].dataset, f"{folder}: {len(well):,} files", well[0].state, size, place
