from django.db import migrations

# the folding function is long, and one expression of it is meant
FOLD = """
do $$
declare
  before text := pg_get_functiondef('board_fold(bigint, text)'::regprocedure);
  after text := replace(before, 'avg((results ->> ''latency'')::float8)',
    'avg(coalesce(results ->> ''latency'', results ->> ''chip_latency'')::float8)');
begin
  if before = after then
    raise exception 'board_fold does not read the latency as expected';
  end if;
  execute after;
end $$;
"""
KNOWN = """
update experiments_entry entry set latency = found.latency from (
  select entry.id, avg((run.results ->> 'chip_latency')::float8) as latency
  from experiments_entry entry join experiments_run run on run.id = any(entry.runs)
  where entry.latency is null and run.results ? 'chip_latency' group by entry.id) found
where entry.id = found.id
"""


class Migration(migrations.Migration):
    """A run on an emulated chip has a latency on the boards: that of its chip."""

    dependencies = [
        ("experiments", "0015_worker_keys"),
    ]

    operations = [
        migrations.RunSQL(FOLD, migrations.RunSQL.noop),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
    ]
