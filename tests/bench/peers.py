"""The same networks in SpikingJelly and snnTorch, which are installed apart from snnlab's own."""

import subprocess
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from snnlab.learning.layers import Flatten, MaxPool, Readout, Spiking
from snnlab.learning.network import SpikingNetwork


FOLDER = Path(__file__).parents[2] / "build/peers"
# without their dependencies: torchvision and torchaudio have no CPU wheels and are not used here
WANTED = ("spikingjelly==2.0.0", "snntorch==1.0.0")
NEEDED = (
    "loguru",
    "h5py",
    "matplotlib",
    "requests",
    "SciencePlots",
    "scipy",
    "tensorboard",
    "tqdm",
)


def install() -> None:
    """Put the peers into a folder of their own, once, and make them importable."""
    if not FOLDER.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(FOLDER)]
        subprocess.run([*pip, "--no-deps", *WANTED], check=True)
        subprocess.run([*pip, *NEEDED], check=True)
    sys.path.append(str(FOLDER))


class SpikingJelly(nn.Module):
    """Multi-step mode: time folded for the layers, whole sequence for the neurons."""

    def __init__(self, ours: SpikingNetwork, *, hoist: bool) -> None:
        from spikingjelly.activation_based import functional, neuron, surrogate

        super().__init__()
        self.hoist, self.functional = hoist, functional
        self.blocks = nn.ModuleList(ours.layers)
        self.neurons = nn.ModuleList(
            neuron.LIFNode(
                tau=1 / (1 - layer.neuron.alpha),
                decay_input=False,
                v_reset=0.0,
                detach_reset=True,
                surrogate_function=surrogate.ATan(2.0),
                step_mode="m",
            )
            for layer in ours.layers
            if isinstance(layer, Spiking)
        )

    def forward(self, x: Tensor) -> Tensor:
        self.functional.reset_net(self)
        return pass_through(self.blocks, iter(self.neurons), x, hoist=self.hoist)


class SnnTorch(nn.Module):
    """Each neuron layer steps through time in a Python loop; the other layers fold it."""

    def __init__(self, ours: SpikingNetwork, *, hoist: bool) -> None:
        from snntorch import Leaky, surrogate

        super().__init__()
        self.hoist = hoist
        self.blocks = nn.ModuleList(ours.layers)
        self.neurons = nn.ModuleList(
            Leaky(layer.neuron.alpha, spike_grad=surrogate.atan(2.0), reset_mechanism="zero")
            for layer in ours.layers
            if isinstance(layer, Spiking)
        )

    def forward(self, x: Tensor) -> Tensor:
        loops = (lambda current, leaky=leaky: self.loop(leaky, current) for leaky in self.neurons)
        return pass_through(self.blocks, loops, x, hoist=self.hoist)

    def loop(self, leaky: nn.Module, current: Tensor) -> Tensor:
        potential, spikes = leaky.reset_mem(), []
        for i in current.unbind():
            s, potential = leaky(i, potential)
            spikes.append(s)
        return torch.stack(spikes).to(current.dtype)  # its spikes are always 32 bits wide


def pass_through(blocks, neurons, x: Tensor, *, hoist: bool) -> Tensor:
    """The layers of our network with somebody else's neurons; `hoist` computes the first once."""
    time, constant = len(x), hoist
    x = x if hoist else x.contiguous()
    for block in blocks:
        if isinstance(block, Spiking):
            folded = x[0] if constant else x.flatten(0, 1)
            current = block.norm(block.synapse(folded))
            shape = (time, -1, *current.shape[1:])
            current = current.expand(time, *current.shape) if constant else current.view(shape)
            x, constant = next(neurons)(current), False
        elif isinstance(block, Readout | MaxPool | Flatten):
            x = block(x)
    return x
