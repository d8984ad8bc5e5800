"""Every read of the queue: what waits and why, what runs, who works."""

import json
from typing import Any

from snnlab.experiments.line import Look, Wait
from snnlab.experiments.sql import rows
from snnlab.teams.models import User


__all__ = ["Wait", "aside", "line", "look", "running", "waits", "workers"]

ALIVE = "seen_at > clock_timestamp() - interval '60 s'"
MINE = """team_id in (
  select team_id from teams_membership where user_id = %(user)s)"""
# What is shown and asked of a waiting run.
FACTS = """
  run.id, run.state, run.reason, run.changed_by as by, run.team_id as team, team.name as team_name,
  run.pool, run.labels, run.devices, run.memory, run.priority, run.attempts, run.seed, run.digest,
  run.not_before, run.not_before > clock_timestamp() as later, run.created_at,
  run.experiment_id, experiment.name as experiment, coalesce((
    select json_agg(json_build_array(needed.id, needed.state) order by needed.id)
    from experiments_dependency dependency
      join experiments_run needed on needed.id = dependency.needs_id
    where run.blockers > 0 and dependency.run_id = run.id and needed.state <> 'succeeded'
  ), '[]') as needs"""
# Whether a worker that takes runs has what a run asks for: others are in nobody's way.
TAKEN = f"""exists (
  select from experiments_worker worker
  where {ALIVE} and not worker.draining and worker.quarantined_at is null
    and run.pool = any(worker.pools) and run.labels <@ worker.labels
    and run.devices <= worker.slots
    and coalesce(run.memory <= worker.memory, true))"""
JOINED = """join experiments_experiment experiment on experiment.id = run.experiment_id
  join teams_team team on team.id = run.team_id"""


def look() -> Look:
    """Everything about the lab that decides who starts when, in one query."""
    (found,) = rows(
        f"""
        with live as (
          select team_id, lease_owner, devices from experiments_run
          where state in ('running', 'cancelling')
        ), kind as (
          select team_id, pool, labels, devices, memory, count(*) as n from experiments_run
          where state = 'queued' and blockers = 0 group by team_id, pool, labels, devices, memory
        ), waiting as (
          select team_id, pool, sum(n)::bigint as waiting,
            coalesce(sum(n) filter (where {TAKEN}), 0)::bigint as ready
          from kind run group by team_id, pool
        ), team as (
          select waiting.team_id as team, pool, waiting, ready,
            coalesce(weight, 1) as weight, quota,
            coalesce((select sum(devices) from live where live.team_id = waiting.team_id), 0)
              as used
          from waiting left join experiments_portion share on share.team_id = waiting.team_id
        ), worker as (
          select name, pools, labels, memory, slots, draining,
            quarantined_at is not null as quarantined,
            coalesce((select sum(devices) from live
              where starts_with(lease_owner, 'worker:' || name || ':')), 0) as busy
          from experiments_worker where {ALIVE} order by name
        ), pool as (
          select pool, (select avg(seconds) from (
            select (select extract(epoch from sum(ended_at - started_at))
              from experiments_attempt where run_id = run.id) as seconds
            from experiments_run run
            where run.pool = waiting.pool and state = 'succeeded' and same_as_id is null
            order by finished_at desc limit 20) last) as seconds
          from (select distinct pool from waiting) waiting
        )
        select clock_timestamp() as now,
          (select coalesce(json_agg(one), '[]') from team one) as teams,
          (select coalesce(json_agg(one), '[]') from worker one) as workers,
          (select coalesce(json_object_agg(pool, seconds), '{{}}') from pool
            where seconds is not null) as seconds"""
    )
    return Look(**found)


def waits(user: User, run_id: int) -> Wait | None:
    """Why a run of this user's teams waits, and its place; None if it does not wait."""
    found = rows(
        f"""
        select {FACTS}, ahead.*
        from experiments_run run {JOINED} cross join lateral (
          select coalesce(sum(n), 0)::bigint as rank,
            coalesce(sum(n) filter (where {TAKEN.replace("run.", "other.")}), 0)::bigint as ready
          from (
            select pool, labels, devices, memory, count(*) as n from experiments_run other
            where other.state = 'queued' and other.blockers = 0 and other.team_id = run.team_id
              and other.pool = run.pool and (-other.priority, other.place, other.id)
                <= (-run.priority, run.place, run.id)
            group by pool, labels, devices, memory) other) ahead
        where run.id = %(run)s and run.state in ('held', 'queued') and run.{MINE}""",
        run=run_id,
        user=user.pk,
    )
    return look().wait(found[0]) if found else None


