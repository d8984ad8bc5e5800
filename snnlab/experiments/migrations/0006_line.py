

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('experiments', '0005_sweeps'),
        ('teams', '0002_sign_in_attempts'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('state', 'held'), models.Q(('blockers__gt', 0), ('state', 'queued')), _connector='OR'), fields=['team', 'id'], name='run_aside'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(models.F('pool'), models.OrderBy(models.F('finished_at'), descending=True), condition=models.Q(('state', 'succeeded')), name='run_recent'),
        ),
    ]
