from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_append_only")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="knows_password",
            field=models.BooleanField(
                default=False,
                help_text="The pinned host called /setup with BASIC_AUTH_USER and BASIC_AUTH_PASS, "
                "so its webhook may be given them.",
            ),
        ),
    ]
