r"""Online training through time: errors of the moment times traces of the past.

.. math::
    \hat a_t = \lambda \hat a_{t-1} + s_t, \qquad
    \nabla W = \sum_t g_t \hat a_t^\top, \qquad g_t = \partial L_t / \partial u_t

Here :math:`s` is what reaches a synapse, :math:`\lambda` the decay of the potential u behind it,
and g goes back through the layers within one step only. With one layer of neurons, and a reset
that passes no gradient, that is the exact gradient of the sum of all losses

.. math:: L_t = \frac{1}{T} \big( (1 - m) \, \mathrm{CE}(o_t, y)
   + m \, \overline{(o_t - \mathrm{onehot}(y))^2} \big).

The weights change once, after the last step (OTTT-A), or after each (OTTT-O). Memory does not grow
with time. Source: Xiao et al. 2022, arXiv:2210.04195; as in its official code
(github.com/pkuxmq/OTTT-SNN) a bias has no trace. Deviations: the readout, which has no memory, has
no trace; the image has one, like any input; there is no weight standardisation.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot

from snnlab.learning.definition import Definition
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.neuron import IntegrateAndFire
from snnlab.learning.rule import Rule
from snnlab.learning.stepping import carried, spiking


class OTTT(Rule):
    """Each step's error, times a decaying trace of what each synapse has received."""

    source: ClassVar[str] = "Xiao et al. 2022, arXiv:2210.04195"

    kind: Literal["ottt"] = "ottt"
    update: Literal["batch", "step"] = Field(
        "batch", description="when weights change: once in a batch (OTTT-A) or each step (OTTT-O)"
    )
    mse_share: float = Field(
        0.05, ge=0, le=1, description="share of the loss that is a squared error of the output"
    )

    def check(self, spec: Definition) -> None:
        if not isinstance(spec.neuron, IntegrateAndFire):
            raise ValueError(
                "OTTT needs a neuron whose potential decays by one factor. Set neuron.kind to lif"
            )
        if spec.network.norm != "none" or spec.network.readout != "current":
            raise ValueError(
                "OTTT weighs what each synapse received in the past: that holds for synapses "
                "alone. Set network.norm to none and network.readout to current"
            )
        data = spec.dataset
        network = spec.network.outline(data.shape, data.classes, spec.neuron)
        for name, layer in spiking(network).items():
            if not isinstance(layer.synapse, nn.Linear | nn.Conv2d):
                raise ValueError(
                    f"OTTT needs synapses before every population, and {name} sums up currents. "
                    "Set network.kind to one without shortcuts, such as vgg"
                )

    def updates(
        self,
        network: SpikingNetwork,
        inputs: Float[Tensor, "time batch *pixels"],
        labels: Int64[Tensor, " batch"],
    ) -> Iterator[float]:
        total = 0.0
        with carried(network), traced(network):
            for x in inputs.split(1):
                loss = self.loss_of(network(x)[0], labels)
                (loss / len(inputs)).backward()
                total += loss.item()
                if self.update == "step":
                    yield loss.item()
        if self.update == "batch":
            yield total / len(inputs)

    def loss_of(
        self, output: Float[Tensor, "batch classes"], labels: Int64[Tensor, " batch"]
    ) -> Float[Tensor, ""]:
        wanted = one_hot(labels, output.shape[1]).to(output.dtype)
        right, near = cross_entropy(output, labels), mse_loss(output, wanted)
        return (1 - self.mse_share) * right + self.mse_share * near


@contextmanager
def traced(network: SpikingNetwork) -> Iterator[None]:
    """Let the gradients of every population's synapses be those of its traces."""
    synapses = {layer.synapse: layer.neuron for layer in spiking(network).values()}
    for synapse, neuron in synapses.items():
        assert isinstance(neuron, IntegrateAndFire)
        decay = neuron.alpha.item() if isinstance(neuron.alpha, Tensor) else neuron.alpha
        synapse.forward = Traced(synapse.forward, decay)
    try:
        yield
    finally:
        for synapse in synapses:
            del synapse.forward


class Traced:
    """The forward of a synapse whose gradient is that of the trace of its input."""

    def __init__(self, forward: Callable[[Tensor], Tensor], decay: float) -> None:
        self.forward, self.decay = forward, decay
        self.trace: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        now = x.detach()
        self.trace = now if self.trace is None else self.decay * self.trace + now
        with torch.no_grad():
            value = self.forward(x)
        current: Tensor = Stand.apply(value, self.forward(Stand.apply(self.trace, x)))
        return current


class Stand(torch.autograd.Function):
    """The value of one tensor, the gradient of another."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, path: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, e: Tensor) -> tuple[None, Tensor]:
        return None, e
