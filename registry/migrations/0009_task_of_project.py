"""What the list of a project's tasks is paged by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0008_pictures")]

    operations = [
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["project", "-id"], name="task_of_project"),
        ),
    ]
