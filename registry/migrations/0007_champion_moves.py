"""By what index a project's history of champions is read."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("registry", "0006_list_indexes")]

    operations = [
        migrations.AddIndex(
            model_name="act",
            index=models.Index(
                fields=["project", "-id"],
                condition=Q(verb__in=["promote", "roll_back", "fall_back"]),
                name="act_moves_champion",
            ),
        ),
    ]
