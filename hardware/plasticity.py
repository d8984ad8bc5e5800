r"""Plasticity by spike times on a chip: what synapses do without targets, or by reward alone.

Inputs and neurons keep traces of their spikes s; all a learner has is what its views showed it:

.. math:: x_j \leftarrow \lambda_+ x_j + s_j, \qquad
   \Delta w_{ij} = \frac{\eta}{B} \sum_b (a_+ s_i x_j - a_- y_i s_j), \qquad
   y_i \leftarrow \lambda_- (y_i + s_i)

A neuron's own spike is the growth of its own count. With pairing "all-to-all" and one pair of
spikes :math:`\Delta t = t_i - t_j` steps apart this is :math:`a_+ \lambda_+^{\Delta t}` for
:math:`\Delta t \ge 0`, else :math:`-a_- \lambda_-^{-\Delta t}`; with "nearest" a spike sets its
trace to 1. A readout has no spikes, and learns nothing.

By reward, the pairs of a sample are an eligibility that fades, and at its end the host broadcasts
one number, :math:`r - \bar r`, with r = 1 for a right answer and -1 otherwise, the mean over what
the chip got before taken off:

.. math:: \Delta w_{ij} = \frac{\eta}{B} \sum_b (r_b - \bar r) \sum_t \lambda_e^{T - t} e_{ij, t}
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor

from hardware.checks import one_of, within
from hardware.local import Change, LocalView
from hardware.schedule import Schedule


@dataclass(frozen=True)
class STDP:
    """Pairs of spikes; time constants are factors by which a trace decays in a step."""

    lr: float = 1e-2
    potentiation: float = 1.0
    depression: float = 1.0
    decay_pre: float = 0.9
    decay_post: float = 0.9
    pairing: Literal["all-to-all", "nearest"] = "all-to-all"

    supervised: ClassVar[bool] = False
    rewarded: ClassVar[bool] = False
    usual: ClassVar[Schedule] = Schedule(0.0, "batch")

    def __post_init__(self) -> None:
        one_of("pairing", self.pairing, ("all-to-all", "nearest"))
        within("lr", self.lr, 0, 1e3, "Start with 0.01")
        within("potentiation", self.potentiation, 0, 1e3, "1 is usual")
        within("depression", self.depression, 0, 1e3, "1 is usual")
        within("decay_pre", self.decay_pre, 0, 1, "It is a factor per step")
        within("decay_post", self.decay_post, 0, 1, "It is a factor per step")

    def learner(self) -> "Traces":
        return Traces(self)


@dataclass(frozen=True)
class RewardedSTDP(STDP):
    """Pairs of spikes that a reward decides on."""

    decay_eligibility: float = 1.0

    rewarded: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        within("decay_eligibility", self.decay_eligibility, 0, 1, "It is a factor per step")

    def learner(self) -> "Eligible":
        return Eligible(self)


class Traces:
    """The state of one layer's synapses while a batch is shown."""

    remembers: ClassVar[bool] = True

    pre: Tensor
    post: Tensor
    count: Tensor

    def __init__(self, rule: STDP) -> None:
        self.rule, self.fresh = rule, True

    def begin(self, view: LocalView) -> None:
        self.pre, self.fresh = torch.zeros_like(view.pre_spikes), False
        self.post = self.count = torch.zeros_like(view.spike_count)

    def changes(self, view: LocalView) -> list[Change]:
        """What this step's pairs ask for: two products of what is here and what is there."""
        if view.u_minus_threshold is None:
            return []
        if self.fresh:
            self.begin(view)
        rule, pre, spikes = self.rule, view.pre_spikes, view.spike_count - self.count
        self.count = view.spike_count
        self.pre = self.paired(rule.decay_pre * self.pre, pre)
        rate, before = rule.lr / spikes.shape[1], rule.decay_post * self.post
        self.post = self.paired(before, spikes)
        calls = [events(spikes), events(pre).expand(len(spikes))]
        return [
            Change(spikes * (rate * rule.potentiation), self.pre, calls[0], rule.lr),
            Change(before * (-rate * rule.depression), pre, calls[1], rule.lr),
        ]

    def paired(self, trace: Tensor, spikes: Tensor) -> Tensor:
        """The trace after spikes."""
        if self.rule.pairing == "nearest":
            return torch.where(spikes > 0, spikes, trace)
        return trace + spikes

    def reward(self, _: Tensor) -> list[Change]:
        return []


class Eligible(Traces):
    """The same, but nothing changes before the reward is known."""

    rule: RewardedSTDP

    def __init__(self, rule: RewardedSTDP) -> None:
        super().__init__(rule)
        self.waiting: list[Sequence[Change]] = []

    def changes(self, view: LocalView) -> list[Change]:
        self.waiting.append(super().changes(view))
        return []

    def reward(self, reward: Tensor) -> list[Change]:
        """All pairs of the batch times `reward` (chips, batch)."""
        factor, made = reward, []
        for pairs in reversed(self.waiting):
            for pair in pairs:
                shape = (*factor.shape, *[1] * (pair.error.dim() - 2))
                made.append(replace(pair, error=pair.error * factor.view(shape)))
            factor = factor * self.rule.decay_eligibility
        self.waiting = []
        return made


def events(spikes: Tensor) -> Tensor:
    """How many there are, per chip."""
    return spikes.count_nonzero(tuple(range(1, spikes.dim())))
