"""What a worker does to a run's state: each is one conditional statement. See also recording.py.

A claim carries the run's lease epoch, which only grows: a worker that lost its lease cannot write
any more, however late it wakes up. Only the database's clock decides when a lease is over.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction

from snnlab.experiments.sql import rows


REASONS = ("user_error", "non_finite_loss", "oom", "data", "config", "disk_full", "timeout")

# Who may write: the owner of this epoch, while its lease lasts.
MINE = """id = %(run)s and lease_epoch = %(epoch)s and lease_owner = %(worker)s
  and state in ('running', 'cancelling') and lease_expires_at > clock_timestamp()"""


class LeaseLost(Exception):
    """Another attempt may own the run now: stop, and write nothing more."""

    def __init__(self, claim: "Claim") -> None:
        super().__init__(f"run {claim.run_id}: lease epoch {claim.lease_epoch} is over")


@dataclass(frozen=True)
class Stored:
    """A checkpoint that is in the store."""

    step: int
    sha256: str
    final: bool


@dataclass(frozen=True)
class Claim:
    """The right to train one run, and what that needs. The newest checkpoint stands first."""

    run_id: int
    lease_epoch: int
    worker: str
    definition: dict[str, Any]
    seed: int
    attempts: int
    checkpoints: tuple[Stored, ...] = field(default=())

    @property
    def key(self) -> dict[str, Any]:
        return {"run": self.run_id, "epoch": self.lease_epoch, "worker": self.worker}


def claim(worker: str, pools: Sequence[str]) -> Claim | None:
    """Take the next run that waits in these pools, or nothing."""
    found = rows(
        """
        with next as (
          select id from experiments_run
          where state = 'queued' and pool = any(%(pools)s) and not_before <= clock_timestamp()
          order by priority desc, id limit 1 for update skip locked
        ), taken as (
          update experiments_run run set state = 'running', changed_by = %(worker)s,
            lease_epoch = lease_epoch + 1, attempts = attempts + 1, reason = '', message = '',
            lease_owner = %(worker)s, started_at = coalesce(started_at, clock_timestamp()),
            lease_expires_at = clock_timestamp() + make_interval(secs => %(lease)s)
          from next where run.id = next.id
          returning run.id, run.lease_epoch, definition, seed, attempts
        ), tried as (
          insert into experiments_attempt
            (run_id, lease_epoch, worker, started_at, outcome, environment)
          select id, lease_epoch, %(worker)s, clock_timestamp(), '', '{}' from taken
        )
        select id as run_id, lease_epoch, definition::text, seed, attempts, (
          select coalesce(json_agg(json_build_array(step, artifact_id, final) order by step desc),
            '[]')::text from experiments_checkpoint where run_id = taken.id) as checkpoints
        from taken""",
        worker=worker,
        pools=list(pools),
        lease=settings.SNNLAB_LEASE,
    )
    if not found:
        return None
    row = found[0] | {name: json.loads(found[0][name]) for name in ("definition", "checkpoints")}
    row["checkpoints"] = tuple(Stored(*stored) for stored in row["checkpoints"])
    return Claim(worker=worker, **row)


def renew(claim: Claim, progress: dict[str, Any]) -> str:
    """Keep the lease and show the progress; gives "running" or "cancelling".

    Raises LeaseLost. Gives up after 3 s, for the caller has a deadline of its own.
    """
    with transaction.atomic():
        rows("set local statement_timeout = '3s'")
        kept = rows(
            f"""
            update experiments_run set progress = %(progress)s,
              lease_expires_at = clock_timestamp() + make_interval(secs => %(lease)s)
            where {MINE} returning state""",
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
    """Stop: a run that was asked to is cancelled, any other waits again as if never claimed."""
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


def seen(worker: str, pools: Sequence[str], slots: int) -> None:
    """Note that a worker is there and looks for work."""
    rows(
        """
        insert into experiments_worker (name, pools, slots, seen_at)
        values (%(worker)s, %(pools)s, %(slots)s, clock_timestamp())
        on conflict (name) do update
          set pools = excluded.pools, slots = excluded.slots, seen_at = excluded.seen_at""",
        worker=worker,
        pools=list(pools),
        slots=slots,
    )


AGAIN = "case when attempts < max_attempts then 'queued' else 'failed' end"
# The first retry comes at once, then after 10 s, 20 s, ... 360 s: the machine may be at fault.
BACK_OFF = "case when attempts > 1 then least(10 * 2 ^ (attempts - 2), 360) else 0 end"


def _settle(claim: Claim, state: str, *, outcome: str, only: str = "", **kwargs: Any) -> str:
    where = f"{MINE} {only}"
    moved = _move(state, where=where, outcome=outcome, actor=claim.worker, **kwargs, **claim.key)
    if not moved:
        raise LeaseLost(claim)
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

    A cancel that came first wins over every other end. `state`, `where` and `wait` are SQL of ours.
    """
    return rows(
        f"""
        with moved as (
          update experiments_run set
            state = case state when 'cancelling' then 'cancelled' else {state} end,
            reason = case when state = 'cancelling' then ''
              when {state} = 'failed' then %(defeat)s else %(reason)s end,
            message = case state when 'cancelling' then '' else %(message)s end,
            changed_by = %(actor)s, lease_owner = null, lease_expires_at = null,
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
