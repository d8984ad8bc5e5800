"""`snnlab chip`: what is known of chips, and whether a network fits onto them."""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from hardware.profile import KEYS, Profile, load, names
from hardware.words import COLUMNS, cell, said, source, unknown
from snnlab.client import definition, render
from snnlab.client.trouble import Code, Trouble
from snnlab.client.trouble import as_json as problem_as_json


if TYPE_CHECKING:
    from rich.table import Table

    from snnlab.learning.landing import Landing


@click.group()
def chip() -> None:
    """See emulated chips; check whether a network fits onto them."""


@chip.command("list")
@click.option("--json", "in_json", is_flag=True, help="Print the list as JSON.")
def list_all(*, in_json: bool) -> None:
    """List the chips. ? is unknown, * from memory and unverified."""
    profiles = [load(name) for name in names()]
    if in_json:
        click.echo(render.json_text([described(profile) for profile in profiles]))
        return
    rows = ((p.name, p.engine, *(cell(p, key) for key in COLUMNS.values())) for p in profiles)
    render.show(render.table("", ("chip!", "engine", *COLUMNS), rows))


@chip.command()
@click.argument("name")
@click.option("--json", "in_json", is_flag=True, help="Print the facts as JSON.")
def show(*, name: str, in_json: bool) -> None:
    """Show all that is known of the chip NAME, and how; what is not known says so."""
    profile = chosen(name)
    if in_json:
        click.echo(render.json_text(described(profile)))
        return
    known = ((f.key, said(f), *source(profile, f), KEYS[f.key][2]) for f in profile.facts.values())
    missing = ((key, "unknown", "not published", "", KEYS[key][2]) for key in unknown(profile))
    columns = ("fact!", "value", "how it is known!", "source or note", "meaning")
    head = (("chip", profile.name), ("", profile.label), ("caveat", profile.caveat))
    render.show(render.fields(head), render.table("", columns, [*known, *missing]))


@chip.command()
@click.argument("spec")
@definition.CHANGES
@click.option(
    "--profile", type=click.Choice(names()), help="Which chip; the definition's own by default."
)
@click.option("--all", "every", is_flag=True, help="Try every chip.")
@click.option("--json", "in_json", is_flag=True, help="Print the answer as JSON.")
def check(
    *, spec: str, changes: tuple[str, ...], profile: str | None, every: bool, in_json: bool
) -> int:
    """Say whether the network of SPEC fits onto a chip, before anything is trained.

    Prints all that keeps it from there, or the cores that hold it. Ends with 1 if it does not fit
    onto the one chip that was named.
    """
    from snnlab.learning.landing import land  # here, because it takes PyTorch along

    wanted = definition.find(spec).spec(changes)
    own = getattr(wanted.chip, "profile", None)
    if not (every or profile or own):
        raise Trouble(Code.WRONG, f"{spec} names no chip. Give --profile NAME, or --all")
    landings = list(land(wanted, names() if every else [profile or own]))
    if in_json:
        said = [document(landing) for landing in landings]
        click.echo(render.json_text(said if every else said[0]))
    else:
        render.show(*([summary(landings)] if every else report(landings[0])))
    return Code.OK if every or landings[0].fits else Code.FAILED


