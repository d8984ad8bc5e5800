"""How a worker gets its next run: one statement, in which teams share and quotas hold."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings

from snnlab.experiments.sql import rows


@dataclass(frozen=True)
class Stored:
    """A checkpoint that is in the store."""

    step: int
    sha256: str
    final: bool


@dataclass(frozen=True)
class Claim:
    """The right to train one run, and what that needs. The newest checkpoint stands first.

    `memory` [MB] and `wall` [s] are what the run may use; `given` are the sha256 of the final
    checkpoints of the runs that it needs.
    """

    run_id: int
    lease_epoch: int
    worker: str
    definition: dict[str, Any]
    seed: int
    attempts: int
    checkpoints: tuple[Stored, ...] = field(default=())
    devices: int = 1
    memory: int | None = None
    wall: int | None = None
    given: tuple[str, ...] = field(default=())

    @property
    def host(self) -> str:
        """The worker process whose slot owns the claim."""
        return self.worker.removeprefix("worker:").rpartition(":")[0]

    @property
    def key(self) -> dict[str, Any]:
        return {"run": self.run_id, "epoch": self.lease_epoch, "worker": self.worker}


@dataclass(frozen=True)
class Offer:
    """What a worker has for one run. Without a name, nobody can drain or quarantine it."""

    name: str = ""
    labels: Sequence[str] = ()
    memory: int | None = None  # MB; None for "enough"
    devices: int = 1
    code: str = ""


# Teams that use least of the workers for their weight go first, each with the first of its line.
# One of the quota's slots for each device is taken with the run, or the next team has its turn; a
# result that is imported needs none. Whether a team's line is empty is asked of its first run, in
# the order of the index: an `exists` reads every run that waits, if the statistics are old.
CLAIM = """
with line as materialized (
  select team.id as team, pool.name as pool, pool.place,
    case when pool.name <> 'import' then share.quota end as quota,
    coalesce(share.weight, 1) as weight
  from unnest(%(pools)s::text[]) with ordinality as pool (name, place)
  cross join teams_team team left join experiments_portion share on share.team_id = team.id
  cross join lateral (select from experiments_run where state = 'queued' and blockers = 0
    and team_id = team.id and pool = pool.name order by priority desc, place, id limit 1) first
  where not exists (select from experiments_worker where name = %(name)s
    and (draining or quarantined_at is not null))
    and (share.quota is null or pool.name = 'import' or exists (
      select from experiments_quotaslot slot where slot.team_id = team.id and run_id is null))
), waiting as (
  select line.team, line.pool, line.quota from line left join (
    select team_id, sum(devices) as devices from experiments_run
    where state in ('running', 'cancelling') and (select count(distinct team) > 1 from line)
    group by team_id
  ) used on used.team_id = line.team
  order by coalesce(used.devices, 0) / line.weight::float, line.team, line.place
  offset 0
), next as (
  select run.id, free.slots from waiting cross join lateral (
    select id, devices from experiments_run
    where state = 'queued' and blockers = 0 and team_id = waiting.team and pool = waiting.pool
      and not_before <= clock_timestamp() and labels <@ %(labels)s::varchar[]
      and devices <= least(%(devices)s, waiting.quota)
      and (memory <= %(memory)s or memory is null or %(memory)s::int is null)
    order by priority desc, place, id limit 1 for update skip locked
  ) run cross join lateral (
    select coalesce(array_agg(id), '{}') as slots from (
      select id from experiments_quotaslot
      where team_id = waiting.team and waiting.quota is not null and run_id is null
      limit run.devices for update skip locked) slot
  ) free
  where waiting.quota is null or cardinality(free.slots) = run.devices
  limit 1
), taken as (
  update experiments_run run set state = 'running', changed_by = %(worker)s,
    lease_epoch = lease_epoch + 1, attempts = attempts + 1, reason = '', message = '',
    code = case when code in ('', %(code)s) then %(code)s else 'several' end,
    lease_owner = %(worker)s, started_at = coalesce(started_at, clock_timestamp()),
    lease_expires_at = clock_timestamp() + make_interval(secs => %(lease)s)
  where run.id = (select id from next)
  returning run.id, run.lease_epoch, definition, seed, attempts, devices, memory, wall
), tried as (
  insert into experiments_attempt
    (run_id, lease_epoch, worker, started_at, outcome, environment)
  select id, lease_epoch, %(worker)s, clock_timestamp(), '', '{}' from taken
), counted as (
  update experiments_quotaslot slot set run_id = (select id from next)
  where slot.id = any((select slots from next)::bigint[])
)
select id as run_id, lease_epoch, definition::text, seed, attempts, devices, memory, wall, (
  select coalesce(json_agg(json_build_array(step, artifact_id, final) order by step desc),
    '[]')::text from experiments_checkpoint where run_id = taken.id) as checkpoints, (
  select coalesce(json_agg(artifact_id order by needs_id), '[]')::text
    from experiments_dependency needed join experiments_checkpoint on final
      and experiments_checkpoint.run_id = needs_id
    where needed.run_id = taken.id) as given
from taken"""


def claim(worker: str, pools: Sequence[str], offer: Offer | None = None) -> Claim | None:
    """Take the next run that waits in these pools and wants no more than is offered, or nothing."""
    offered = asdict(offer or Offer())
    offered["labels"] = list(offered["labels"])
    found = rows(CLAIM, worker=worker, pools=list(pools), lease=settings.SNNLAB_LEASE, **offered)
    if not found:
        return None
    texts = ("definition", "checkpoints", "given")
    row = found[0] | {name: json.loads(found[0][name]) for name in texts}
    row["checkpoints"] = tuple(Stored(*stored) for stored in row["checkpoints"])
    return Claim(worker=worker, **row | {"given": tuple(row["given"])})
