"""Lets each project's next sync read the data of all tasks.

A label config may have been changed before: nothing has recorded it.
"""

from django.db import migrations, models

HELP = "The label config shows other data of the tasks than those that were read."


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0019_unreadable_tasks'),
    ]

    operations = [
        migrations.AddField(
            model_name='project',
            name='data_outdated',
            field=models.BooleanField(default=True, help_text=HELP),
        ),
        migrations.AlterField(
            model_name='project',
            name='data_outdated',
            field=models.BooleanField(default=False, help_text=HELP),
        ),
    ]
