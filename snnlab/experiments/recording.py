"""What a worker writes about a run: one fenced transaction each. See also queue.py."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from snnlab.experiments import artifacts, chips
from snnlab.experiments.models import Measurement
from snnlab.experiments.queue import MINE, Claim, LeaseLost
from snnlab.experiments.sql import rows
from snnlab.experiments.store import store


KEPT = 2


@dataclass(frozen=True)
class Fresh:
    """A checkpoint that a trainer just wrote; `record` has its file in the store.

    `data` is the digest of the images that it was trained on, and `caveat` what is known of them.
    """

    step: int
    path: str
    sha256: str
    size: int
    weights: str
    final: bool
    data: str = ""
    caveat: str = ""


@transaction.atomic
def begin(claim: Claim, environment: dict[str, Any], resumed_from: int, *, restarted: bool) -> None:
    """Note where an attempt starts and on what; raises LeaseLost.

    An event tells if the environment differs from the last attempt's (then bits may differ), and if
    checkpoints existed but none could be read.
    """
    _hold(claim)
    before = rows(
        """
        select (environment - 'data')::text as environment from experiments_attempt
        where run_id = %(run)s and lease_epoch < %(epoch)s and environment <> '{}'
        order by lease_epoch desc limit 1""",
        **claim.key,
    )
    rows(
        """
        update experiments_attempt set environment = %(environment)s, resumed_from = %(step)s
        where run_id = %(run)s and lease_epoch = %(epoch)s""",
        **claim.key,
        environment=json.dumps(environment),
        step=resumed_from,
    )
    if restarted:
        _note(claim, "restarted", "no checkpoint could be read: training starts again")
    if resumed_from and before and json.loads(before[0]["environment"]) != environment:
        _note(claim, "environment", f"{before[0]['environment']} became {json.dumps(environment)}")


@transaction.atomic
def record(
    claim: Claim,
    points: Iterable[tuple[str, int, float]] = (),
    checkpoint: Fresh | None = None,
    log: str = "",
    seq: int = 0,
) -> None:
    """Write measurements, a checkpoint and log lines, all or nothing; raises LeaseLost.

    May be repeated after a broken connection: the second time changes nothing. `seq` numbers the
    log texts of this attempt.
    """
    _hold(claim)
    _measure(claim, points)
    if log:
        rows(
            """
            insert into experiments_logchunk (run_id, lease_epoch, seq, text, at)
            values (%(run)s, %(epoch)s, %(seq)s, %(text)s, clock_timestamp())
            on conflict do nothing""",
            **claim.key,
            seq=seq,
            text=log.replace("\x00", "\N{REPLACEMENT CHARACTER}"),
        )
    if checkpoint:
        file = _keep(claim, checkpoint)
        _tell_data(claim, checkpoint)
        chips.store(claim.run_id, chips.read(claim.definition, file))


@transaction.atomic
def note_usage(claim: Claim, seq: int, used: dict[str, float | None]) -> None:
    """Write what the trainer used when it was looked at for the `seq`th time; raises LeaseLost."""
    _hold(claim)
    rows(
        """
        insert into experiments_usage (run_id, lease_epoch, seq, at, cpu, memory, gpu, gpu_memory)
        values (%(run)s, %(epoch)s, %(seq)s, clock_timestamp(), %(cpu)s, %(memory)s, %(gpu)s,
          %(gpu_memory)s)
        on conflict do nothing""",
        **claim.key,
        seq=seq,
        **used,
    )


def _hold(claim: Claim) -> None:
    """Lock the run for this transaction, if it is still ours."""
    if not rows(f"select id from experiments_run where {MINE} for no key update", **claim.key):
        raise LeaseLost(claim)


def _note(claim: Claim, reason: str, message: str) -> None:
    """Add an event that changes no state."""
    rows(
        """
        with run as (
          update experiments_run set events_made = events_made + 1
          where id = %(run)s returning id, events_made, state
        )
        insert into experiments_event
          (run_id, seq, at, actor, from_state, to_state, lease_epoch, reason, message)
        select id, events_made, clock_timestamp(), %(worker)s, state, state, %(epoch)s,
          %(reason)s, %(message)s from run""",
        **claim.key,
        reason=reason,
        message=message,
    )


def _measure(claim: Claim, points: Iterable[tuple[str, int, float]]) -> None:
    """Write points once each: of one attempt the first wins, of two attempts the newer."""
    once = {(metric, step): float(value) for metric, step, value in reversed(list(points))}
    if not once:
        return
    keys = sorted(once)  # always in one order, or two writers could wait for each other
    flags = [_flag(once[key]) for key in keys]
    names = sorted({metric for metric, _ in keys})
    number = {metric: place for place, metric in enumerate(names, 1)}
    rows(
        """
        insert into experiments_measurement (run_id, metric, step, value, flag, lease_epoch, at)
        select %(run)s, (%(names)s::text[])[number], step, value, flag, %(epoch)s, clock_timestamp()
        from unnest(%(numbers)s::int[], %(steps)s::bigint[], %(values)s::float8[],
          %(flags)s::smallint[]) as point (number, step, value, flag)
        on conflict (run_id, metric, step) do update
          set value = excluded.value, flag = excluded.flag, lease_epoch = excluded.lease_epoch,
            at = excluded.at
          where experiments_measurement.lease_epoch < excluded.lease_epoch""",
        **claim.key,
        names=names,
        numbers=_array(number[metric] for metric, _ in keys),
        steps=_array(step for _, step in keys),
        values=_array("null" if flag else once[key] for key, flag in zip(keys, flags, strict=True)),
        flags=_array(map(int, flags)),
    )


def _array(numbers: Iterable[object]) -> str:
    """Numbers as PostgreSQL writes an array: one text, for looking at each is what takes time."""
    return f"{{{','.join(map(str, numbers))}}}"


def _flag(value: float) -> int:
    if math.isnan(value):
        return Measurement.Flag.NAN
    if math.isinf(value):
        return Measurement.Flag.INFINITE if value > 0 else Measurement.Flag.MINUS_INFINITE
    return Measurement.Flag.NUMBER


def _keep(claim: Claim, fresh: Fresh) -> Path:
    """Store a checkpoint, and let go of all but the last few; gives where its file can be read.

    The artifact's row is locked while its file is placed or removed, so that two runs with the same
    file never get in each other's way.
    """
    rows(
        """
        insert into experiments_artifact (sha256, size, created_at)
        values (%(sha256)s, %(size)s, clock_timestamp())
        on conflict (sha256) do update set size = excluded.size""",
        sha256=fresh.sha256,
        size=fresh.size,
    )
    file = store().place(Path(fresh.path), fresh.sha256)
    rows(
        """
        insert into experiments_checkpoint
          (run_id, step, lease_epoch, artifact_id, weights, final, at)
        values (%(run)s, %(step)s, %(epoch)s, %(sha256)s, %(weights)s, %(final)s, clock_timestamp())
        on conflict (run_id, step) do update
          set lease_epoch = excluded.lease_epoch, artifact_id = excluded.artifact_id,
            weights = excluded.weights, final = excluded.final, at = excluded.at
          where experiments_checkpoint.lease_epoch < excluded.lease_epoch""",
        **claim.key,
        step=fresh.step,
        sha256=fresh.sha256,
        weights=fresh.weights,
        final=fresh.final,
    )
    old = rows(
        """
        delete from experiments_checkpoint where run_id = %(run)s and not final and step not in (
          select step from experiments_checkpoint where run_id = %(run)s
          order by step desc limit %(kept)s)
        returning artifact_id""",
        **claim.key,
        kept=KEPT,
    )
    _drop([row["artifact_id"] for row in old])
    return file


def _tell_data(claim: Claim, fresh: Fresh) -> None:
    """Note what the images were: the definition names a data set, but copies of it may differ."""
    if not fresh.data:
        return
    rows(
        """
        update experiments_attempt
        set environment = environment || jsonb_build_object('data', %(data)s::text)
        where run_id = %(run)s and lease_epoch = %(epoch)s""",
        **claim.key,
        data=fresh.data,
    )
    rows(
        """
        update experiments_run set caveat = %(caveat)s
        where id = %(run)s and caveat <> %(caveat)s""",
        **claim.key,
        caveat=fresh.caveat[:300],
    )


def _drop(digests: list[str]) -> None:
    """Delete those of these files that nothing needs; one that another run just takes is left."""
    if not digests:
        return
    locked = rows(
        """
        select sha256 from experiments_artifact where sha256 = any(%(digests)s)
        order by sha256 for update skip locked""",
        digests=digests,
    )
    dropped = rows(
        """
        delete from experiments_artifact where sha256 = any(%(digests)s) and not exists (
          select from experiments_checkpoint where artifact_id = sha256)
        returning sha256""",
        digests=[row["sha256"] for row in locked],
    )
    for row in dropped:
        store().drop(row["sha256"])


@transaction.atomic
def discard(sha256: str) -> None:
    """Remove a stored file that no row names.

    Whoever is about to name it has inserted its row: then this waits, and leaves the file alone.
    """
    ours = rows(
        """
        insert into experiments_artifact (sha256, size, created_at)
        values (%(sha256)s, 0, clock_timestamp()) on conflict do nothing returning sha256""",
        sha256=sha256,
    )
    if ours:
        artifacts.path_of(sha256).unlink(missing_ok=True)
        rows("delete from experiments_artifact where sha256 = %(sha256)s", sha256=sha256)
