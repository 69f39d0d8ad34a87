import hashlib

from django.db import migrations


def hash_tokens(apps, schema_editor):
    """In place of each token its hash, so that it goes on working and is not stored any more."""
    tokens = apps.get_model('authtoken', 'Token').objects.using(schema_editor.connection.alias)
    for key in list(tokens.values_list('key', flat=True)):
        tokens.filter(key=key).update(key=hashlib.sha256(key.encode()).hexdigest()[:40])


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0028_route_permission'),
        ('authtoken', '0004_alter_tokenproxy_options'),
    ]

    operations = [
        migrations.RunPython(hash_tokens, migrations.RunPython.noop, elidable=False),
    ]
