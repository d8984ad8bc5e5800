#!/usr/bin/env python3
"""Makes .venv with everything snnlab needs; does nothing when that is done already.

Runs on any Python 3, standard library only, so that it can say what is missing.
SNNLAB_TORCH chooses PyTorch: "cuda", or a requirement such as "torch==2.13.0+cpu".
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import venv
from collections import deque
from importlib.util import find_spec
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "snnlab.stamp"
LOCK = ROOT / "requirements.lock"
OLDEST = (3, 11)
TORCH = "2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # PyTorch's own, for builds without CUDA
START = time.monotonic()


def main() -> None:
    if sys.version_info < OLDEST:
        stop(
            f"snnlab needs Python {OLDEST[0]}.{OLDEST[1]} or newer, {sys.executable} is"
            f" {platform.python_version()}. Name another one: make PYTHON=/path/to/python3.11"
        )
    if fresh():
        return
    handle = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)  # one at a time; the second finds the work done
    if not fresh():
        build()
    os.close(handle)


def fresh() -> bool:
    return STAMP.exists() and STAMP.read_text() == wanted()


def wanted() -> str:
    """What the environment depends on, as one number."""
    import tomllib  # not in the Pythons that main() turns away

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    parts = [LOCK.read_text(), json.dumps(project["project"]), TORCH, sys.version]
    parts.append(os.environ.get("SNNLAB_TORCH", ""))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def build() -> None:
    """Make the environment anew; the stamp comes last, so a half-made one is never used."""
    say(f"making {VENV} (once; about 2 GB with PyTorch)")
    if not find_spec("ensurepip"):
        stop("this Python cannot make environments. On Debian: apt-get install python3-venv")
    if shutil.disk_usage(ROOT).free < 3_000_000_000:
        stop(f"not enough disk space in {ROOT}: 3 GB are needed. Make room, then start again")
    venv.create(VENV, with_pip=True, clear=True)
    install("locked packages", "--require-hashes", "--no-deps", "-r", str(LOCK))
    requirement, *options = choose_torch()
    constraints = VENV / "constraints.txt"
    constraints.write_text("\n".join(locked_versions()))
    install(requirement, "-c", str(constraints), *options, requirement)
    install("snnlab itself", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    STAMP.write_text(wanted())
    say("ready")


def locked_versions() -> list[str]:
    """The lock without its hashes: what PyTorch's dependencies must not change."""
    lines = LOCK.read_text().splitlines()
    return [line.split()[0] for line in lines if "==" in line and line[0].isalnum()]


def choose_torch() -> list[str]:
    """The requirement for PyTorch and pip's options for it, without gigabytes by surprise."""
    if chosen := os.environ.get("SNNLAB_TORCH"):
        return [f"torch=={TORCH}" if chosen == "cuda" else chosen]
    large = platform.system() == "Linux" and platform.machine() == "x86_64"  # PyPI's has CUDA
    if not large or shutil.which("nvidia-smi") or Path("/proc/driver/nvidia/version").exists():
        return [f"torch=={TORCH}"]
    for options in ([], ["--extra-index-url", CPU_INDEX]):
        if f"{TORCH}+cpu" in offered(*options):
            return [f"torch=={TORCH}+cpu", *options]
    return stop(
        f"no NVIDIA GPU was found, and no CPU build of PyTorch {TORCH} is offered to pip (tried"
        f" pip's own places, then {CPU_INDEX}).\nThe build with CUDA also runs on the CPU, but"
        " takes about 5 GB. If that is fine: SNNLAB_TORCH=cuda make demo\n"
        "To name another build: SNNLAB_TORCH='torch @ file:///path/to/torch.whl' make demo"
    )


def offered(*options: str) -> set[str]:
    """The versions of PyTorch pip can find; asking downloads nothing."""
    command = [*pip("index", "versions", "torch"), *options]
    answer = subprocess.run(command, capture_output=True, text=True).stdout
    lines = [line for line in answer.splitlines() if line.startswith("Available versions:")]
    return {version.strip() for line in lines for version in line.partition(":")[2].split(",")}


def pip(*arguments: str) -> list[str]:
    return [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", *arguments]


def install(title: str, *arguments: str) -> None:
    """Run `pip install`, counting on one line what it collects."""
    say(f"installing {title}")
    command = pip("install", "--progress-bar", "off", *arguments)
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    assert process.stdout is not None  # as asked for above
    last: deque[str] = deque(maxlen=30)
    count = 0
    for line in process.stdout:
        last.append(line)
        if line.startswith("Collecting"):
            count += 1
            progress(f"{count} {line.split()[1]}")
    progress("")
    if process.wait():
        stop(f"pip could not install {title}; its last words:\n{''.join(last)}")


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K  {text}", end="" if text else "\r", file=sys.stderr, flush=True)


def say(text: str) -> None:
    print(f"[{time.monotonic() - START:3.0f} s] {text}", file=sys.stderr, flush=True)


def stop(message: str) -> list[str]:
    """End with a message; what was half-made has no stamp and is made anew next time."""
    print(f"\nbootstrap: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
