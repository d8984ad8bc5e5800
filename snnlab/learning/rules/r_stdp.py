r"""Layers learn one after the other without labels, then neurons that choose learn by reward.

Plasticity sees only order: whether an input fired before or with the neuron, or not:

.. math:: \Delta w = w (1 - w) \begin{cases} a_+ & t_{pre} \le t_{post} \\ -a_- & \text{else}
   \end{cases}

Convolution by convolution, the first neurons to fire learn. Each inhibits all maps at its place and
around it, and its own map everywhere, so that each map learns another pattern. Then, of the neurons
that choose, that with the highest potential learns: as above if its class is right, and with both
signs reversed if it is wrong,

.. math:: \Delta w = w (1 - w) \begin{cases}
   +q\,a\,(1 \text{ or } -\tfrac34) & \text{rewarded} \\
   -p\,a\,(1 \text{ or } -\tfrac18) & \text{punished} \end{cases}

first for inputs that fired, then for others; q is the running share of wrong choices, p = 1 - q,
so that learning slows down as nothing is left to learn. Some neurons, drawn anew for each image,
take no part. The label serves only to say whether a choice was right.

With `choice` = "prediction" the neuron that chose learns otherwise: the reward R is 1 or 0, its
potential v predicts it, and inputs that fired, x = 1, get a share of the error,

.. math:: \Delta w = a\,(R - \sigma(v))\,x

a local rule of three factors: input, choice and error of the predicted reward. It reaches more than
the rule above, but is not that of the paper: weights begin normal, 0 +- 0.05, and may be negative.

Source: Kheradpisheh et al. 2018, arXiv:1611.01421 (unsupervised); Mozafari et al. 2019,
arXiv:1804.00227 (reward; the ratios 3/4 and 1/8, the bounds 0.2 and 0.8). Deviations: weights
change once in a batch, in a convolution by the mean over the winners of a map, in the neurons that
choose by the sum over its images (for "prediction" by the mean); a+ is constant, not doubled again
and again; while a layer learns its threshold is higher than later, so that its neurons become
selective, and later respond also to what is only similar; the rate of the reward declines as
1 / (1 + choices / `settling`).
"""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor
from torch.nn.functional import linear, one_hot

from snnlab.learning.definition import Definition
from snnlab.learning.errors import TrainingError
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.rule import Rule
from snnlab.learning.stdp.once import INITIAL, Choice, FireOnce, Winners, latencies, winners


REWARDED = (1.0, -0.75)  # for inputs that fired, and for others
PUNISHED = (-1.0, 0.125)


