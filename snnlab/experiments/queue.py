"""What a worker does to a run's state: each is one conditional statement. See also recording.py.

A claim carries the run's lease epoch, which only grows: a worker that lost its lease cannot write
any more, however late it wakes up. Only the database's clock decides when a lease is over.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction

from snnlab.experiments.claiming import Claim, Offer, Stored, claim
from snnlab.experiments.sql import rows


__all__ = [
    "REASONS",
    "Claim",
    "LeaseLost",
    "Offer",
    "Stored",
    "abandon",
    "claim",
    "crash",
    "fail",
    "finish",
    "judge",
    "reap",
    "release",
    "renew",
    "seen",
]

REASONS = ("user_error", "non_finite_loss", "oom", "data", "config", "disk_full", "timeout")

# Ends for which the machine may be to blame: they count against its worker.
FAULTS = ("crashed", "data", "disk_full")

# Who may write: the owner of this epoch, while its lease lasts.
MINE = """id = %(run)s and lease_epoch = %(epoch)s and lease_owner = %(worker)s
  and state in ('running', 'cancelling') and lease_expires_at > clock_timestamp()"""


class LeaseLost(Exception):
    """Another attempt may own the run now: stop, and write nothing more."""

    def __init__(self, claim: "Claim") -> None:
        super().__init__(f"run {claim.run_id}: lease epoch {claim.lease_epoch} is over")


def renew(claim: Claim, progress: dict[str, Any]) -> str:
    """Keep the lease and show the progress; gives "running", "pausing" or "cancelling".

    Raises LeaseLost. Gives up after 3 s, for the caller has a deadline of its own.
    """
    with transaction.atomic():
        rows("set local statement_timeout = '3s'")
        kept = rows(
            f"""
            update experiments_run set progress = %(progress)s,
              lease_expires_at = clock_timestamp() + make_interval(secs => %(lease)s)
            where {MINE}
            returning case when state = 'running' and pausing
              then 'pausing' else state end as state""",
            **claim.key,
            progress=json.dumps(progress, allow_nan=False),
            lease=settings.SNNLAB_LEASE,
        )
    if not kept:
        raise LeaseLost(claim)
    return kept[0]["state"]


def finish(claim: Claim, *, imported: bool = False) -> str:
    """End with success, unless a cancel came first; gives the new state.

    Raises LeaseLost, also for a run whose final checkpoint was never recorded, unless it was
    trained elsewhere and only its numbers are imported.
    """
    complete = """and (state = 'cancelling' or exists (
      select from experiments_checkpoint where run_id = %(run)s and final))"""
    only = "" if imported else complete
    return _settle(claim, "'succeeded'", outcome="succeeded", only=only)


def fail(claim: Claim, reason: str, message: str) -> str:
    """End with a failure that another attempt would repeat, unless a cancel came first."""
    if reason not in REASONS:
        raise ValueError(f"reason must be one of {', '.join(REASONS)}, got {reason}")
    return _settle(claim, "'failed'", outcome=reason, defeat=reason, message=message)


def crash(claim: Claim, message: str, *, killed: bool = False) -> str:
    """The trainer died: queue the run again, or fail it when its attempts are used up.

    Killed from outside every time, it most likely wanted more memory than there is.
    """
    return _settle(
        claim,
        AGAIN,
        outcome="crashed",
        reason="crashed",
        defeat="oom" if killed else "poison",
        message=message,
        wait=BACK_OFF,
    )


def release(claim: Claim) -> str:
    """Stop: a run is cancelled or held if that was asked; any other waits as if never claimed."""
    return _settle(claim, "'queued'", outcome="preempted", reason="preempted", given_back=1)


def reap() -> list[tuple[int, str]]:
    """Take runs from workers that went silent: queue them again, or end them; gives the new states.

    Any number of reapers may run at once.
    """
    moved = _move(
        AGAIN,
        where="""id in (select id from experiments_run
          where state in ('running', 'cancelling') and lease_expires_at < clock_timestamp()
          order by id for update skip locked)""",
        wait=BACK_OFF,
        actor="reaper",
        outcome="lease_lost",
        reason="lease_lost",
        defeat="poison",
        message="the worker went silent",
    )
    return [(row["id"], row["state"]) for row in moved]


def abandon() -> None:
    """Let every lease end now: whoever held one is known to be gone.

    Should a worker be left after all, it is fenced like any other that lost its lease.
    """
    rows(
        """
        update experiments_run set lease_expires_at = clock_timestamp()
        where state in ('running', 'cancelling') and lease_expires_at > clock_timestamp()"""
    )


def seen(worker: Offer, pools: Sequence[str], slots: int, load: dict[str, Any]) -> bool:
    """Note that a worker is there, what it offers and how busy it is; gives whether it drains."""
    found = rows(
        """
        insert into experiments_worker (name, pools, slots, labels, memory, code, load, draining,
          faults, started_at, seen_at)
        values (%(name)s, %(pools)s, %(slots)s, %(labels)s, %(memory)s, %(code)s, %(load)s, false,
          0, clock_timestamp(), clock_timestamp())
        on conflict (name) do update
          set pools = excluded.pools, slots = excluded.slots, labels = excluded.labels,
            memory = excluded.memory, code = excluded.code, load = excluded.load,
            seen_at = excluded.seen_at
        returning draining""",
        name=worker.name,
        pools=list(pools),
        slots=slots,
        labels=list(worker.labels),
        memory=worker.memory,
        code=worker.code,
        load=json.dumps(load),
    )
    return bool(found[0]["draining"])


def left(worker: str) -> None:
    """Forget a worker that stopped in the orderly way; one that fell silent stays to be seen."""
    rows("delete from experiments_worker where name = %(name)s returning name", name=worker)


def judge(claim: Claim, outcome: str) -> None:
    """Count the runs in a row that a worker failed by no fault of theirs; too many, and it rests.

    Attempts at one run count once: it may be the run.
    """
    rows(
        """
        update experiments_worker set
          faults = now.faults, fault_id = case when now.faults > 0 then %(run)s::bigint end,
          quarantined_at = case when now.faults >= %(most)s
            then coalesce(quarantined_at, clock_timestamp()) else quarantined_at end
        from (select name, case when not %(fault)s then 0 when fault_id = %(run)s then faults
          else faults + 1 end as faults from experiments_worker) now
        where experiments_worker.name = %(host)s and now.name = %(host)s""",
        **claim.key,
        host=claim.host,
        fault=outcome in FAULTS,
        most=settings.SNNLAB_QUARANTINE,
    )


AGAIN = "case when attempts < max_attempts then 'queued' else 'failed' end"
# The first retry comes at once, then after 10 s, 20 s, ... 360 s: the machine may be at fault.
BACK_OFF = "case when attempts > 1 then least(10 * 2 ^ (attempts - 2), 360) else 0 end"


def _settle(claim: Claim, state: str, *, outcome: str, only: str = "", **kwargs: Any) -> str:
    where = f"{MINE} {only}"
    moved = _move(state, where=where, outcome=outcome, actor=claim.worker, **kwargs, **claim.key)
    if not moved:
        raise LeaseLost(claim)
    judge(claim, outcome)
    return moved[0]["state"]


def _move(
    state: str,
    *,
    where: str,
    wait: str = "0",
    reason: str = "",
    defeat: str = "",
    message: str = "",
    given_back: int = 0,
    **params: Any,
) -> list[dict[str, Any]]:
    """End attempts in one statement, so that of two that race exactly one finds its row.

    A cancel that came first wins over every other end, a pause over waiting again: the run is held
    by whoever asked for that. `state`, `where` and `wait` are SQL of ours.
    """
    return rows(
        f"""
        with moved as (
          update experiments_run set
            state = case when state = 'cancelling' then 'cancelled'
              when pausing and {state} = 'queued' then 'held' else {state} end,
            reason = case when state = 'cancelling' then reason
              when {state} = 'failed' then %(defeat)s
              when pausing and {state} = 'queued' then 'paused' else %(reason)s end,
            pausing = false,
            message = case state when 'cancelling' then message else %(message)s end,
            changed_by = case when state = 'running' and pausing and {state} = 'queued'
              then changed_by else %(actor)s end,
            lease_owner = null, lease_expires_at = null,
            attempts = attempts - %(given_back)s,
            not_before = clock_timestamp() + make_interval(secs => {wait}),
            finished_at = case when state = 'cancelling' or {state} <> 'queued'
              then clock_timestamp() end,
            results = coalesce((select jsonb_object_agg(metric, value) from (
              select distinct on (metric) metric, value from experiments_measurement
              where run_id = experiments_run.id order by metric, step desc) last), '{{}}')
          where {where}
          returning id, lease_epoch, state
        ), ended as (
          update experiments_attempt set ended_at = clock_timestamp(),
            outcome = case moved.state when 'cancelled' then 'cancelled' else %(outcome)s end
          from moved
          where run_id = moved.id and experiments_attempt.lease_epoch = moved.lease_epoch
        )
        select id, state from moved""",
        reason=reason,
        defeat=defeat,
        message=message.replace("\x00", "\N{REPLACEMENT CHARACTER}"),
        given_back=given_back,
        **params,
    )
