from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models


GUARD = import_module("snnlab.experiments.migrations.0003_queue").GUARD
SHARE = "create or replace " + GUARD[GUARD.index("function run_ended()"):].partition("create trigger")[0]
PORTION = SHARE.replace("experiments_share", "experiments_portion")


class Migration(migrations.Migration):
    """What a team gets of the workers makes way for what it shows to others."""

    dependencies = [
        ("experiments", "0013_fold_known"),
        ("teams", "0003_tokens"),
    ]

    operations = [
        migrations.RenameModel("Share", "Portion"),
        migrations.AlterField(
            model_name="portion",
            name="team",
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="portion", serialize=False, to="teams.team"),
        ),
        migrations.RunSQL(PORTION, SHARE),
    ]
