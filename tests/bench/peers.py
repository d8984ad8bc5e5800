"""The same networks in other libraries, which are installed apart from snnlab's own.

Each gets a copy of the weights, in torch's own layers and layout, as its users would write it.
"""

import copy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from snnlab.learning.layers import Flatten, MaxPool, Readout, Spiking
from snnlab.learning.network import SpikingNetwork
from tests.bench.cells import DECAY


FOLDER = Path(__file__).parents[2] / "build/peers"
HERE = Path(__file__).parent


def install() -> None:
    """Put the peers into a folder of their own, once, and make them importable."""
    if not FOLDER.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(FOLDER)]
        # without their dependencies: torchvision and torchaudio have no CPU wheels, nor any use
        subprocess.run([*pip, "--no-deps", "-r", HERE / "peers.txt"], check=True)
        subprocess.run([*pip, "-r", HERE / "peers-need.txt"], check=True)
    sys.path.append(str(FOLDER))


class Peer(nn.Module):
    """Torch's layers, and `neuron` wherever we have a population."""

    gradients = True  # whether it can have our surrogate slope

    def __init__(self, ours: SpikingNetwork, neuron: Callable[[], nn.Module]) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for layer in ours.layers:
            stages += [torch_layer(part) for part in parts(layer)]
            stages += [neuron()] if isinstance(layer, Spiking) else []
        self.stages = nn.ModuleList(stages)
        self.spiking = [isinstance(stage, type(neuron())) for stage in stages]


def parts(layer: nn.Module) -> Iterator[nn.Module]:
    if isinstance(layer, Spiking):
        yield layer.synapse
        if not isinstance(layer.norm, nn.Identity):
            yield layer.norm
    elif isinstance(layer, Readout):
        yield layer.synapse
    else:
        yield nn.MaxPool2d(2) if isinstance(layer, MaxPool) else nn.Flatten()


def torch_layer(layer: nn.Module) -> nn.Module:
    assert not isinstance(layer, MaxPool | Flatten)
    if isinstance(layer, nn.Linear):
        plain = nn.Linear(layer.in_features, layer.out_features)
        plain.load_state_dict(layer.state_dict())
        return plain
    return copy.deepcopy(layer).to(memory_format=torch.contiguous_format)


class SpikingJelly(Peer):
    """Multi-step mode: time folded for the layers, whole sequence for the neurons."""

    def __init__(self, ours: SpikingNetwork) -> None:
        from spikingjelly.activation_based import functional, neuron, surrogate

        def lif() -> nn.Module:
            return neuron.LIFNode(
                tau=1 / (1 - DECAY),
                decay_input=False,
                v_reset=0.0,
                detach_reset=True,
                surrogate_function=surrogate.ATan(2.0),
                step_mode="m",
            )

        super().__init__(ours, lif)
        self.functional = functional

    def forward(self, x: Tensor) -> Tensor:
        self.functional.reset_net(self)
        return self.run(x)

    def run(self, x: Tensor) -> Tensor:
        for stage, spiking in zip(self.stages, self.spiking, strict=True):
            if spiking:
                x = stage(x)
            else:
                y = stage(x.flatten(0, 1))
                x = y.view(x.shape[0], x.shape[1], *y.shape[1:])
        return x


class Compiled(SpikingJelly):
    """The same under torch.compile, which takes up to a minute for each network."""

    def __init__(self, ours: SpikingNetwork) -> None:
        super().__init__(ours)
        self.run = torch.compile(self.run, dynamic=False)


class SnnTorch(Peer):
    """A Python loop over time around all layers, as in its tutorials."""

    def __init__(self, ours: SpikingNetwork) -> None:
        from snntorch import Leaky, surrogate

        def leaky() -> nn.Module:
            return Leaky(DECAY, spike_grad=surrogate.atan(2.0), reset_mechanism="zero")

        super().__init__(ours, leaky)

    def forward(self, x: Tensor) -> Tensor:
        state: list[Tensor | None] = [
            stage.reset_mem() if spiking else None
            for stage, spiking in zip(self.stages, self.spiking, strict=True)
        ]
        outputs = []
        for y in x.unbind():
            for i, (stage, spiking) in enumerate(zip(self.stages, self.spiking, strict=True)):
                y, state[i] = stage(y, state[i]) if spiking else (stage(y), None)
                y = y.to(x.dtype)  # its spikes are always 32 bits wide
            outputs.append(y)
        return torch.stack(outputs)


class Norse(Peer):
    """A loop over time; its own surrogate slopes, and gradients through the reset."""

    gradients = False

    def __init__(self, ours: SpikingNetwork) -> None:
        import norse.torch as norse
        from norse.torch.functional.lif_box import LIFBoxParameters

        rate = torch.as_tensor((1 - DECAY) * 1000.0, dtype=torch.float64)
        # its neurons multiply their input by 1 - decay, ours do not
        scaled = copy.deepcopy(ours)
        with torch.no_grad():
            for layer in scaled.layers:
                if isinstance(layer, Spiking):
                    last = layer.synapse if isinstance(layer.norm, nn.Identity) else layer.norm
                    for weight in last.parameters():
                        weight.mul_(1 / (1 - DECAY))
        super().__init__(scaled, lambda: norse.LIFBoxCell(LIFBoxParameters(tau_mem_inv=rate)))

    def forward(self, x: Tensor) -> Tensor:
        state: list[object] = [None] * len(self.stages)
        outputs = []
        for y in x.unbind():
            for i, (stage, spiking) in enumerate(zip(self.stages, self.spiking, strict=True)):
                y, state[i] = stage(y, state[i]) if spiking else (stage(y), None)
            outputs.append(y)
        return torch.stack(outputs)


class Sinabs(Peer):
    """Time folded into the batch, samples first; its neurons loop over time."""

    def __init__(self, ours: SpikingNetwork) -> None:
        import math

        import sinabs.activation as activation
        from sinabs.layers import LIFSqueeze

        class Arctan:
            def __call__(self, v: Tensor, threshold: Tensor) -> Tensor:
                return 1 / (1 + (math.pi * (v - threshold)) ** 2)

        def lif() -> nn.Module:
            layer = LIFSqueeze(
                batch_size=1,
                tau_mem=-1 / math.log(DECAY),
                spike_threshold=torch.tensor(1.0),
                spike_fn=activation.SingleSpike,
                reset_fn=activation.MembraneReset(),
                surrogate_grad_fn=Arctan(),
                norm_input=False,
            )
            layer.tau_mem.requires_grad_(requires_grad=False)
            return layer

        super().__init__(ours, lif)

    def forward(self, x: Tensor) -> Tensor:
        y = x.transpose(0, 1).flatten(0, 1)
        for stage, spiking in zip(self.stages, self.spiking, strict=True):
            if spiking:
                stage.reset_states()
                stage.batch_size, stage.num_timesteps = x.shape[1], -1
            y = stage(y).to(x.dtype)  # its spikes are always 32 bits wide
        return y.view(x.shape[1], x.shape[0], -1).transpose(0, 1)


PEERS = {
    "SpikingJelly 2.0.0": SpikingJelly,
    "SpikingJelly 2.0.0, compiled": Compiled,
    "snnTorch 1.0.0": SnnTorch,
    "Norse 1.1.0": Norse,
    "sinabs 3.1.3": Sinabs,
}
