"""The form of a new experiment: what a spec does not say (name, seeds, notes, team)."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.forms.utils import flatatt

from snnlab.experiments.seeds import parse_seeds
from snnlab.web.definition import PREFIX
from snnlab.web.schema import Choice, Group, Input, Node
from snnlab.web.values import Flat, flatten, kind_of, last


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
    pool = forms.CharField(
        max_length=20, required=False, initial="cpu", help_text="Whose workers: cpu, gpu, or yours."
    )
    priority = forms.IntegerField(
        required=False, initial=0, help_text="Higher goes first within the team."
    )
    reuse = forms.BooleanField(
        required=False,
        label="Take known results",
        help_text="Of the same definition, seed and code, instead of training again.",
    )
    team = forms.ChoiceField(help_text="Who sees the experiment and its runs.")
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, teams: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].choices = list(teams)

    def clean_seeds(self) -> list[int]:
        """The seeds as numbers."""
        try:
            return parse_seeds(self.cleaned_data["seeds"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


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
