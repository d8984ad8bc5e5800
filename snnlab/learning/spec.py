"""What an experiment is, as data."""

import hashlib
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import tomli_w
from pydantic import Field, field_validator, model_validator

from snnlab.learning.augment import AnyAugmentation, Unchanged
from snnlab.learning.chip import AnyChip, Deploy, NoChip
from snnlab.learning.dataset import Dataset
from snnlab.learning.definition import Definition
from snnlab.learning.encoders import AnyEncoder, Direct
from snnlab.learning.network import MAX_PARAMETERS, Network, outline_of
from snnlab.learning.neuron import Neuron
from snnlab.learning.optimizers import Adam, AnyOptimizer, AnySchedule, Cosine
from snnlab.learning.part import Part, members, one_of
from snnlab.learning.plain import refusal
from snnlab.learning.problems import MISSING, Problem, SpecError, kind_of
from snnlab.learning.rule import Rule
from snnlab.learning.task import AnyTask, Evaluate, Robustness, Train


if TYPE_CHECKING:
    AnyDataset = Dataset
    AnyNetwork = Network
    AnyNeuron = Neuron
    AnyRule = Rule
else:
    AnyDataset = one_of(Dataset, "snnlab.learning.datasets")
    AnyNetwork = one_of(Network, "snnlab.learning.networks")
    AnyNeuron = one_of(Neuron, "snnlab.learning.neurons")
    AnyRule = one_of(Rule, "snnlab.learning.rules")

RULES = members(Rule, "snnlab.learning.rules")
NETWORKS = members(Network, "snnlab.learning.networks")
TOO_DEEP = "it is nested too deeply"


