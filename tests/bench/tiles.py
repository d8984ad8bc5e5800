"""The synapses of a chip as tiles of other simulators, at equal maths.

Each tile is given the weights of one chip, its mismatch included, and computes without noise and
without converters, so that all give the same scores; the neurons are the same few lines of torch.
Installed apart, see peers-chip.txt; what does not install or run is left out, with the reason.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / "build/peers-chip"
Synapse = Callable[[Tensor], Tensor]  # currents of inputs
Tile = Callable[[Tensor], Synapse]  # made from weights (out, in)


def install() -> None:
    """Each package by itself, once, without its dependencies and without compiling anything."""
    for line in (HERE / "peers-chip.txt").read_text().splitlines():
        done = FOLDER / f".{line}"
        if line.startswith("#") or done.exists():
            continue
        FOLDER.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
        pip += ["--only-binary", ":all:", "--target", str(FOLDER), line]
        try:
            subprocess.run(pip, check=True, capture_output=True, text=True)
            done.touch()
        except subprocess.CalledProcessError as error:
            print(f"{line} is left out: {error.stderr.strip().splitlines()[-1]}")
    sys.path.append(str(FOLDER))


def plain(weight: Tensor) -> Synapse:
    """Torch alone."""
    return lambda x: linear(x, weight)


def lightning(weight: Tensor) -> nn.Module:
    from aihwkit_lightning.nn import AnalogLinear
    from aihwkit_lightning.simulator.configs import TorchInferenceRPUConfig

    out, into = weight.shape
    tile: nn.Module = AnalogLinear(into, out, bias=False, rpu_config=TorchInferenceRPUConfig())
    tile.set_weights(weight)
    return tile.eval()


def ibm(weight: Tensor) -> nn.Module:
    """The tile that is written in torch; the compiled one needs the torch that it was built for."""
    from aihwkit.nn import AnalogLinear
    from aihwkit.simulator.configs import TorchInferenceRPUConfig

    config = TorchInferenceRPUConfig()
    config.forward.is_perfect = True
    config.mapping.max_input_size = config.mapping.max_output_size = 0
    out, into = weight.shape
    tile: nn.Module = AnalogLinear(into, out, bias=False, rpu_config=config)
    tile.set_weights(weight, None)
    return tile.eval()


TILES: dict[str, Tile] = {
    "torch": plain,
    "aihwkit-lightning 2.1.0": lightning,
    "aihwkit 1.1.0, torch tile": ibm,
}


def working() -> dict[str, Tile]:
    """Those that give what torch gives."""
    weight, x = torch.randn(5, 7), torch.rand(3, 7)
    good = {}
    for name, tile in TILES.items():
        try:
            with torch.inference_mode():
                torch.testing.assert_close(tile(weight)(x), linear(x, weight))
            good[name] = tile
        except Exception as error:
            print(f"{name} is left out: {type(error).__name__}: {error}")
    return good
