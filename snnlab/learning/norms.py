r"""Normalisation of the currents that a population receives. A closed set.

With :math:`\hat x = (x - \mu) / \sqrt{\sigma^2 + \epsilon}`, for each map or neuron:

=====  ===================================  ==================================================
batch  :math:`\gamma \hat x + \beta`        statistics over time, batch and space
tdbn   :math:`\gamma \hat x + \beta`        the same; :math:`\gamma` begins at the threshold
bntt   :math:`\gamma_t \hat x_t`            statistics, and gamma, of each step alone
tebn   :math:`p_t(\gamma \hat x + \beta)`   as batch, then a factor for each step, first 1
=====  ===================================  ==================================================

Sources: batch, Ledinauskas et al. 2020, arXiv:2006.04436; tdbn, Zheng et al. 2021,
arXiv:2011.05280, with its alpha = 1; bntt, Kim & Panda 2021, arXiv:2010.01729, without beta as in
its official code; tebn, Duan et al. 2022, NeurIPS 35, pages 34377-34390.
"""

from abc import abstractmethod
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from snnlab.learning.errors import TrainingError


Norm = Literal["none", "batch", "bntt", "tdbn", "tebn"]
Currents = Float[Tensor, "steps_or_1 batch ..."]

MOMENTUM, EPSILON = 0.1, 1e-5  # torch's own


def norm(kind: Norm, synapse: nn.Module, v_threshold: float, start: float = 1.0) -> nn.Module:
    """The norm after a linear layer or convolution, before neurons of that threshold.

    Its scale begins at `start`, for tdbn in units of the threshold.
    """
    if kind == "none":
        return nn.Identity()
    if kind == "bntt":
        return BNTT(features(synapse), start)
    shared = plain(synapse)
    nn.init.constant_(shared.weight, start * v_threshold if kind == "tdbn" else start)
    return TEBN(shared) if kind == "tebn" else shared


def features(synapse: nn.Module) -> int:
    assert isinstance(synapse, nn.Linear | nn.Conv2d)
    return synapse.out_channels if isinstance(synapse, nn.Conv2d) else synapse.out_features


def plain(synapse: nn.Module) -> nn.BatchNorm1d | nn.BatchNorm2d:
    flat = isinstance(synapse, nn.Linear)
    return (nn.BatchNorm1d if flat else nn.BatchNorm2d)(features(synapse), EPSILON, MOMENTUM)


class PerStep(nn.Module):
    """A norm that treats each time step in its own way, so it has to see all of them at once."""

    steps = 1

    def forward(self, current: Tensor, steps: int | None = None) -> Tensor:
        """The normalised current at each of the first `steps` steps; one of one step is constant.

        Raises TrainingError if there are more steps than the network was built for.
        """
        if steps is None:
            raise TrainingError(
                "network.norm must be none, batch or tdbn for this learning rule: bntt and tebn "
                "differ from step to step, and the rule shows single steps. Choose another norm"
            )
        if steps > self.steps:
            raise TrainingError(
                f"the network was built for {self.steps} time steps, and its norm has weights for "
                f"no more, got {steps}. Build it with time_steps={steps}"
            )
        return self.each(current, steps)

    @abstractmethod
    def each(self, current: Currents, steps: int) -> Float[Tensor, "time batch ..."]:
        """The normalised current at each step."""

    @abstractmethod
    def grow(self, steps: int) -> None:
        """Provide weights for that many steps, all as they begin."""


class BNTT(PerStep):
    """Batch-norm through time: each step has its own statistics and its own scale."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int, start: float = 1.0) -> None:
        super().__init__()
        self.features, self.start = features, start
        self.grow(1)

    def grow(self, steps: int) -> None:
        self.steps = steps
        self.weight = nn.Parameter(torch.full((steps, self.features), self.start))
        self.register_buffer("running_mean", torch.zeros(steps, self.features))
        self.register_buffer("running_var", torch.ones(steps, self.features))

    def each(self, current: Currents, steps: int) -> Float[Tensor, "time batch ..."]:
        normed = [self.at(t, x) for t, x in enumerate(current.expand(steps, *current.shape[1:]))]
        # cat keeps channels-last as it is, stack would not
        return torch.cat(normed).view(steps, *current.shape[1:])

    def at(self, t: int, x: Tensor) -> Tensor:
        statistics = self.running_mean[t], self.running_var[t]
        return batch_norm(x, *statistics, self.weight[t], None, self.training, MOMENTUM, EPSILON)


class TEBN(PerStep):
    """Temporal effective batch-norm: shared statistics, then a trained factor for each step."""

    def __init__(self, shared: nn.Module) -> None:
        super().__init__()
        self.shared = shared
        self.grow(1)

    def grow(self, steps: int) -> None:
        self.steps = steps
        self.factor = nn.Parameter(torch.ones(steps))

    def each(self, current: Currents, steps: int) -> Float[Tensor, "time batch ..."]:
        normed: Tensor = self.shared(current.flatten(0, 1)).view(current.shape)
        return normed * self.factor[:steps].view(-1, *[1] * (current.dim() - 1))
