"""The line of waiting runs in words and numbers: pure functions of one look at the lab."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any


@dataclass(frozen=True)
class Wait:
    """Why a run waits, its place among those of its pool, and about when it starts.

    None where nobody can say.
    """

    why: str
    place: int | None = None
    starts_at: datetime | None = None


@dataclass(frozen=True)
class Look:
    """The lab at one instant: teams with their waiting runs, workers, and how long runs take."""

    now: datetime
    teams: list[dict[str, Any]]
    workers: list[dict[str, Any]]
    seconds: dict[str, float]

    def wait(self, run: dict[str, Any]) -> Wait:
        """What there is to say of a run.

        `rank` is its number among its team's of that pool, `ready` that among those of them which
        a worker can take.
        """
        if why := aside(run):
            return Wait(why)
        if run["later"]:
            return Wait(f"back-off after attempt {run['attempts']}", starts_at=run["not_before"])
        able = [worker for worker in self.workers if fits(run, worker)]
        if not any(free(worker) for worker in able):
            return Wait(nobody(run, self.workers, able), self.place(run, "rank", "waiting"))
        place = self.place(run, "ready", "ready")
        if why := self.quota(run):
            return Wait(why, place)
        ahead = f"{place - 1} ahead" if place > 1 else "next in line"
        return Wait(ahead, place, self.start(run["pool"], place, able))

    def place(self, run: dict[str, Any], mine: str, theirs: str) -> int:
        """How many runs start before this one, and 1, if teams take turns by their weights.

        Counted are those which a worker can take, or for one that none can take, all: fields
        `mine` of the run and `theirs` of the teams say so.

        A team with u devices in use and weight w starts its i-th run when (u + i - 1) / w is the
        least of all teams; runs of a team at its quota start when others of that team end.
        """
        turn, team = self.turn(run, mine)
        others = (t for t in self.teams if t["pool"] == run["pool"] and t["team"] != team)
        return run[mine] + sum(before(turn, team, t, t[theirs]) for t in others)

    def order(self, run: dict[str, Any]) -> tuple[float, int, int]:
        """What orders the runs of all teams: those that can be taken as they will start."""
        number = "ready" if any(team["ready"] for team in self.teams) else "rank"
        return *self.turn(run, number), run["rank"]

    def turn(self, run: dict[str, Any], number: str) -> tuple[float, int]:
        """The load of its team when a run starts, by its number among the team's."""
        mine = self.team(run)
        return (mine["used"] + run[number] - 1) / mine["weight"], mine["team"]

    def team(self, run: dict[str, Any]) -> dict[str, Any]:
        """The team of a run, with what waits in its pool; its last run may just have started."""
        key = {"team": run["team"], "pool": run["pool"]}
        found = (t for t in self.teams if key.items() <= t.items())
        return next(found, {**key, "waiting": 0, "ready": 0, "used": 0, "weight": 1, "quota": None})

    def quota(self, run: dict[str, Any]) -> str:
        """What to say if the team may use no more devices now."""
        mine = self.team(run)
        quota = mine["quota"]
        if quota is None or mine["used"] + run["devices"] <= quota:
            return ""
        return f"quota: the team uses {mine['used']} of {quota} devices"

    def start(self, pool: str, place: int, able: list[dict[str, Any]]) -> datetime | None:
        """About when: so many runs of the usual length first, on all slots at once."""
        open_to = [worker for worker in able if free(worker)]
        slots = sum(worker["slots"] for worker in open_to)
        idle = slots - sum(worker["busy"] for worker in open_to)
        if place <= idle:
            return self.now
        if pool not in self.seconds:
            return None
        rounds = ceil((place - max(idle, 0)) / slots) - 0.5  # those that run are half done
        return self.now + timedelta(seconds=self.seconds[pool] * rounds)


def before(turn: float, mine: int, other: dict[str, Any], room: int) -> int:
    """How many of so many runs another team starts before the turn of one of ours."""
    if other["quota"] is not None:
        room = min(room, max(0, other["quota"] - other["used"]))
    exact = turn * other["weight"] - other["used"]
    earlier = int(exact) + 1 if other["team"] < mine and exact == int(exact) else ceil(exact)
    return max(0, min(room, earlier))


def aside(run: dict[str, Any]) -> str:
    """Why a run is not in line at all."""
    if run["state"] == "held":
        return f"{run['reason'] or 'held'} by {run['by']}"
    if run["needs"]:
        return "waiting for " + ", ".join(f"run {n}" + ended(s) for n, s in run["needs"])
    return ""


def ended(state: str) -> str:
    return {"failed": ", which failed", "cancelled": ", which was cancelled"}.get(state, "")


def free(worker: dict[str, Any]) -> bool:
    """Whether a worker may take runs."""
    return not worker["draining"] and not worker["quarantined"]


def fits(run: dict[str, Any], worker: dict[str, Any]) -> bool:
    """Whether a worker has all that a run asks for."""
    return not any(missing(run, worker))


def missing(run: dict[str, Any], worker: dict[str, Any]) -> Iterable[str]:
    """What a run asks for and a worker has not, the most telling first."""
    if run["pool"] not in worker["pools"]:
        yield f"pool {run['pool']}"
        return
    for label in run["labels"]:
        if label not in worker["labels"]:
            yield f"label {label}"
    if run["devices"] > worker["slots"]:
        yield f"{run['devices']} devices"
    if None not in (run["memory"], worker["memory"]) and run["memory"] > worker["memory"]:
        yield f"{run['memory']} MB of memory"


def nobody(run: dict[str, Any], workers: list[dict[str, Any]], able: list[dict[str, Any]]) -> str:
    """Why no worker takes the run: what all lack, or that those that could do not work."""
    if able:
        how = "in quarantine" if all(w["quarantined"] for w in able) else "draining"
        return f"every worker for it is {how}: {', '.join(w['name'] for w in able)}"
    lacks = [list(missing(run, worker)) for worker in workers]
    near = min(lacks, key=lambda lack: (lack[0].startswith("pool"), len(lack)), default=None)
    return f"no worker for {near[0] if near else 'pool ' + run['pool']}"
