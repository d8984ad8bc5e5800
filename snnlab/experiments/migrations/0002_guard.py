"""What must hold whoever writes: the state machine, its history, and finite numbers."""

from django.db import migrations


GUARD = """
create function run_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.state not in ('held', 'queued') then
      raise check_violation using message = format('a new run cannot be %s', new.state);
    end if;
    new.events_made := 1;
    return new;
  end if;
  if (new.experiment_id, new.definition, new.digest, new.board, new.seed)
     is distinct from (old.experiment_id, old.definition, old.digest, old.board, old.seed) then
    raise check_violation using message = format('what run %s is cannot be changed', old.id);
  end if;
  if new.state = old.state then
    if old.state in ('succeeded', 'failed', 'cancelled') then
      raise check_violation using message = format('run %s is %s and frozen', old.id, old.state);
    end if;
    if new.lease_epoch <> old.lease_epoch then
      raise check_violation using message = 'only a claim changes the lease epoch';
    end if;
    return new;
  end if;
  if (old.state, new.state) not in (
      ('held', 'queued'), ('queued', 'held'), ('queued', 'running'),
      ('running', 'succeeded'), ('running', 'failed'), ('running', 'queued'),
      ('running', 'cancelling'), ('cancelling', 'cancelled'),
      ('queued', 'cancelled'), ('held', 'cancelled'),
      ('failed', 'queued'), ('cancelled', 'queued')) then
    raise check_violation using message =
      format('run %s cannot go from %s to %s', old.id, old.state, new.state);
  end if;
  if new.lease_epoch <> old.lease_epoch + (new.state = 'running')::int then
    raise check_violation using message = 'a claim, and nothing else, adds 1 to the lease epoch';
  end if;
  new.events_made := old.events_made + 1;
  return new;
end $$;

create function run_history() returns trigger language plpgsql as $$
begin
  insert into experiments_event
    (run_id, seq, at, actor, from_state, to_state, lease_epoch, reason, message)
  values (new.id, new.events_made, clock_timestamp(), new.changed_by,
    case when tg_op = 'UPDATE' then old.state else '' end, new.state,
    new.lease_epoch, new.reason, new.message);
  return null;
end $$;

create function event_append_only() returns trigger language plpgsql as $$
begin
  raise check_violation using message = 'events are only ever added';
end $$;

create trigger run_guard before insert or update on experiments_run
  for each row execute function run_guard();
create trigger run_born after insert on experiments_run
  for each row execute function run_history();
create trigger run_moved after update on experiments_run
  for each row when (old.state is distinct from new.state) execute function run_history();
create trigger event_append_only before update or delete on experiments_event
  for each row execute function event_append_only();

alter table experiments_measurement add constraint finite_value
  check (value is null or abs(value) <= 1.7976931348623157e308);
"""

UNGUARD = """
alter table experiments_measurement drop constraint finite_value;
drop trigger event_append_only on experiments_event;
drop trigger run_moved on experiments_run;
drop trigger run_born on experiments_run;
drop trigger run_guard on experiments_run;
drop function event_append_only();
drop function run_history();
drop function run_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("experiments", "0001_initial")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
