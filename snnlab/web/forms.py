"""The form of a new experiment: what a spec does not say (name, seeds, notes, team)."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.forms.utils import flatatt

from snnlab.experiments.asking import Ask, whole
from snnlab.experiments.seeds import parse_seeds
from snnlab.web.definition import PREFIX
from snnlab.web.schema import Choice, Group, Input, Node
from snnlab.web.values import Flat, flatten, kind_of, last


MOST_AFTER = 50


class NewExperiment(forms.Form):
    """Name, seeds, notes and team of an experiment; `key` makes sending it twice harmless."""

    name = forms.CharField(max_length=200, help_text="What you will look for in lists.")
    seeds = forms.CharField(
        max_length=1000,
        initial="1",
        help_text="One run for each: 1, 2, 3 or 1-5. Several seeds give a mean and a spread.",
    )
    notes = forms.CharField(
        max_length=10_000,
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text="What you ask, what you expect.",
    )
    team = forms.ChoiceField(help_text="Who sees the experiment and its runs.")
    key = forms.UUIDField(widget=forms.HiddenInput)
    pool = forms.CharField(
        max_length=20, required=False, initial="cpu", help_text="Whose workers: cpu, gpu, or yours."
    )
    labels = forms.CharField(
        max_length=500, required=False, help_text="What a worker must have, as chip-2, a100."
    )
    priority = forms.IntegerField(
        required=False, initial=0, help_text="Higher goes first within the team: -1000 to 1000."
    )
    devices = forms.IntegerField(
        required=False, initial=1, help_text="GPUs, or processes on a CPU, of each run."
    )
    memory = forms.IntegerField(
        required=False,
        label="Memory in MB",
        help_text="What a worker must offer; a training that uses more is ended.",
    )
    wall = forms.IntegerField(
        required=False,
        label="Longest time in seconds",
        help_text="Of one attempt; then it ends.",
    )
    after = forms.CharField(
        max_length=200,
        required=False,
        label="After runs",
        help_text="Numbers of runs to wait for, as 17, 23.",
    )
    reuse = forms.BooleanField(
        required=False,
        label="Take known results",
        help_text="Of the same definition, seed and code, instead of training again.",
    )
    PLACE = ("pool", "labels", "priority", "devices", "memory", "wall", "after", "reuse")

    def __init__(self, *args: Any, teams: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].choices = list(teams)

    def clean_seeds(self) -> list[int]:
        """The seeds as numbers."""
        try:
            return parse_seeds(self.cleaned_data["seeds"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean_after(self) -> list[int]:
        """The runs to wait for as numbers."""
        words = self.cleaned_data["after"].replace(",", " ").split()
        numbers = [number for number in map(whole, words) if number is not None]
        if len(numbers) < len(words) or len(words) > MOST_AFTER:
            raise forms.ValidationError(
                f"must be at most {MOST_AFTER} numbers of runs, as 17, 23; got {', '.join(words)}"
            )
        return numbers

    @property
    def ask(self) -> Ask:
        """What the runs ask of their worker, once the form is valid."""
        said = self.cleaned_data
        return Ask(
            pool=said["pool"] or "cpu",
            labels=said["labels"].replace(",", " ").split(),
            devices=1 if said["devices"] is None else said["devices"],
            memory=said["memory"],
            wall=said["wall"],
            priority=said["priority"] or 0,
        )

    def main(self) -> list[forms.BoundField]:
        """The fields that are always seen."""
        return [field for field in self.visible_fields() if field.name not in self.PLACE]

    def place(self) -> list[forms.BoundField]:
        """The fields that say where and when the runs are executed."""
        return [self[name] for name in self.PLACE]

    def placed(self) -> bool:
        """Whether any of those was filled in, or is wrong: then they are shown."""
        return any(
            self[name].errors or str(self[name].value() or "") != str(self[name].initial or "")
            for name in self.PLACE
        )


TEMPLATES = {Input: "web/spec/input.html", Group: "web/spec/group.html"}
HTML_TYPES = {"integer": "number", "number": "number"}


def bind(node: Node, flat: Flat, problems: Mapping[str, str], id: str) -> dict[str, Any]:
    """A node with its values and messages, as the templates of `web/spec/` show it."""
    base = {"node": node, "id": id, "problem": problems.get(node.place, "")}
    base["template"] = TEMPLATES.get(type(node), "web/spec/choice.html")
    if isinstance(node, Input):
        return base | bind_input(node, flat.get(node.place, ""), base)
    if isinstance(node, Group):
        members = [bind(m, flat, problems, f"{id}-{last(m)}") for m in node.members]
        return base | {"members": members}
    return base | bind_choice(node, flat, problems, id)


def bind_choice(node: Choice, flat: Flat, problems: Mapping[str, str], id: str) -> dict[str, Any]:
    """A union: the chosen kind has the values and the messages, the others their defaults."""
    chosen = flat.get(f"{node.place}.kind", kind_of(node, node.default))
    options = []
    for kind, group in node.options.items():
        said = (flat, problems) if kind == chosen else (flatten(group, None), {})
        bound = bind(group, *said, f"{id}-{kind}")
        options.append(bound | {"kind": kind, "chosen": kind == chosen})
    problem = problems.get(f"{node.place}.kind", "") or problems.get(node.place, "")
    return {"name": f"{PREFIX}{node.place}.kind", "options": options, "problem": problem}


def bind_input(node: Input, value: str, base: dict[str, Any]) -> dict[str, Any]:
    """One input: its choices and its HTML attributes, escaped."""
    about = [f"{base['id']}-help"] * bool(node.help) + [f"{base['id']}-problem"]
    attributes = {
        "id": base["id"],
        "name": PREFIX + node.place,
        "aria-describedby": " ".join(about),
        "aria-invalid": "true" if base["problem"] else "false",
    }
    if node.type == "checkbox":
        attributes |= {"type": "checkbox", "value": "true", "checked": value == "true"}
    elif node.type != "select":
        kind = HTML_TYPES.get(node.type, "text")
        attributes |= {"type": kind, "value": value, "autocomplete": "off"} | node.attributes
    choices = [(str(choice), str(choice) == value) for choice in node.choices]
    return {"attributes": flatatt(attributes), "choices": choices}


def bound_form(form: Group, flat: Flat, problems: Mapping[str, str]) -> dict[str, Any]:
    """The parts of a definition, and apart from them its plain fields."""
    bound = [bind(m, flat, problems, f"spec-{last(m)}") for m in form.members]
    return {
        "parts": [item for item in bound if not isinstance(item["node"], Input)],
        "plain": [item for item in bound if isinstance(item["node"], Input)],
    }
