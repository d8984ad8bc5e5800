"""The child process that trains one run. It knows no database, no broker and no secret.

It is started ahead of its job, because importing torch takes seconds. It dies when its supervisor
does, when stdin closes, and at the time up to which the supervisor last vouched for the lease.
"""

import argparse
import ctypes
import errno
import hashlib
import json
import math
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NoReturn

from workers import protocol


PR_SET_PDEATHSIG = 1
OUT_OF_MEMORY = 137
LOGGED = (
    "loss",
    "validation_loss",
    "accuracy",
    "firing_rate",
    "test_accuracy",
    "chip_accuracy",
    "seconds",
)
FEW = 4  # numbers of an epoch that has none of these
FEWEST_SECONDS_BETWEEN_STEPS = 0.2


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--parent", type=int, required=True)
    arguments.add_argument("--engine", default="workers.engine")
    given = arguments.parse_args()
    die_with(given.parent)
    out = take_stdout()
    engine = import_module(given.engine)
    protocol.write(out, {"kind": "ready"})
    job = protocol.read(protocol.STDIN)
    if job is None:
        return
    if job["processes"] > 1:
        launch(job, given.engine, out)
    leash = Leash(job["until"])
    leash.start()
    settle(job)
    Trainer(engine, job, out, leash).run()


def die_with(parent: int) -> None:
    """Have the kernel end this process when the thread that started it ends, even by kill -9."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def take_stdout() -> IO[bytes]:
    """Keep stdout for messages; whatever anybody prints becomes a line of the log."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def launch(job: dict[str, Any], engine: str, out: IO[bytes]) -> NoReturn:
    """Become torchrun, which starts a process for each device; the first one reports."""
    file = Path(job["scratch"]) / "job.json"
    file.write_text(json.dumps(job))
    os.dup2(out.fileno(), 1)
    torchrun = ["torch.distributed.run", "--standalone", "--max-restarts", "0"]
    processes = ["--nproc-per-node", str(job["processes"])]
    rank = ["-m", "workers.rank", str(file), "--engine", engine]
    os.execv(sys.executable, [sys.executable, "-m", *torchrun, *processes, *rank])


def settle(job: dict[str, Any]) -> None:
    """Stay on the cores and GPUs of the job; CUDA looks at this when it is used first."""
    if cores := job.get("cores"):
        os.sched_setaffinity(0, cores)
    if "gpus" in job:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, job["gpus"]))


class Leash(threading.Thread):
    """Hears the supervisor while the main thread computes.

    The time limit is a timer of the kernel that kills this process, so neither a long computation
    nor a stopped process can sleep through it.
    """

    def __init__(self, until: float) -> None:
        super().__init__(daemon=True)
        self.stop = threading.Event()
        self.extend(until)

    def extend(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0:
            os.kill(os.getpid(), signal.SIGALRM)
        signal.setitimer(signal.ITIMER_REAL, max(left, 1e-6))

    def run(self) -> None:
        while (message := protocol.read(protocol.STDIN)) is not None:
            if message["kind"] == "stop":
                self.stop.set()
            else:
                self.extend(message["until"])
        os._exit(1)


class Trainer:
    """One job, from its definition to its last message."""

    def __init__(
        self, engine: ModuleType, job: dict[str, Any], out: IO[bytes], leash: Leash
    ) -> None:
        self.engine, self.job, self.out, self.leash = engine, job, out, leash
        self.next_step = 0.0

    def run(self) -> None:
        try:
            self.say("stopped" if self.train() else "done")
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        except Exception as error:  # the edge of the process: every end has a reason
            traceback.print_exc()
            if "can't allocate memory" in str(error) or "out of memory" in str(error):
                os._exit(OUT_OF_MEMORY)
            self.say("failed", reason=reason_of(error), message=str(error)[-4000:])

    def train(self) -> bool:
        """Train until the end, or until asked to stop; tells whether it was asked."""
        engine, job = self.engine, self.job
        engine.prepare(job["threads"])
        for path in job["given"]:
            engine.hand(Path(path))
        spec = engine.parse(job["definition"])
        self.say("started", environment=engine.environment(job["device"]))
        resume = engine.load(Path(job["resume"])) if job["resume"] else None
        for item in engine.work(spec, seed=job["seed"], resume=resume, device=job["device"]):
            if isinstance(item, engine.Checkpoint):
                self.checkpoint(item, final=item.epoch == engine.last(spec))
            else:
                self.step(item)
            if self.leash.stop.is_set():
                return True
        return False

    def step(self, step: Any) -> None:
        """Say where training stands, but not more often than anybody can look."""
        if time.monotonic() < self.next_step and step.batch < step.batches:
            return
        self.next_step = time.monotonic() + FEWEST_SECONDS_BETWEEN_STEPS
        progress = asdict(step)
        if not math.isfinite(step.loss):  # a rule without a loss
            del progress["loss"]
        self.say("step", progress=progress)

    def checkpoint(self, checkpoint: Any, *, final: bool) -> None:
        """Write a file first, completely; then tell of it."""
        print(f"epoch {checkpoint.epoch}:", summary(checkpoint.metrics), flush=True)
        path = Path(self.job["scratch"]) / f"{checkpoint.epoch}.safetensors"
        self.engine.save(checkpoint, path)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self.say(
            "checkpoint",
            step=checkpoint.epoch,
            metrics=checkpoint.metrics,
            path=str(path),
            sha256=sha256,
            size=path.stat().st_size,
            weights=self.engine.weights_digest(checkpoint),
            final=final,
            data=checkpoint.data,
            caveat=checkpoint.caveat,
        )

    def say(self, kind: str, **fields: Any) -> None:
        protocol.write(self.out, {"kind": kind, **fields})


def summary(metrics: dict[str, float]) -> str:
    """The numbers of an epoch that a reader of the log looks for."""
    told = [name for name in LOGGED if name in metrics] or list(metrics)[:FEW]
    return ", ".join(f"{name} {metrics[name]:.4g}" for name in told)


def reason_of(error: Exception) -> str:
    """Why a training cannot go on, as a run shows it."""
    full = (errno.ENOSPC, errno.EDQUOT)
    # safetensors wraps the system's error into one of its own, without its number
    if getattr(error, "errno", None) in full or os.strerror(errno.ENOSPC) in str(error):
        return "disk_full"
    if hasattr(error, "problems"):
        return "config"
    return str(getattr(error, "reason", "user_error"))


if __name__ == "__main__":
    main()