def line(
    user: User, skip: int = 0, limit: int = 50, now: Look | None = None
) -> list[dict[str, Any]]:
    """The runs of the user's teams that are in line, in the order in which they will start.

    Each has its `wait`. Each team's line of each pool is read along its index, its end not at all.
    """
    now = now or look()
    ranked = rows(
        f"""
        select run.id, rank, ready, team, pool
        from unnest(%(teams)s::bigint[], %(pools)s::text[]) as line (team, pool)
        join teams_membership member on member.team_id = team and member.user_id = %(user)s
        cross join lateral (
          select id, row_number() over line as rank,
            count(*) filter (where {TAKEN}) over (line rows unbounded preceding) as ready
          from experiments_run run
          where state = 'queued' and blockers = 0 and team_id = line.team
            and run.pool = line.pool
          window line as (order by priority desc, place, id)
          order by priority desc, place, id limit %(most)s
        ) run""",
        user=user.pk,
        teams=[team["team"] for team in now.teams],
        pools=[team["pool"] for team in now.teams],
        most=skip + limit,
    )
    shown = sorted(ranked, key=now.order)[skip : skip + limit]
    facts = _facts(user, [run["id"] for run in shown])
    found = {run["id"]: run for run in facts if run["state"] == "queued"}
    placed = [found[run["id"]] | run for run in shown if run["id"] in found]
    return [run | {"wait": now.wait(run)} for run in placed]


def aside(user: User, limit: int = 50, now: Look | None = None) -> list[dict[str, Any]]:
    """The newest runs of the user's teams that are held, or wait for other runs."""
    found = rows(
        f"""
        select id from experiments_run run
        where (run.state = 'held' or (run.state = 'queued' and run.blockers > 0)) and run.{MINE}
        order by run.id desc limit %(limit)s""",
        user=user.pk,
        limit=limit,
    )
    now = now or look()
    facts = _facts(user, [run["id"] for run in found])
    return [run | {"wait": now.wait(run | {"rank": 1, "ready": 1})} for run in facts]


def _facts(user: User, ids: list[int]) -> list[dict[str, Any]]:
    """What is shown of these runs, the newest first."""
    return rows(
        f"""
        select {FACTS} from experiments_run run {JOINED}
        where run.id = any(%(ids)s) and run.{MINE} order by run.id desc""",
        user=user.pk,
        ids=ids,
    )


def running(user: User, limit: int = 100) -> list[dict[str, Any]]:
    """What is trained now for the user's teams, the longest first."""
    found = rows(
        f"""
        select {FACTS}, run.progress, run.pausing, run.lease_owner as worker, attempt.started_at
        from experiments_run run {JOINED}
        join experiments_attempt attempt
          on attempt.run_id = run.id and attempt.lease_epoch = run.lease_epoch
        where run.state in ('running', 'cancelling') and run.{MINE}
        order by attempt.started_at limit %(limit)s""",
        user=user.pk,
        limit=limit,
    )
    return [_parsed(run, "progress") for run in found]


def workers(user: User) -> list[dict[str, Any]]:
    """Workers seen in the last day, the living first, each with what it trains.

    Of a run of another team only the number is told.
    """
    found = rows(
        f"""
        select name, pools, slots, labels, memory, code, load, started_at, seen_at,
          {ALIVE} as alive, draining, quarantined_at, faults, fault_id, coalesce((
            select json_agg(json_build_object('id', run.id, 'state', run.state,
              'progress', run.progress, 'mine', run.{MINE}) order by run.id)
            from experiments_run run where state in ('running', 'cancelling')
              and starts_with(lease_owner, 'worker:' || name || ':')), '[]') as runs
        from experiments_worker where seen_at > clock_timestamp() - interval '1 day'
        order by alive desc, name""",
        user=user.pk,
    )
    return [_parsed(worker, "load") for worker in found]


def _parsed(row: dict[str, Any], name: str) -> dict[str, Any]:
    """A row whose column of jsonb, which Django leaves as text, is data."""
    return row | {name: json.loads(row[name])}