def chosen(name: str) -> Profile:
    if name in names():
        return load(name)
    close = get_close_matches(name, names(), n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Chips: {', '.join(names())}"
    raise Trouble(Code.NOT_FOUND, f"{name}: no chip has that name. {hint}")


def described(profile: Profile) -> dict[str, Any]:
    """A chip as `--json` prints it; a limit that is infinite is null, and said to be none."""
    facts = [
        {
            "key": fact.key,
            "meaning": KEYS[fact.key][2],
            "value": fact.value,
            "text": said(fact),
            "unit": KEYS[fact.key][1],
            "evidence": fact.evidence,
            "verified": fact.verified,
            "source": profile.source(fact),
        }
        for fact in profile.facts.values()
    ]
    return {
        "name": profile.name,
        "label": profile.label,
        "engine": profile.engine,
        "caveat": profile.caveat,
        "digest": profile.digest,
        "facts": facts,
        "unknown": list(unknown(profile)),
    }


def document(landing: "Landing") -> dict[str, Any]:
    """One chip's answer as JSON."""
    return {
        "chip": landing.profile.name,
        "fits": landing.fits,
        "problems": [problem_as_json(problem) for problem in landing.problems],
        "violations": [vars(violation) for violation in landing.report.violations],
        "unchecked": landing.report.unchecked,
        "cores": [core._asdict() for core in landing.cores],
        "errors": [vars(error) for error in (landing.program.errors if landing.program else ())],
        "seconds_per_image": render.known(landing.seconds),
        "prices": {
            key: None if price is None else {"value": price.value, "evidence": price.evidence}
            for key, price in landing.prices.items()
        },
    }


def report(landing: "Landing") -> "list[Table]":
    """One chip's answer: why not, or where everything lies; and what nobody knows."""
    name = landing.profile.name
    tables = [cores(landing), errors(landing)] if landing.fits else [reasons(landing)]
    unchecked = ", ".join(landing.report.unchecked)
    head = (("chip", name), ("", "fits" if landing.fits else "does not fit"))
    tail = (
        ("not checked, as not published", unchecked),
        ("time of one image [s]", landing.seconds),
    )
    return [render.fields(head), *tables, prices(landing), render.fields(tail)]


def reasons(landing: "Landing") -> "Table":
    rows = [(p.place, "", p.rule, p.value, p.way_out) for p in landing.problems]
    rows += [
        (f"layer {v.layer}", "" if v.core is None else v.core, f"{v.limit}: {v.allowed}", v.got,
         v.way_out)
        for v in landing.report.violations
    ]  # fmt: skip
    return render.table("", ("place", "core", "must be", "got", "way out"), rows)


def cores(landing: "Landing") -> "Table":
    """A row for each core, a column for each limit that is known."""
    limits = list(dict.fromkeys(name for core in landing.cores for name in core.shares))
    rows = (
        (
            core.number,
            ", ".join(f"{layer} ({neurons})" for layer, neurons in core.layers.items()),
            *(f"{core.shares.get(name, 0):.0%}" for name in limits),
        )
        for core in landing.cores
    )
    columns = ("core>", "layers (neurons)", *(f"{name}>" for name in limits))
    return render.table("What the cores hold, and the share of each limit in use", columns, rows)


def errors(landing: "Landing") -> "Table":
    rows = (
        (e.layer, e.bits, *(f"{x:.2%}" for x in (e.weight, e.largest, e.vanished, e.threshold)),
         f"{e.alpha:.2g}")
        for e in (landing.program.errors if landing.program else ())
    )  # fmt: skip
    columns = ("layer", "bits>", "weight>", "largest>", "vanished>", "threshold>", "decay>")
    return render.table("Errors of the program, of untrained weights", columns, rows)


def prices(landing: "Landing") -> "Table":
    """What the energy of an inference is made of."""
    facts = landing.profile.facts
    rows = (
        (key, said(facts[key]), *source(landing.profile, facts[key]))
        if price is not None
        else (key, "unknown", "not published", "")
        for key, price in landing.prices.items()
    )
    missing = any(price is None for price in landing.prices.values())
    title = "Energy of an image: unknown, for a price is missing" if missing else "Prices of energy"
    return render.table(title, ("price", "value", "how it is known", "source or note"), rows)


def summary(landings: "list[Landing]") -> "Table":
    rows = (
        (
            landing.profile.name,
            "fits" if landing.fits else "refused",
            len(landing.cores) if landing.fits else "",
            "" if landing.fits else "\n".join(why(landing)),
        )
        for landing in landings
    )
    return render.table("", ("chip!", "answer", "cores>", "reasons"), rows)


def why(landing: "Landing") -> list[str]:
    return [*map(str, landing.problems), *map(str, landing.report.violations)]
