"""How a gradient becomes a change of the weights: PyTorch's optimizers, described as parts."""

import math
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import Field

from snnlab.learning.part import Part


Parameters = Iterable[torch.nn.Parameter]


class Optimizer(Part):
    """A rule of gradient descent and its learning rate."""

    lr: float = Field(1e-3, gt=0, le=10, description="learning rate at its highest")
    weight_decay: float = Field(0.0, ge=0, le=1, description="decay of the weights")

    @abstractmethod
    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """PyTorch's optimizer for these parameters."""


class SGD(Optimizer):
    """Stochastic gradient descent with momentum."""

    kind: Literal["sgd"] = "sgd"
    lr: float = Field(0.1, gt=0, le=10, description="learning rate at its highest")
    momentum: float = Field(0.9, ge=0, lt=1, description="share of the last change that goes on")

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            parameters, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay
        )


class Adam(Optimizer):
    """Adam: Kingma & Ba 2015, arXiv:1412.6980."""

    kind: Literal["adam"] = "adam"

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, lr=self.lr, weight_decay=self.weight_decay)


class AdamW(Optimizer):
    """Adam with decoupled weight decay: Loshchilov & Hutter 2019, arXiv:1711.05101."""

    kind: Literal["adamw"] = "adamw"
    weight_decay: float = Field(0.01, ge=0, le=1, description="decay of the weights")

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        return torch.optim.AdamW(parameters, lr=self.lr, weight_decay=self.weight_decay)


AnyOptimizer = Annotated[SGD | Adam | AdamW, Field(discriminator="kind")]


class Schedule(Part):
    """The learning rate over training, a pure function: so a checkpoint need not hold it."""

    @abstractmethod
    def factor(self, progress: float) -> float:
        """What the learning rate is multiplied with when `progress` (0..1) of training is done."""


class Constant(Schedule):
    """The same learning rate throughout."""

    kind: Literal["constant"] = "constant"

    def factor(self, progress: float) -> float:
        return 1.0


class Cosine(Schedule):
    """Half a cosine from the full rate to 0: Loshchilov & Hutter 2017, arXiv:1608.03983, Eq. 5."""

    kind: Literal["cosine"] = "cosine"

    def factor(self, progress: float) -> float:
        return (1 + math.cos(math.pi * progress)) / 2


class OneCycle(Schedule):
    """Cosine up from 1/25 of the rate, then down to 0: Smith & Topin 2018, arXiv:1708.07120."""

    kind: Literal["one-cycle"] = "one-cycle"
    rise: float = Field(0.3, gt=0, lt=1, description="share of training in which the rate rises")

    def factor(self, progress: float) -> float:
        if progress < self.rise:
            return 1 / 25 + (1 - 1 / 25) * (1 - math.cos(math.pi * progress / self.rise)) / 2
        return (1 + math.cos(math.pi * (progress - self.rise) / (1 - self.rise))) / 2


class Step(Schedule):
    """The rate is multiplied by a factor at each milestone."""

    kind: Literal["step"] = "step"
    milestones: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (0.5, 0.75), max_length=100, description="shares of training at which the rate falls"
    )
    decay: float = Field(0.1, gt=0, le=1, description="factor at each milestone")

    def factor(self, progress: float) -> float:
        return self.decay ** bisect_right(sorted(self.milestones), progress)


AnySchedule = Annotated[Constant | Cosine | OneCycle | Step, Field(discriminator="kind")]
