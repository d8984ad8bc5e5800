from django.db import migrations

# Not in 0004, whose unique indexes are made after all that its migration says.
FOLD = """
select board_fold(experiment_id, digest) from (
  select distinct experiment_id, digest from experiments_run where state = 'succeeded') known;
"""


class Migration(migrations.Migration):
    """Puts the runs that ended before there were boards' rows onto the boards."""

    dependencies = [
        ("experiments", "0012_board_speed"),
    ]

    operations = [
        migrations.RunSQL(FOLD, migrations.RunSQL.noop),
    ]
