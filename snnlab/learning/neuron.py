"""The interface of a neuron model, and what all integrate-and-fire neurons share."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from snnlab.learning.loop import Dynamics
from snnlab.learning.part import Part
from snnlab.learning.scan import scan
from snnlab.learning.surrogates import Shape, Surrogate


State = dict[str, Tensor]
Value = float | Tensor  # of a field; a tensor where it is trained
N = TypeVar("N", bound="Neuron")


class Neuron(Part):
    """How a population turns input current into output over all time steps.

    Constants can be trained, one value for each population: a field `train_x` says that the field
    `x` is. The neuron stays data; the layer holds the values, and puts them in place with `bound`.
    """

    spiking: ClassVar[bool] = True  # whether the output is spikes, 0 or 1

    def free(self) -> dict[str, float]:
        """What is trained, any real number, and where it begins.

        For each x the logarithm of its growth, 0 at first, so x stays positive. As Rathi & Roy
        2020, arXiv:2008.03658, train leak and threshold of each layer, but for the logarithm.
        """
        names = [field.removeprefix("train_") for field in type(self).model_fields]
        return {f"log_{name}": 0.0 for name in names if getattr(self, f"train_{name}", False)}

    def bound(self: N, values: Mapping[str, Tensor]) -> N:
        """The same neuron with the trained values, by their names in `free`, in place."""
        grown = {name.removeprefix("log_"): value.exp() for name, value in values.items()}
        return self.model_copy(update={x: getattr(self, x) * by for x, by in grown.items()})

    @abstractmethod
    def scan(
        self, current: Float[Tensor, "steps_or_1 *n"], steps: int, *, overwrite: bool = False
    ) -> Float[Tensor, "steps *n"]:
        """The output at every step; arguments as of scan.scan."""

    def fused(self) -> Dynamics | None:
        """All that there is to the neuron, if the fused scan is enough for it."""
        return None


class Firing(Neuron):
    """A neuron that fires when its potential reaches a threshold."""

    v_threshold: float = Field(1.0, gt=0, le=1e6, description="potential at which the neuron fires")
    surrogate: Shape = Field("triangle", description="shape of the slope that replaces the spike's")
    surrogate_width: float = Field(
        1.0, gt=0, le=1e6, description="width of the surrogate slope, in units of the potential"
    )
    surrogate_height: float = Field(
        1.0, gt=0, le=1e6, description="height of the surrogate slope at the threshold"
    )

    @abstractmethod
    def init(self, like: Float[Tensor, "*n"]) -> State:
        """The state before the first step, with the shape, device and dtype of `like`."""

    @abstractmethod
    def step(self, current: Float[Tensor, "*n"], state: State) -> tuple[Tensor, State]:
        """Advance one time step; return the spikes (0 or 1) and the next state."""

    def scan(
        self, current: Float[Tensor, "steps_or_1 *n"], steps: int, *, overwrite: bool = False
    ) -> Float[Tensor, "steps *n"]:
        return self.unrolled(current, steps)

    def unrolled(
        self, current: Float[Tensor, "steps_or_1 *n"], steps: int
    ) -> Float[Tensor, "steps *n"]:
        """The plain loop over `step`: the reference of every faster way."""
        state = self.init(current[0])
        spikes = []
        # unbind: indexing each step would cost O(time^2) in the backward pass
        for i in current.expand(steps, *current.shape[1:]).unbind():
            s, state = self.step(i, state)
            spikes.append(s)
        return torch.stack(spikes)

    def fire(self, v: Float[Tensor, "*n"], v_threshold: Value | None = None) -> Float[Tensor, "*n"]:
        """Spikes of neurons at potential `v`, differentiable by the surrogate slope."""
        slope = Surrogate(self.surrogate, self.surrogate_width, self.surrogate_height)
        threshold = self.v_threshold if v_threshold is None else v_threshold
        spikes: Tensor = Spike.apply(v - threshold, slope)
        return spikes


class Resetting(Firing):
    """A neuron whose potential a spike sets back."""

    reset: Literal["soft", "hard"] = Field(
        "soft", description="what a spike does: soft subtracts the threshold, hard sets v_reset"
    )
    v_reset: float = Field(
        0.0, ge=-1e6, le=1e6, description="potential after a spike, for a hard reset"
    )
    v_initial: float = Field(0.0, ge=-1e6, le=1e6, description="potential before the first step")
    detach_reset: bool = Field(
        default=True, description="whether gradients ignore the path through the reset"
    )

    def after(
        self, h: Float[Tensor, "*n"], s: Float[Tensor, "*n"], v_threshold: Value | None = None
    ) -> Float[Tensor, "*n"]:
        """The potential that the spikes `s` leave of `h`."""
        threshold = self.v_threshold if v_threshold is None else v_threshold
        z = s.detach() if self.detach_reset else s
        return h - threshold * z if self.reset == "soft" else h * (1 - z) + self.v_reset * z


class IntegrateAndFire(Resetting):
    """A neuron whose only state is its potential: it decays by a factor and a spike resets it.

    Refractory: for some steps after a spike it stays as the reset left it, deaf and silent
    (Gerstner et al. 2014, Neuronal Dynamics, section 1.3).
    """

    refractory: int = Field(
        0,
        ge=0,
        le=1000,
        description="time after a spike in which input is lost and no other spike can follow",
        json_schema_extra={"unit": "steps"},
    )
    train_v_threshold: bool = Field(
        default=False, description="whether training changes the threshold, one for each layer"
    )

    @property
    @abstractmethod
    def alpha(self) -> Value:
        """Factor by which the potential decays in one step."""

    @property
    def gain(self) -> Value:
        """Factor on the input current."""
        return 1.0

    def init(self, like: Float[Tensor, "*n"]) -> State:
        state = {"v": torch.full_like(like, self.v_initial)}
        return state | {"rest": torch.zeros_like(like)} if self.refractory else state

    def step(self, current: Float[Tensor, "*n"], state: State) -> tuple[Tensor, State]:
        h = self.alpha * state["v"] + self.gain * current
        if self.refractory:
            return self.rested(h, state)
        s = self.fire(h)
        return s, {"v": self.after(h, s)}

    def rested(self, h: Float[Tensor, "*n"], state: State) -> tuple[Tensor, State]:
        """The step to `h` of those neurons alone whose steps of rest are over."""
        awake = (state["rest"] == 0).to(h.dtype)
        s = self.fire(h) * awake
        v = torch.where(awake.bool(), self.after(h, s), state["v"])
        rest = (state["rest"] - 1).clamp(min=0) + self.refractory * s.detach()
        return s, {"v": v, "rest": rest}

    def scan(
        self, current: Float[Tensor, "steps_or_1 *n"], steps: int, *, overwrite: bool = False
    ) -> Float[Tensor, "steps *n"]:
        dynamics = self.fused()
        if dynamics is None:
            return self.unrolled(current, steps)
        return scan(current, dynamics, steps, overwrite=overwrite)

    def fused(self) -> Dynamics | None:
        """What the fused scan needs to know; it knows no rest and trains nothing."""
        trained = isinstance(self.alpha, Tensor) or isinstance(self.v_threshold, Tensor)
        if self.refractory or trained:
            return None
        return Dynamics(
            alpha=float(self.alpha),
            gain=float(self.gain),
            v_threshold=self.v_threshold,
            hard=self.reset == "hard",
            v_reset=self.v_reset,
            v_initial=self.v_initial,
            detach_reset=self.detach_reset,
            surrogate=Surrogate(self.surrogate, self.surrogate_width, self.surrogate_height),
        )


class Spike(torch.autograd.Function):
    """A step forward, the surrogate slope backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, surrogate: Surrogate) -> Tensor:
        ctx.save_for_backward(x)
        ctx.surrogate = surrogate
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, e: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return ctx.surrogate.slope_(x.clone()).mul_(e), None


def exp(x: Value) -> Value:
    return x.exp() if isinstance(x, Tensor) else math.exp(x)


def expm1(x: Value) -> Value:
    return x.expm1() if isinstance(x, Tensor) else math.expm1(x)