class RSTDP(Rule):
    """Unsupervised plasticity and competition in each layer in turn; then reward for choices."""

    source: ClassVar[str] = "Mozafari et al. 2019, arXiv:1804.00227"
    learning: ClassVar[str] = "reward"

    kind: Literal["r-stdp"] = "r-stdp"
    images: tuple[Annotated[int, Field(ge=0, le=100_000_000)], ...] = Field(
        (4000, 8000),
        min_length=1,
        max_length=4,
        description="number of images from which each convolution learns, before the next does",
        json_schema_extra={"unit": "images"},
    )
    thresholds: tuple[Annotated[float, Field(gt=0, le=1e6)], ...] = Field(
        (10.0, 15.0),
        min_length=1,
        max_length=4,
        description="threshold of each convolution while it learns",
        json_schema_extra={"unit": "v_threshold"},
    )
    winners: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        (5, 8),
        min_length=1,
        max_length=4,
        description="how many neurons of each convolution at most learn from an image",
    )
    radii: tuple[Annotated[int, Field(ge=0, le=1000)], ...] = Field(
        (2, 1),
        min_length=1,
        max_length=4,
        description="distance up to which a neuron that learns inhibits all others",
        json_schema_extra={"unit": "pixels"},
    )
    potentiation: float = Field(
        0.1, ge=0, le=1, description="a+, growth for inputs that fired before the neuron or with it"
    )
    depression: float = Field(0.075, ge=0, le=1, description="a-, decline for all other inputs")
    choice: Literal["r-stdp", "prediction"] = Field(
        "r-stdp",
        description="how neurons that choose learn: by STDP with the sign of the reward, or by the "
        "error of the reward that they predict",
    )
    reward: float = Field(0.1, ge=0, le=10, description="a, change of weights by a choice")
    settling: float = Field(
        50_000.0,
        gt=0,
        le=1e12,
        description="choices after which half of that is left",
        json_schema_extra={"unit": "images"},
    )
    memory: float = Field(
        1000.0,
        gt=0,
        le=1e9,
        description="choices that decide what share of them is wrong",
        json_schema_extra={"unit": "images"},
    )
    dropout: float = Field(
        0.4, ge=0, lt=1, description="share of the neurons that do not take part in a choice"
    )
    margin: float = Field(
        0.2, ge=0, lt=0.5, description="distance that their weights keep from 0 and 1"
    )

    def check(self, spec: Definition) -> None:
        if spec.encoder.kind != "direct":
            raise ValueError(
                "rule 'r-stdp' needs the image itself, of which the network makes spikes: set "
                "encoder.kind to 'direct'"
            )
        layers = len(spec.network.model_dump()["maps"])
        for name in ("images", "thresholds", "winners", "radii"):
            if len(getattr(self, name)) != layers:
                raise ValueError(
                    f"rule.{name} must have one entry for each of the {layers} convolutions of "
                    f"network.maps, got {len(getattr(self, name))}"
                )

    @torch.no_grad()
    def prepare(self, network: SpikingNetwork) -> None:
        if self.choice == "prediction":
            plastic(network)[-1].synapse.weight.sub_(INITIAL[0])

    @torch.no_grad()
    def updates(
        self,
        network: SpikingNetwork,
        inputs: Float[Tensor, "time batch *pixels"],
        labels: Int64[Tensor, " batch"],
    ) -> Iterator[float]:
        layers, limits = plastic(network), [*self.images, math.inf]
        turn = next(i for i, m in enumerate(layers) if m.shown < limits[i])
        learner, x = layers[turn], inputs
        for layer in network.layers:
            if layer is learner:
                break
            x = layer(x)
        learner.shown += len(labels)
        if isinstance(learner, Choice):
            self.choose(learner, x, labels)
        else:
            self.compete(learner, x, turn)
        yield from ()

    def compete(self, layer: FireOnce, x: Float[Tensor, "time batch ..."], number: int) -> None:
        """Let the winners of each map learn what made them fire."""
        response = layer.respond(x, self.thresholds[number] * layer.unit).inhibited()
        won = winners(response.rank, self.winners[number], self.radii[number])
        weight = layer.synapse.weight
        change = self.signs(layer, latencies(x), response.latency, won)
        total = torch.zeros_like(weight).index_add_(0, won.map, change)
        count = won.map.bincount(minlength=len(weight)).clamp(min=1)
        weight.add_(total / count.view(-1, 1, 1, 1) * weight * (1 - weight)).clamp_(0, 1)

    def signs(self, layer: FireOnce, pre: Tensor, post: Tensor, won: Winners) -> Tensor:
        """a+ or -a- for each synapse of each winner (winners maps row column)."""
        offset = torch.arange(layer.synapse.kernel_size[0], device=pre.device)
        row, column = won.row[:, None] + offset, won.column[:, None] + offset
        seen = pre[won.image[:, None, None], :, row[:, :, None], column[:, None]]
        before = seen.movedim(3, 1) <= post[tuple(won)].view(-1, 1, 1, 1)
        return torch.where(before, self.potentiation, -self.depression).to(pre.dtype)

    def choose(
        self, layer: Choice, x: Float[Tensor, "time batch inputs"], labels: Int64[Tensor, " batch"]
    ) -> None:
        """Let the neurons with the highest potentials learn from whether they were right."""
        fired = x.sum(0)
        v = linear(fired, layer.synapse.weight)
        resting = layer.draw(*v.shape) < self.dropout
        chosen, winner = v.masked_fill(resting, -torch.inf).max(1)
        right = winner // layer.per_class == labels
        rate = self.reward / (1 + (layer.shown - len(labels)) / self.settling)
        mine = one_hot(winner, v.shape[1]).to(v.dtype)
        if self.choice == "prediction":
            error = right.to(v.dtype) - chosen.sigmoid()
            layer.synapse.weight.add_((mine * error[:, None]).T @ fired * (rate / len(labels)))
        else:
            self.modulate(layer, mine, fired, right, rate)
        keep = math.exp(-len(labels) / self.memory)
        layer.wrong.mul_(keep).add_((1 - keep) * (~right).to(v.dtype).mean())

    def modulate(
        self, layer: Choice, mine: Tensor, fired: Tensor, right: Tensor, rate: Tensor
    ) -> None:
        """STDP of the winners, `mine` (batch neurons), or its opposite where it was not `right`."""
        weight = layer.synapse.weight
        rewarded, punished = (
            rate * share * fired.new_tensor(sizes)
            for share, sizes in ((layer.wrong, REWARDED), (1 - layer.wrong, PUNISHED))
        )
        spiking, silent = torch.where(right[:, None], rewarded, punished).unbind(1)
        change = (mine * (spiking - silent)[:, None]).T @ fired + (mine.T @ silent)[:, None]
        weight.add_(change * weight * (1 - weight)).clamp_(self.margin, 1 - self.margin)


def plastic(network: SpikingNetwork) -> list[FireOnce | Choice]:
    """The layers that learn, in order. Raises TrainingError for another network."""
    found = [m for m in network.layers if isinstance(m, FireOnce | Choice)]
    if not found or not isinstance(found[-1], Choice):
        raise TrainingError("rule 'r-stdp' trains only networks of kind 'conv-stdp'")
    return found