class Spec(Definition):
    """Everything that decides the outcome of a run, but the seed."""

    dataset: AnyDataset = Field(description="images to learn")
    augmentation: AnyAugmentation = Field(Unchanged(), description="how training images are varied")
    encoder: AnyEncoder = Field(Direct(), description="how an image becomes input over time")
    network: AnyNetwork = Field(description="architecture")
    neuron: AnyNeuron = Field(description="neuron model")
    rule: AnyRule = Field(description="learning rule")
    optimizer: AnyOptimizer = Field(Adam(), description="how gradients change the weights")
    schedule: AnySchedule = Field(Cosine(), description="learning rate over training")
    time_steps: int = Field(
        4,
        ge=1,
        le=1000,
        description="length of the simulation of each image",
        json_schema_extra={"unit": "steps"},
    )
    epochs: int = Field(10, ge=1, le=1000, description="number of passes over the training images")
    batch_size: int = Field(128, ge=1, le=10_000, description="number of images in an update")
    validation: float = Field(
        0.1, gt=0, le=0.5, description="share of the training images held out for validation"
    )
    selection: Literal["last-epoch", "held-out"] = Field(
        "last-epoch",
        description="whose weights are tested: the last epoch's, or the best on held-out images",
    )
    task: AnyTask = Field(Train(), description="what a run does with all this")
    chip: AnyChip = Field(NoChip(), description="chips that the trained network is put on")
    deploy: Deploy = Field(
        "off-chip",
        description="where the network learns: off the chip, off the chip and then calibrated on "
        "it, or on the chip alone",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="numbers in linear layers and convolutions; neurons always compute in float32",
    )
    memory: Literal["store", "recompute"] = Field(
        "store",
        description="whether potentials are stored for the gradient, or computed again, layer by "
        "layer: slower, less memory, the same result",
    )

    @field_validator("selection", mode="before")
    @classmethod
    def is_honest(cls, value: object) -> object:
        if value == "test-best":
            raise ValueError(
                "test-best is refused: weights that were chosen by their test accuracy have seen "
                "the test images. Choose held-out or last-epoch"
            )
        return value

    @model_validator(mode="after")
    def fits(self) -> "Spec":
        """Refuse a network that no machine of ours could hold, before anything is allocated."""
        size = self.network.parameters(
            self.dataset.shape, self.dataset.classes, self.neuron, self.time_steps
        )
        if size > MAX_PARAMETERS:
            raise ValueError(
                f"network must have at most {MAX_PARAMETERS:,} weights, got {size:,}. "
                "Make it smaller"
            )
        return self

    @model_validator(mode="after")
    def suits(self) -> "Spec":
        """Refuse a rule that cannot train this network, in words."""
        if self.rule.learning != self.network.learning:
            rule, network = (kind_of(type(part)) for part in (self.rule, self.network))
            fit = [n for n in NETWORKS if getattr(n, "learning", "") == self.rule.learning]
            raise ValueError(
                f"rule.kind {rule!r} cannot train network.kind {network!r}. It trains "
                f"{', '.join(repr(kind_of(n)) for n in fit)}"
            )
        if self.precision == "bfloat16" and self.rule.learning != "gradients":
            raise ValueError(
                "precision: bfloat16 is for rules that follow gradients, got rule.kind "
                f"{kind_of(type(self.rule))!r}. Choose float32"
            )
        if self.memory == "recompute" and not self.rule.recomputes:
            raise ValueError(
                "memory: recompute needs a rule that takes one gradient through the whole network, "
                f"got rule.kind {kind_of(type(self.rule))!r}. Choose memory: store"
            )
        self.rule.check(self)
        self.task.check(self)
        self.lands()
        return self

    def lands(self) -> None:
        """Refuse a chip, and a way to it, that the definition's other parts do not allow."""
        if self.chip.kind != "none" or isinstance(self.task, Robustness):
            data, neuron = self.dataset, outline_of(self.neuron)
            why = refusal(self.network, data.shape, data.classes, neuron, self.time_steps)
            if why:
                raise ValueError(why)
        self.chip.check(self.neuron, self.deploy)
        if self.deploy == "on-chip" and not self.rule.on_chip:
            fit = [str(kind_of(rule)) for rule in RULES if getattr(rule, "on_chip", False)]
            raise ValueError(
                f"deploy: on-chip needs a rule by which a synapse learns from what it sees itself, "
                f"got rule.kind {kind_of(type(self.rule))!r}. Choose {', '.join(fit)}, or deploy "
                "calibrated: then the network is trained off the chip first"
            )

    def digest(self) -> str:
        """A short name, equal for equal specs.

        Defaults do not count: a field that is added later leaves the names of old results alone. So
        a default must never change; a better value goes into a preset.
        """
        text = json.dumps(chosen(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def needed(self) -> "Spec | None":
        """What has to be trained before: a teacher, or the network that is tested again."""
        if isinstance(self.task, Robustness | Evaluate):
            return self.model_copy(update={"task": Train()})
        return self.rule.teacher(self) if isinstance(self.task, Train) else None

    def to_toml(self) -> str:
        text = tomli_w.dumps(kind_first(self.model_dump(mode="json", exclude_none=True)))
        return re.sub(r"\[\n([^\]]*?),\n\]", lambda m: f"[{' '.join(m[1].split())}]", text)

    @classmethod
    def from_toml(cls, text: str) -> "Spec":
        """Read a definition written in TOML. Raises SpecError."""
        return cls.parse(toml_data(text))

    @classmethod
    def from_json(cls, text: str) -> "Spec":
        """Read a definition written in JSON. Raises SpecError."""
        return cls.parse(json_data(text))


def json_data(text: str) -> Any:
    """A JSON text as plain data: no NaN, no key twice. Raises SpecError."""
    try:
        return json.loads(text, parse_constant=no_constant, object_pairs_hook=no_duplicates)
    except ValueError as error:
        refuse("JSON", str(error))
    except RecursionError:
        refuse("JSON", TOO_DEEP)


def toml_data(text: str) -> dict[str, Any]:
    """A TOML text as plain data, as JSON could hold it. Raises SpecError."""
    try:
        data = tomllib.loads(text)
        json.dumps(data, default=no_date)
    except ValueError as error:
        refuse("TOML", str(error))
    except RecursionError:
        refuse("TOML", TOO_DEEP)
    return data


def chosen(part: Part) -> dict[str, Any]:
    """What a part says beyond its defaults, and its kind."""
    fields = type(part).model_fields
    return {
        name: chosen(value) if isinstance(value, Part) else value
        for name, value in part
        if name == "kind" or value != fields[name].default
    }


def kind_first(data: dict[str, Any]) -> dict[str, Any]:
    """The same, each table beginning with its kind: that is what a reader looks for."""
    plain = {k: kind_first(v) if isinstance(v, dict) else v for k, v in data.items()}
    return {"kind": plain.pop("kind"), **plain} if "kind" in plain else plain


def refuse(language: str, why: str) -> NoReturn:
    rule = f"is no valid {language}: {why}"
    raise SpecError([Problem("", rule, MISSING, "Mend the text at that place")])


def no_date(value: object) -> NoReturn:
    raise ValueError(f"{value} is a date or a time, which no field takes")


def no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{', '.join(sorted(twice))} stands there twice")
    return dict(pairs)
