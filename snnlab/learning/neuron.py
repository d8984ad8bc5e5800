"""The interface of a neuron model, and what all integrate-and-fire neurons share."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from snnlab.learning.part import Part
from snnlab.learning.scan import Dynamics, scan
from snnlab.learning.surrogates import Shape, Surrogate


State = dict[str, Tensor]


class Neuron(Part):
    """How a population turns input current into output over all time steps."""

    spiking: ClassVar[bool] = True  # whether the output is spikes, 0 or 1

    @abstractmethod
    def scan(
        self, current: Float[Tensor, "steps_or_1 *n"], steps: int, *, overwrite: bool = False
    ) -> Float[Tensor, "steps *n"]:
        """The output at every step; arguments as of scan.scan."""


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

    def fire(self, v: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Spikes of neurons at potential `v`, differentiable by the surrogate slope."""
        slope = Surrogate(self.surrogate, self.surrogate_width, self.surrogate_height)
        spikes: Tensor = Spike.apply(v - self.v_threshold, slope)
        return spikes


class IntegrateAndFire(Firing):
    """A neuron whose only state is its potential: it decays by a factor and a spike resets it."""

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

    @property
    @abstractmethod
    def alpha(self) -> float:
        """Factor by which the potential decays in one step."""

    @property
    def gain(self) -> float:
        """Factor on the input current."""
        return 1.0

    def init(self, like: Float[Tensor, "*n"]) -> State:
        return {"v": torch.full_like(like, self.v_initial)}

    def step(self, current: Float[Tensor, "*n"], state: State) -> tuple[Tensor, State]:
        h = self.alpha * state["v"] + self.gain * current
        s = self.fire(h)
        z = s.detach() if self.detach_reset else s
        v = h - self.v_threshold * z if self.reset == "soft" else h * (1 - z) + self.v_reset * z
        return s, {"v": v}

    def scan(
        self, current: Float[Tensor, "steps_or_1 *n"], steps: int, *, overwrite: bool = False
    ) -> Float[Tensor, "steps *n"]:
        if self.gain != 1.0:
            current, overwrite = current * self.gain, False
        return scan(current, self.dynamics(), steps, overwrite=overwrite)

    def dynamics(self) -> Dynamics:
        return Dynamics(
            alpha=self.alpha,
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
