"""Who goes next: teams and their shares, places in line, what runs need and workers offer."""

from importlib import import_module

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


FILL = """
alter table experiments_run disable trigger user;
update experiments_run run set place = run.id, team_id = experiment.team_id
  from experiments_experiment experiment where experiment.id = run.experiment_id;
set constraints all immediate;
set constraints all deferred;
alter table experiments_run enable trigger user;
"""

# The guard of migration 0002, which also knows what a run waits for. What a run is may not change,
# but a dependency may fail it while it waits, a pause may hold it while it runs, and a new run may
# be another's result.
GUARD = """
create or replace function run_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.state not in ('held', 'queued') and not (new.state = 'succeeded' and exists (
        select from experiments_run same where same.id = new.same_as_id
          and same.state = 'succeeded' and same.digest = new.digest and same.seed = new.seed)) then
      raise check_violation using message = format('a new run cannot be %s', new.state);
    end if;
    new.events_made := 1;
    new.place := coalesce(new.place, new.id);
    new.blockers := 0;
    select team_id into new.team_id from experiments_experiment where id = new.experiment_id;
    return new;
  end if;
  if (new.experiment_id, new.team_id, new.definition, new.digest, new.board, new.seed)
     is distinct from
     (old.experiment_id, old.team_id, old.definition, old.digest, old.board, old.seed) then
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
      ('running', 'held'), ('running', 'cancelling'), ('cancelling', 'cancelled'),
      ('queued', 'cancelled'), ('held', 'cancelled'),
      ('queued', 'failed'), ('held', 'failed'),
      ('failed', 'queued'), ('cancelled', 'queued'))
     or (new.state = 'failed' and old.state <> 'running' and new.reason <> 'dependency') then
    raise check_violation using message =
      format('run %s cannot go from %s to %s', old.id, old.state, new.state);
  end if;
  if new.lease_epoch <> old.lease_epoch + (new.state = 'running')::int then
    raise check_violation using message = 'a claim, and nothing else, adds 1 to the lease epoch';
  end if;
  if new.state = 'running' and new.blockers > 0 then
    raise check_violation using message = format('run %s waits for another', old.id);
  end if;
  if old.state in ('failed', 'cancelled') then
    select count(*) into new.blockers from experiments_dependency dependency
      join experiments_run needed on needed.id = dependency.needs_id
      where dependency.run_id = new.id and needed.state <> 'succeeded';
  end if;
  new.events_made := old.events_made + 1;
  return new;
end $$;

-- A run that needs another one waits for it, unless that one has succeeded already. The lock makes
-- whoever ends the other run at this instant see this row, or be seen.
create function run_depends() returns trigger language plpgsql as $$
begin
  perform from experiments_run where id = new.needs_id for share;
  update experiments_run set blockers = blockers + 1
    where id = new.run_id and exists (
      select from experiments_run where id = new.needs_id and state <> 'succeeded');
  return null;
end $$;

create function run_ended() returns trigger language plpgsql as $$
begin
  if old.state in ('running', 'cancelling') then
    perform from experiments_share where team_id = new.team_id for update;
    delete from experiments_quotaslot where run_id = new.id and (
      select count(*) from experiments_quotaslot where team_id = new.team_id)
      > (select coalesce(quota, 0) from experiments_share where team_id = new.team_id);
    update experiments_quotaslot set run_id = null where run_id = new.id;
  end if;
  if new.state = 'succeeded' then
    update experiments_run set blockers = blockers - 1
      where state in ('held', 'queued') and id in (
        select run_id from experiments_dependency where needs_id = new.id);
  elsif new.state in ('failed', 'cancelled') then
    update experiments_run set state = 'failed', reason = 'dependency', changed_by = new.changed_by,
        finished_at = clock_timestamp(), message = format(
          'run %s, which this one needs, %s. Retry that run, then this one', new.id,
          case new.state when 'failed' then 'failed' else 'was cancelled' end)
      where state in ('held', 'queued') and id in (
        select run_id from experiments_dependency where needs_id = new.id);
  end if;
  return null;
end $$;

create trigger run_depends after insert on experiments_dependency
  for each row execute function run_depends();
create trigger run_ended after update on experiments_run
  for each row when (old.state is distinct from new.state and (old.state in
    ('running', 'cancelling') or new.state in ('succeeded', 'failed', 'cancelled')))
  execute function run_ended();
"""

