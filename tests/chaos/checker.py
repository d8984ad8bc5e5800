"""The invariants I1 to I12, looked at when all is over: each gives what speaks against it.

They are those of the design: no run lost, never two writers, and so on; the docstrings say them.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

from tests.chaos.evidence import TERMINAL, Evidence, Row


LIVE = {"running", "cancelling"}
OPEN = {"queued", "held", *LIVE}
COUNTED = ("succeeded", "failed")
LEGAL = {
    ("", "held"),
    ("", "queued"),
    ("", "succeeded"),
    ("held", "queued"),
    ("queued", "held"),
    ("queued", "running"),
    ("queued", "failed"),
    ("held", "failed"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "queued"),
    ("running", "held"),
    ("running", "cancelling"),
    ("cancelling", "cancelled"),
    ("queued", "cancelled"),
    ("held", "cancelled"),
    ("failed", "queued"),
    ("cancelled", "queued"),
}
WRITES = {"renew", "begin", "record", "finish", "fail", "crash", "release"}
Found = Iterator[str]


def i1(it: Evidence) -> Found:
    """No run is lost: each one that was submitted has ended, or waits."""
    for run in it.submitted:
        row = it.run.get(run)
        if row is None:
            yield f"run {run} is gone"
        elif row["state"] in LIVE and row["silent"]:
            yield f"run {run} is {row['state']}, and nobody has it"


def i2(it: Evidence) -> Found:
    """Never two writers: once a claim succeeded, no older attempt writes. Two witnesses."""
    claims = [line for line in it.history if (line["op"], line["phase"]) == ("claim", "ok")]
    begun = {(row["run_id"], row["lease_epoch"]): row["started_at"] for row in it.attempts}
    for claim in claims:
        for line in accepted(it.history):
            older = line["run"] == claim.get("run") and line["epoch"] < claim["epoch"]
            if older and line["asked"] > claim["t"]:
                yield f"{line['op']} of {line['run']}/{line['epoch']} after {claim['epoch']}"
    for row in [*it.points, *it.checkpoints, *it.chunks]:
        later = [
            at for (run, n), at in begun.items() if run == row["run_id"] and n > row["lease_epoch"]
        ]
        if later and row["at"] > min(later):
            yield f"a row of {row['run_id']}/{row['lease_epoch']} after the next attempt began"


def accepted(history: list[Row]) -> Iterator[Row]:
    """The writes that were taken, each with the moment when it was asked for."""
    asked: dict[tuple[int, str, int], float] = {}
    for line in history:
        if line["op"] in WRITES and "run" in line:
            key = (line["proc"], line["op"], line["run"])
            if line["phase"] == "invoke":
                asked[key] = line["t"]
            elif line["phase"] == "ok":
                yield {**line, "asked": asked.get(key, line["t"])}


def i3(it: Evidence) -> Found:
    """A run has at most one trainer that is alive and not frozen. One without a job has no run."""
    jobs = {line["pid"]: line["t"] for line in it.history if line["op"] == "job"}
    trained = [line for line in it.history if line["op"] == "train" and line["pid"] in jobs]
    work = {line["pid"]: (jobs[line["pid"]], line["run"]) for line in trained}
    for moment, pids in it.samples:
        runs = [work[pid][1] for pid in pids if pid in work and moment > work[pid][0]]
        if twice := {run for run in runs if runs.count(run) > 1}:
            yield f"runs {sorted(twice)} had two trainers at {moment:.1f}"


def i4(it: Evidence) -> Found:
    """Every change of state is in the table, events have no gap, and an end is an end."""
    for run in it.run:
        events = it.of(it.events, run)
        if [event["seq"] for event in events] != list(range(1, len(events) + 1)):
            yield f"run {run} has a gap in its events"
        for event in events:
            step = (event["from_state"], event["to_state"])
            if step[0] != step[1] and step not in LEGAL:
                yield f"run {run} went from {step[0]} to {step[1]}"
        for before, after in pairwise(events):
            if before["to_state"] != after["from_state"]:
                yield f"run {run} was {before['to_state']} and left {after['from_state']}"
        if events and events[-1]["to_state"] != it.run[run]["state"]:
            yield f"run {run} is {it.run[run]['state']} without an event"


def i5(it: Evidence) -> Found:
    """Each measurement is stored once, with the value it must have; none is missing at the end."""
    for run, oracle in it.oracles.items():
        rows = it.of(it.points, run)
        found = {(row["metric"], row["step"]): row["value"] for row in rows}
        if len(found) != len(rows):
            yield f"run {run} has a measurement twice"
        wanted = {key: value for key, value in oracle.items() if key[0] != "weights"}
        if wrong := {key for key, value in found.items() if wanted.get(key) != value}:
            yield f"run {run} has wrong values at {sorted(wrong)}"
        if it.run[run]["state"] == "succeeded" and (gone := wanted.keys() - found.keys()):
            yield f"run {run} lacks {sorted(gone)}"


def i6(it: Evidence) -> Found:
    """The final weights are, bit by bit, those of a run that nothing disturbed."""
    for run, oracle in it.oracles.items():
        if it.run[run]["state"] == "succeeded":
            final = [row for row in it.of(it.checkpoints, run) if row["final"]]
            if [("weights", row["step"], row["weights"]) for row in final] != [
                (*key, value) for key, value in oracle.items() if key[0] == "weights"
            ]:
                yield f"run {run} ended with other weights"


def i7(it: Evidence) -> Found:
    """A cancel is honoured soon, and nothing is written after it."""
    for run in it.run:
        asked, rows = None, [*it.of(it.points, run), *it.of(it.checkpoints, run)]
        for event in it.of(it.events, run):
            if event["to_state"] == "cancelling":
                asked = event["at"]
            if event["to_state"] == "cancelled":
                late = (event["at"] - asked).total_seconds() if asked else 0
                if late > it.limits.cancel:
                    yield f"run {run} was cancelled {late:.1f} s after it was asked"
                epoch, at = event["lease_epoch"], event["at"]
                if any(row["lease_epoch"] <= epoch and row["at"] > at for row in rows):
                    yield f"run {run} wrote after it was cancelled"


def i8(it: Evidence) -> Found:
    """A lease has an owner, and only a live run has one."""
    for row in it.runs:
        held = (row["lease_owner"] is not None, row["lease_expires_at"] is not None)
        if held != (row["state"] in LIVE,) * 2:
            yield f"run {row['id']} is {row['state']} with lease {held}"


def i9(it: Evidence) -> Found:
    """No process is left, each stored file is what its row says, and no half file lies there."""
    if it.left:
        yield f"processes {it.left} are left"
    for name, digest in it.files.items():
        if name != digest:
            yield f"file {name} holds something else"
    for row in it.checkpoints:
        if row["artifact_id"] not in it.files:
            yield f"checkpoint {row['step']} of run {row['run_id']} has no file"
    trained = [line for line in it.history if (line["op"], line["phase"]) == ("train", "ok")]
    left = {f"{line['run']}-{line['epoch']}" for line in trained}.intersection(it.scratch)
    if left:
        yield f"scratch folders {sorted(left)} are left"


def struck(line: Row) -> bool:
    """Whether this is a fault in the middle of an attempt."""
    return line["op"] == "fault" and "run" in line


def i10(it: Evidence) -> Found:
    """What is counted equals the recount: events, attempts, needs, quotas, and sweeps."""
    for row in it.runs:
        run = row["id"]
        if row["events_made"] != len(it.of(it.events, run)):
            yield f"run {run} counts {row['events_made']} events"
        if row["lease_epoch"] != len(it.of(it.attempts, run)):
            yield f"run {run} counts {row['lease_epoch']} claims"
        needed = [need["needs_id"] for need in it.of(it.needs, run)]
        waits = [need for need in needed if it.run[need]["state"] != "succeeded"]
        if row["state"] in ("queued", "held") and row["blockers"] != len(waits):
            yield f"run {run} waits for {waits}, and counts {row['blockers']}"
    for slot in it.slots:
        if slot["run_id"] and it.run[slot["run_id"]]["state"] not in LIVE:
            yield f"run {slot['run_id']} has ended and keeps a slot of its team"

    yield from sweeps(it)


def sweeps(it: Evidence) -> Found:
    """Points are numbered without a gap, each with one run for each seed, as the pages count them.

    A sweep is over only when all its runs are.
    """
    for sweep in it.sweeps:
        pk = sweep["id"]
        points = [place for place in it.places if place["sweep_id"] == pk]
        first = min((place["number"] for place in points), default=0)
        if sorted(p["number"] for p in points) != list(range(first, first + len(points))):
            yield f"sweep {pk} has a gap in its points"
        good = {place["id"]: place["seeds"] for place in points if not place["problem"]}
        runs = [row for row in it.runs if row.get("point_id") in good]
        made = sorted((row["point_id"], row["seed"]) for row in runs)
        wanted = sorted((point, seed) for point, seeds in good.items() for seed in seeds)
        if sweep["state"] == "done" and made != wanted:
            yield f"sweep {pk} is done with runs {made} of {wanted}"
        if sweep["state"] == "done" and (live := [r["id"] for r in runs if r["state"] in OPEN]):
            yield f"sweep {pk} is done, and its runs {live} are not"
        counted = {state: [row["state"] for row in runs].count(state) for state in COUNTED}
        told = {state: it.told[pk][state] for state in COUNTED} | {"made": it.told[pk]["made"]}
        if told != counted | {"made": len(runs)}:
            yield f"sweep {pk} is told as {told}, and is {counted} of {len(runs)}"


def i11(it: Evidence) -> Found:
    """A client is answered in time, and never with an error of ours."""
    for answer in it.clients:
        if answer["status"] >= 500 and answer["status"] != 503:
            yield f"{answer['op']} was answered {answer['status']}"
        if answer["status"] == 503 and not answer["retry"]:
            yield f"{answer['op']} was not told when to ask again"
        if answer["seconds"] > it.limits.answer:
            yield f"{answer['op']} took {answer['seconds']:.1f} s"


def i12(it: Evidence) -> Found:
    """After a fault the run goes on soon: it is claimed again, or its attempt goes on."""
    for fault in filter(struck, it.history):
        after = [line["t"] for line in it.history if goes_on(line, fault)]
        ended = it.run[fault["run"]]["state"] in TERMINAL and fault["point"] in LAST
        if not ended and min(after, default=float("inf")) > fault["t"] + it.limits.recover:
            yield f"run {fault['run']} did not go on after {fault['point']}"


LAST = {"finish.after", "fail.after", "crash.after", "release.after"}


def goes_on(line: Row, fault: Row) -> bool:
    """Whether this is progress of the run after its fault."""
    op, phase = line["op"], line["phase"]
    mine = line.get("run") == fault["run"] and line["t"] > fault["t"]
    return mine and phase == "ok" and op in ("claim", "record", "finish", "release", "begin")


INVARIANTS: dict[str, Callable[[Evidence], Found]] = {
    f"I{number}": each
    for number, each in enumerate((i1, i2, i3, i4, i5, i6, i7, i8, i9, i10, i11, i12), 1)
}


def violations(it: Evidence) -> list[str]:
    """All that is wrong, each with its invariant."""
    return [f"{name}: {what}" for name, check in INVARIANTS.items() for what in check(it)]
