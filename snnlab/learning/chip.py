"""Which chips a network is put on, and how it learns there. A closed set; deploy.py does it."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from hardware.frozen import Faults, Spread, check_sign
from hardware.local import LocalTandem
from hardware.nonidealities import Nonidealities
from hardware.profile import Profile, load, names
from hardware.quantise import chosen_bits
from hardware.schedule import Schedule
from hardware.stores import Adam, Shadow, Stochastic
from hardware.temporal import Thermal
from hardware.typical import typical
from snnlab.learning.neuron import IntegrateAndFire, Neuron
from snnlab.learning.part import Part


Deploy = Literal["off-chip", "calibrated", "on-chip"]
PROFILES = names()
MIXED = "generic-mixed-signal"
MILLI = 1e-3


class Local(Part):
    """Online local tandem learning: each synapse learns from what it sees itself."""

    epochs: int = Field(
        1, ge=1, le=100, description="number of passes over the images of a calibration"
    )
    images: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="number of training images in a pass, the first ones; none for all",
    )
    batch_size: int = Field(64, ge=1, le=10_000, description="number of images between changes")
    lr: float = Field(1e-3, gt=0, le=1e3, description="learning rate")
    width: float = Field(
        0.5,
        gt=0,
        le=100,
        description="width of the boxcar around the threshold in which a neuron learns",
        json_schema_extra={"unit": "thresholds"},
    )
    gate: Literal["boxcar", "sign", "error-triggered"] = Field(
        "boxcar", description="what of its error a neuron tells its synapses"
    )
    trigger: float = Field(
        0.1, ge=0, le=1, description="least error of a rate that an error-triggered neuron tells"
    )
    warm_up: float = Field(
        0.75, ge=0, lt=1, description="share of the steps, the first ones, that change no weights"
    )
    changes: Literal["step", "batch"] = Field(
        "batch", description="whether weights change at each step or once in a batch"
    )
    store: Literal["adam", "shadow", "stochastic"] = Field(
        "adam",
        description="what is kept beside a synapse: an accumulator and the moments of Adam, an "
        "accumulator, or nothing, so that its own bits are rounded by chance",
    )

    def rule(self, threshold: float) -> LocalTandem:
        return LocalTandem(self.lr, self.width * threshold, self.gate, self.trigger)

    def schedule(self) -> Schedule:
        return Schedule(self.warm_up, self.changes)

    def weights(self, bits: int | None) -> Shadow | Stochastic:
        if self.store == "stochastic":
            return Stochastic(bits or 8)
        return Shadow(bits, Adam() if self.store == "adam" else None)


class Chip(Part):
    """Base of what can stand under `chip`."""

    def check(self, neuron: Neuron, deploy: Deploy) -> None:
        """Raise ValueError for neurons that cannot be deployed so."""

    def checkpoints(self, deploy: Deploy) -> int:
        """How many a deployment adds to those of the training."""
        return 0


class NoChip(Chip):
    """The network stays on the host."""

    kind: Literal["none"] = "none"

    def check(self, neuron: Neuron, deploy: Deploy) -> None:
        if deploy != "off-chip":
            raise ValueError(
                f"deploy: a network cannot be {deploy} without a chip, got chip.kind 'none'. "
                "Set chip.kind to emulated"
            )


class Emulated(Chip):
    """Emulated chips of one kind, each with flaws of its own, drawn from a seed.

    On a digital chip a network is run in whole numbers and all chips are alike.
    """

    kind: Literal["emulated"] = "emulated"
    profile: Annotated[str, Field(json_schema_extra={"enum": list(PROFILES)})] = Field(
        MIXED, description="kind of chip: its limits, widths, costs and usual flaws"
    )
    bits: int | None = Field(
        None, ge=1, le=16, description="bits of a weight; none for the most that the chip has"
    )
    scale: Literal["absmax", "mse"] = Field(
        "absmax",
        description="step of the weights: so that the largest one is kept, or with the least "
        "squared error",
    )
    mismatch: float | None = Field(
        None,
        ge=0,
        le=5,
        description="spread, standard deviation over mean, of weights, thresholds and time "
        "constants; none for those that the chip is known to have",
    )
    law: Literal["lognormal", "gaussian"] = Field("lognormal", description="law of that mismatch")
    thermal: float = Field(
        0.0,
        ge=0,
        le=100,
        description="stationary noise of the potential",
        json_schema_extra={"unit": "thresholds"},
    )
    thermal_time: float | None = Field(
        None,
        gt=0,
        le=1e6,
        description="time in which a neuron that never leaks gathers that noise",
        json_schema_extra={"unit": "ms"},
    )
    silencing: float = Field(0.0, ge=0, le=1, description="share of neurons that never fire")
    chips: int = Field(8, ge=1, le=10_000, description="number of chips")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed that chips are drawn from")
    images: int = Field(
        10_000, ge=1, le=1_000_000, description="number of test images, the first ones, to show"
    )
    learning: Local = Field(Local(), description="how chips learn, where they do")

    @property
    def facts(self) -> Profile:
        return load(self.profile)

    @property
    def digital(self) -> bool:
        return self.facts.engine == "digital"

    def checkpoints(self, deploy: Deploy) -> int:
        """One for the chips as they come, one for each pass of their calibration."""
        return {"off-chip": 1, "calibrated": 1 + self.learning.epochs, "on-chip": 0}[deploy]

    def flaws(self) -> Nonidealities:
        """What is wrong with each chip, but for the width of its weights."""
        if self.mismatch is None:
            spread = typical(self.facts).spread
        else:
            spread = Spread(self.mismatch, self.mismatch, self.mismatch, self.law)
        gathered = None if self.thermal_time is None else MILLI * self.thermal_time
        return Nonidealities(
            spread=spread,
            faults=Faults(silent=self.silencing),
            thermal=Thermal(self.thermal, reference_time=gathered),
        )

    @field_validator("profile")
    @classmethod
    def known(cls, value: str) -> str:
        load(value)
        return value

    @model_validator(mode="after")
    def possible(self) -> "Emulated":
        """Refuse widths that the chip lacks, and flaws that no such chip has."""
        chosen_bits(self.facts, self.bits)
        for name in ("mismatch", "thermal", "silencing"):
            if self.digital and (level := getattr(self, name)):
                raise ValueError(
                    f"{name} must be 0 on {self.profile}, which is digital and computes exactly, "
                    f"got {level:g}. Leave it out, or choose an analog profile"
                )
        if self.law == "gaussian" and self.mismatch:
            check_sign("mismatch", self.mismatch)
        try:
            self.flaws()
        except ValueError as error:
            raise ValueError(f"mismatch must be given on {self.profile}: {error}") from error
        return self

    def check(self, neuron: Neuron, deploy: Deploy) -> None:
        self.noisy(neuron)
        if deploy != "off-chip" and not self.facts.flag("learning.on_chip"):
            able = [name for name in PROFILES if load(name).flag("learning.on_chip")]
            raise ValueError(
                f"deploy: {deploy} needs a chip that learns, got chip.profile {self.profile!r}, "
                f"which cannot. Choose {', '.join(able)}, or deploy off-chip"
            )

    def noisy(self, neuron: Neuron) -> None:
        """Refuse noise whose size nothing says: that of a neuron which never forgets it."""
        if self.thermal and self.thermal_time is None and not leaks(neuron):
            raise ValueError(
                f"chip.thermal {self.thermal:g} is a stationary noise, which a neuron that never "
                "leaks has not: it gathers noise for ever. Give chip.thermal_time, or set "
                "neuron.kind to lif"
            )


def leaks(neuron: Neuron) -> bool:
    """Whether its potential forgets, so that noise has a stationary state."""
    return not isinstance(neuron, IntegrateAndFire) or float(neuron.alpha) < 1


AnyChip = Annotated[NoChip | Emulated, Field(discriminator="kind")]
