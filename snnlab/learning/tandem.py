r"""What offline and online local tandem learning share: the teacher, and its rates as targets.

Each population of a spiking network learns, alone, to fire at the rate at which the same layer of
an analog network, its teacher, is active:

.. math:: \hat r^l = \hat y^l / y^l_{norm}, \qquad L^l = \lVert \hat r^l - r^l \rVert^2

with :math:`\hat y^l` the teacher's output, :math:`y^l_{norm}` a high percentile of it, and
:math:`r^l` the spikes per step of the student. No error passes from one layer to another.

Source: Yang et al. 2022, arXiv:2210.04532, Eq. 4 and 9. What the paper does not say is done as its
official code (github.com/Aries231/Local_tandem_learning_rule) does: the percentile is one of all
outputs of a layer for the batch at hand, and the readout learns from the cross-entropy of its mean
output. Deviations: a spike reaches the next layer in the same step, as in the code (Eq. 2 delays it
by one); losses are means over the batch. The variant "code" differs from "paper" in that a loss is
the mean, not the sum, over the neurons of a layer, that targets are at most 1 and, online, that
weights change once in a batch. The code's hard reset and its slope of height 1 are choices of the
neuron.

In a residual network a population receives the sum of currents that were made in several blocks.
Its error changes the weights of those that reach it first, those of the last block and of its
projection; what comes along the shortcut is taken as given, for it has answered to an earlier
population. So each weight has exactly one local loss here, too, and memory does not grow with
depth. (Ours: the official code has no residual network.)
"""

from math import ceil
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from snnlab.learning.definition import D, Definition
from snnlab.learning.encoders import Direct
from snnlab.learning.errors import TrainingError
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.neuron import Firing
from snnlab.learning.rule import Rule
from snnlab.learning.stepping import spiking, watched


class Tandem(Rule):
    """A rule by which each layer follows the same layer of an analog teacher."""

    variant: Literal["paper", "code"] = Field(
        "paper", description="what to follow where the paper and its official code differ"
    )
    percentile: float = Field(
        99.9, gt=0, le=100, description="percentile of a teacher's layer that is the rate 1"
    )
    ceiling: float = Field(2.0, gt=0, le=1e6, description="largest output of a teacher's neuron")
    teacher_norm: Literal["none", "batch"] = Field(
        "batch", description="normalisation inside the teacher"
    )
    teacher_epochs: int = Field(
        20, ge=1, le=1000, description="number of passes in which the teacher is trained before"
    )
    teacher_lr: float = Field(
        0.01, gt=0, le=10, description="the teacher's learning rate, by SGD with momentum 0.9"
    )
    teacher_weight_decay: float = Field(
        5e-4, ge=0, le=1, description="decay of the teacher's weights"
    )

    def check(self, spec: Definition) -> None:
        if not isinstance(spec.neuron, Firing):
            raise ValueError(
                "local tandem learning trains neurons that spike. Choose another neuron.kind"
            )
        if not isinstance(spec.encoder, Direct):
            raise ValueError(
                "local tandem learning shows its teacher the image that the network gets at every "
                "step. Set encoder.kind to direct"
            )
        if spec.network.readout not in ("current", "potential"):
            raise ValueError(
                "local tandem learning teaches populations the rates of a teacher, which has none "
                "at its output. Set network.readout to current"
            )

    def teacher(self, spec: D) -> D:
        """The analog network of the same shape, trained as in the official code.

        Its learning rate falls to a fifth after 30, 60 and 80 % of the epochs.
        """
        definition = spec.model_dump(mode="json")
        definition["network"] |= {"norm": self.teacher_norm, "readout": "current"}
        definition |= {
            "neuron": {"kind": "clipped-relu", "ceiling": self.ceiling},
            "rule": {"kind": "bptt"},
            "optimizer": {
                "kind": "sgd",
                "lr": self.teacher_lr,
                "weight_decay": self.teacher_weight_decay,
            },
            "schedule": {"kind": "step", "milestones": [0.3, 0.6, 0.8], "decay": 0.2},
            "time_steps": 1,
            "epochs": self.teacher_epochs,
            "chip": {"kind": "none"},
            "deploy": "off-chip",
        }
        return type(spec).parse(definition)

    @torch.no_grad()
    def targets(
        self, network: SpikingNetwork, images: Float[Tensor, "batch *pixels"]
    ) -> dict[str, Tensor]:
        """The rate at which each neuron should fire, by the name of its layer."""
        assert network.teacher is not None
        outputs: dict[str, Tensor] = {}
        with watched(network.teacher.eval(), lambda name, y: outputs.update({name: y[0]})):
            network.teacher(images[None])
        return {name: self.rates(outputs[name], name) for name in spiking(network)}

    def rates(self, y: Float[Tensor, "batch *n"], name: str) -> Float[Tensor, "batch *n"]:
        rank = ceil(self.percentile / 100 * y.numel())
        y_norm = y.flatten().kthvalue(rank).values
        if y_norm <= 0:
            raise TrainingError(
                f"the teacher's layer {name} is silent: its {self.percentile:g}th percentile is 0. "
                "Raise rule.percentile or train the teacher longer"
            )
        rates = y / y_norm
        return rates.clamp(max=1) if self.variant == "code" else rates

    def distance(
        self, rates: Float[Tensor, "batch *n"], targets: Float[Tensor, "batch *n"]
    ) -> Float[Tensor, ""]:
        """Squared error of a layer, averaged over the batch."""
        squares = (targets - rates).square()
        return squares.mean() if self.variant == "code" else squares.sum() / len(squares)
