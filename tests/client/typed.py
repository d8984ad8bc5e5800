"""Types commands, as a person would."""

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from snnlab.client.cli import main


TINY = """
time_steps = 2
epochs = 2
[dataset]
kind = "mnist-5k"
train_size = 200
[network]
kind = "mlp"
hidden = [32]
[neuron]
kind = "lif"
[rule]
kind = "bptt"
"""


def snnlab(*arguments: object, stdin: str = "", **environment: str) -> Result:
    """The command in this process."""
    return CliRunner().invoke(main, [str(a) for a in arguments], input=stdin, env=environment)


def started(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "snnlab.client", *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        cwd=Path(__file__).parents[2],
    )
