

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('experiments', '0009_chips'),
        ('teams', '0002_sign_in_attempts'),
    ]

    operations = [
        migrations.AlterField(
            model_name='measurement',
            name='run',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='measurements', to='experiments.run'),
        ),
        migrations.AlterField(
            model_name='run',
            name='same_as',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reused_by', to='experiments.run'),
        ),
        migrations.AlterField(
            model_name='run',
            name='team',
            field=models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='teams.team'),
        ),
    ]
