"""The form of a new sweep: what a person typed, and the sweep that it says or what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from django import forms

from snnlab.experiments.seeds import parse_seeds
from snnlab.learning.notation import read_space, write_space
from snnlab.learning.plan import Plan
from snnlab.learning.problems import SpecError
from snnlab.web.definition import MAX_TOML, by_place, toml_of
from snnlab.web.schema import Group, form_of
from snnlab.web.values import Flat, define, flatten


if TYPE_CHECKING:
    from snnlab.learning.sweep import Sweep

TEXTS = ("toml", "space", "seeds", "objectives")
APART = ("space", "objectives", "seeds")  # fields that have a widget of their own


class NewSweep(forms.Form):
    """Name, team and time of a sweep; `key` makes sending it twice harmless."""

    WHEN = (
        ("now", "Now"),
        ("cron", "By cron, in a time zone"),
        ("every", "In an interval"),
        ("once", "Once, later"),
    )
    MISSED = (("once", "make up for it once"), ("skip", "skip it"), ("all", "make up for all"))

    name = forms.CharField(max_length=150, help_text="What you will look for in lists.")
    team = forms.ChoiceField(help_text="Who sees the sweep and its runs.")
    notes = forms.CharField(
        max_length=10_000,
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text="What you ask, what you expect.",
    )
    key = forms.UUIDField(widget=forms.HiddenInput)
    when = forms.ChoiceField(choices=WHEN, help_text="Later and again is a schedule.")
    cron = forms.CharField(
        max_length=100,
        required=False,
        help_text="Minute, hour, day, month, weekday: 30 2 * * 1-5 is 02:30 from Monday to Friday.",
    )
    zone = forms.CharField(
        max_length=60, required=False, initial="UTC", help_text="Of cron, as Europe/Berlin."
    )
    every = forms.FloatField(
        required=False, min_value=1, help_text="Interval in minutes, from its beginning on."
    )
    start = forms.CharField(
        max_length=40,
        required=False,
        help_text="Beginning in UTC, as 2027-01-31 08:00; empty for now.",
    )
    missed = forms.ChoiceField(
        choices=MISSED, required=False, help_text="What to do if the lab was down then."
    )

    def __init__(self, *args: Any, teams: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].choices = teams


@dataclass(frozen=True)
class Defined:
    """Texts and fields of a form, the sweep if they are one, and what is wrong if not."""

    base: str
    space: str
    seeds: str
    objectives: str
    flat: Flat
    sweep: "Sweep | None" = None
    problems: dict[str, str] = field(default_factory=dict)


@cache
def plan_form() -> Group:
    """The form of what a sweep does, but for the fields that have widgets of their own."""
    schema = Plan.model_json_schema()
    kept = {name: s for name, s in schema["properties"].items() if name not in APART}
    return form_of(schema | {"properties": kept})


def from_sweep(definition: Mapping[str, Any]) -> Defined:
    """The form of a sweep that is there."""
    plan = Plan.of(dict(definition))
    named = (o.metric + (f":{o.better}" if o.better != "usual" else "") for o in plan.objectives)
    seeds, flat = ", ".join(map(str, plan.seeds)), flatten(plan_form(), definition)
    base, space = toml_of(definition["base"]), write_space(plan.space)
    return read(Defined(base, space, seeds, ", ".join(named), flat))


def from_post(data: Mapping[str, Any]) -> Defined:
    """The sweep that a sent form holds."""
    flat = {k.removeprefix("spec."): str(v) for k, v in data.items() if k.startswith("spec.")}
    texts = (
        str(data.get(name, ""))[:MAX_TOML] for name in ("toml", "space", "seeds", "objectives")
    )
    return read(Defined(*texts, flat))


def read(said: Defined) -> Defined:
    """The same with the sweep that it says, or with what is wrong."""
    from snnlab.learning.spec import toml_data
    from snnlab.learning.sweep import Sweep

    problems: dict[str, str] = {}
    space, wrong = read_space(said.space)
    if wrong:
        problems["space"] = wrong[0]
    raw = define(plan_form(), said.flat) | {"space": space, "objectives": objectives(said)}
    try:
        raw["seeds"] = parse_seeds(said.seeds)
    except ValueError as error:
        problems["seeds"] = str(error)
    try:
        raw["base"] = toml_data(said.base.replace("\r\n", "\n"))
        sweep = Sweep.parse(raw)
    except SpecError as error:
        problems = apart(by_place(error.problems)) | problems
        sweep = None
    return replace(said, sweep=None if problems else sweep, problems=problems)


def objectives(said: Defined) -> list[dict[str, str]]:
    found = []
    for word in said.objectives.replace(",", " ").split():
        metric, colon, better = word.partition(":")
        found.append({"metric": metric} | ({"better": better} if colon else {}))
    return found


def apart(problems: dict[str, str]) -> dict[str, str]:
    """Problems of what has one widget stand beside that, all in one text."""
    found: dict[str, str] = {}
    for place, text in problems.items():
        head = place.partition(".")[0]
        place = head if head in ("base", *APART) else place or "base"
        found[place] = f"{found[place]} {text}" if place in found else text
    return found