UNGUARD = """
drop trigger run_ended on experiments_run;
drop trigger run_depends on experiments_dependency;
drop function run_ended();
drop function run_depends();
"""
BEFORE = import_module("snnlab.experiments.migrations.0002_guard").GUARD.partition("create function run_history")[0]


class Migration(migrations.Migration):

    dependencies = [
        ('experiments', '0002_guard'),
        ('teams', '0002_sign_in_attempts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Dependency',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
        ),
        migrations.CreateModel(
            name='QuotaSlot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
        ),
        migrations.CreateModel(
            name='Share',
            fields=[
                ('team', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='share', serialize=False, to='teams.team')),
                ('weight', models.PositiveSmallIntegerField(default=1)),
                ('quota', models.PositiveSmallIntegerField(null=True)),
            ],
        ),
        migrations.RemoveIndex(
            model_name='run',
            name='run_claim',
        ),
        migrations.AddField(
            model_name='run',
            name='blockers',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='code',
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name='run',
            name='devices',
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='run',
            name='labels',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None),
        ),
        migrations.AddField(
            model_name='run',
            name='memory',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='pausing',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='run',
            name='place',
            field=models.FloatField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='same_as',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reused_by', to='experiments.run'),
        ),
        migrations.AddField(
            model_name='run',
            name='team',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='teams.team'),
        ),
        migrations.AddField(
            model_name='run',
            name='wall',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='worker',
            name='code',
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name='worker',
            name='draining',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='worker',
            name='fault',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='faulted', to='experiments.run'),
        ),
        migrations.AddField(
            model_name='worker',
            name='faults',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='worker',
            name='labels',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), default=list, size=None),
        ),
        migrations.AddField(
            model_name='worker',
            name='load',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='worker',
            name='memory',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='worker',
            name='quarantined_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='worker',
            name='started_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name='dependency',
            name='needs',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='dependants', to='experiments.run'),
        ),
        migrations.AddField(
            model_name='dependency',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='dependencies', to='experiments.run'),
        ),
        migrations.AddField(
            model_name='run',
            name='needs',
            field=models.ManyToManyField(related_name='needed_by', through='experiments.Dependency', to='experiments.run'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(models.F('team'), models.F('pool'), models.OrderBy(models.F('priority'), descending=True), models.F('place'), models.F('id'), condition=models.Q(('blockers', 0), ('state', 'queued')), name='run_claim'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('state__in', ['running', 'cancelling'])), fields=['team', 'devices'], name='run_live'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('state', 'succeeded')), fields=['digest', 'seed'], name='run_reuse'),
        ),
        migrations.AddField(
            model_name='quotaslot',
            name='run',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='quota_slots', to='experiments.run'),
        ),
        migrations.AddField(
            model_name='quotaslot',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='quota_slots', to='teams.team'),
        ),
        migrations.AddConstraint(
            model_name='share',
            constraint=models.CheckConstraint(condition=models.Q(('weight__gte', 1)), name='some_weight'),
        ),
        migrations.AddConstraint(
            model_name='dependency',
            constraint=models.UniqueConstraint(fields=('run', 'needs'), name='needed_once'),
        ),
        migrations.AddConstraint(
            model_name='dependency',
            constraint=models.CheckConstraint(condition=models.Q(('needs__lt', models.F('run'))), name='needs_older'),
        ),
        migrations.AddIndex(
            model_name='quotaslot',
            index=models.Index(condition=models.Q(('run', None)), fields=['team'], name='quota_free'),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='run',
            name='place',
            field=models.FloatField(editable=False),
        ),
        migrations.AlterField(
            model_name='run',
            name='team',
            field=models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='teams.team'),
        ),
        migrations.RunSQL(GUARD, UNGUARD + BEFORE.replace("create function", "create or replace function")),
    ]
