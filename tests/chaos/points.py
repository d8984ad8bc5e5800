"""Fault points: what a worker does is written into its history, and may be broken once.

The tests' worker calls `install`, which wraps the functions in `watched`; a real worker never
imports this file, so a fault point costs it nothing. The point `claim.after` is right after a claim
was committed, `measure.after` inside the transaction that stores a checkpoint. A file of that name
in the folder `faults` breaks the first process that gets there; the file says how.
"""

import functools
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Broken(RuntimeError):
    """What a fault point raises."""


class Points:
    """One process's view: its history file, and the faults that wait in a shared folder."""

    def __init__(self, folder: Path) -> None:
        self.faults, history = folder / "faults", folder / "history"
        self.faults.mkdir(parents=True, exist_ok=True)
        history.mkdir(exist_ok=True)
        self.file = (history / f"{os.getpid()}.jsonl").open("ab", buffering=0)

    def note(self, op: str, phase: str, **facts: Any) -> None:
        """Append a line. `t` is the machine's clock, which orders the lines of all processes."""
        clocks = {"t": time.monotonic(), "wall": time.time()}
        line = {**clocks, "proc": os.getpid(), "op": op, "phase": phase, **facts}
        self.file.write(json.dumps(line).encode() + b"\n")

    def strike(self, point: str, **facts: Any) -> None:
        """Break here if that is asked and nobody did it yet."""
        waiting = self.faults / point
        if not waiting.exists():
            return
        how = waiting.read_text()
        try:
            waiting.rename(self.faults / f"{point}.done")
        except FileNotFoundError:
            return
        self.note("fault", how, point=point, **facts)
        if how == "raise":
            raise Broken(point)
        os.kill(os.getpid(), {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[how])

    def wrap(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(act)
        def watched(*args: Any, **kwargs: Any) -> Any:
            facts = about(args)
            self.note(name, "invoke", **facts)
            self.strike(f"{name}.before", **facts)
            try:
                result = act(*args, **kwargs)
            except BaseException as error:
                self.note(name, "fail", error=type(error).__name__, **facts)
                raise
            facts |= about((result,))
            self.note(name, "ok", **facts)
            empty = (result is None and name == "claim") or result == []
            if not empty:
                self.strike(f"{name}.after", **facts)
            return result

        return watched


def about(things: tuple[Any, ...]) -> dict[str, Any]:
    """Which attempt a call is about, and the trainer's process if it is told."""
    found = {}
    for thing in things:
        if hasattr(thing, "lease_epoch"):
            found |= {"run": thing.run_id, "epoch": thing.lease_epoch}
        if hasattr(thing, "messages"):
            found |= {"pid": thing.process.pid}
    return found


def watched() -> dict[str, Any]:
    from snnlab.experiments import artifacts, queue, recording
    from workers import slots

    return {
        "claim": (queue, "claim"),
        "train": (slots, "supervise"),
        "renew": (queue, "renew"),
        "begin": (recording, "begin"),
        "measure": (recording, "_measure"),
        "place": (artifacts, "keep"),
        "record": (recording, "record"),
        "finish": (queue, "finish"),
        "fail": (queue, "fail"),
        "crash": (queue, "crash"),
        "release": (queue, "release"),
        "reap": (queue, "reap"),
    }


def install(folder: str) -> None:
    from workers.child import Child

    points, send = Points(Path(folder)), Child.send

    def told(child: Child, message: dict[str, Any]) -> None:
        send(child, message)
        if message["kind"] == "job":
            points.note("job", "ok", pid=child.process.pid)

    Child.send = told
    for name, (module, function) in watched().items():
        setattr(module, function, points.wrap(name, getattr(module, function)))
