"""Calls images images in error codes, dataset counts and the names of candidates.

A version's recipe is one of those names, so the trigger that holds versions immutable is off for
its update, within the migration's transaction.
"""

import re

from django.db import migrations, models

CODES = {
    "not_a_picture": "not_an_image",
    "picture_broken": "image_broken",
    "picture_empty": "image_empty",
    "picture_missing": "image_missing",
    "picture_not_seen": "image_not_embedded",
    "picture_not_yet": "image_pending",
    "picture_too_large": "image_too_large",
    "pictures_unavailable": "images_unavailable",
    "pictures_unreachable": "images_unreachable",
    "several_pictures": "several_images",
}
COUNTS = {"pictures": "images", "kept": "cached", "read": "downloaded"}
RECIPES = {f"picture features, {name}": f"image features, {name}" for name in ("linear", "kernel")}
TRIGGER = "ALTER TABLE registry_modelversion {} TRIGGER version_is_immutable"


def rename(apps, schema_editor):
    _rename(apps, schema_editor, lambda names: names)


def rename_back(apps, schema_editor):
    _rename(apps, schema_editor, lambda names: {new: old for old, new in names.items()})


def _rename(apps, schema_editor, way):
    codes, counts, recipes = way(CODES), way(COUNTS), way(RECIPES)
    code = re.compile(rf"\b({'|'.join(codes)})\b")
    TrainingRun = apps.get_model("registry", "TrainingRun")
    for run in TrainingRun.objects.iterator():
        was = run.error_code, run.error, run.dataset_counts, run.candidates
        run.error_code = codes.get(run.error_code, run.error_code)
        run.error = code.sub(lambda found: codes[found[1]], run.error)
        run.dataset_counts = _counts(run.dataset_counts, counts)
        run.candidates = [_named(candidate, recipes) for candidate in run.candidates]
        if was != (run.error_code, run.error, run.dataset_counts, run.candidates):
            run.save(update_fields=["error_code", "error", "dataset_counts", "candidates"])
    schema_editor.execute(TRIGGER.format("DISABLE"))
    ModelVersion = apps.get_model("registry", "ModelVersion")
    several = re.compile("|".join(map(re.escape, recipes)))
    for version in ModelVersion.objects.filter(pipeline="image_classification").iterator():
        recipe = several.sub(lambda found: recipes[found[0]], version.recipe)
        if recipe != version.recipe:
            ModelVersion.objects.filter(pk=version.pk).update(recipe=recipe)
    schema_editor.execute(TRIGGER.format("ENABLE"))


def _counts(value, names):
    """The counts of a dataset, of which those of its images have names that others have too."""
    of_images = next((key for key in value if key in ("pictures", "images")), None)
    if of_images is None:
        return value
    inner = {names.get(key, key): count for key, count in value[of_images].items()}
    return {names.get(key, key): inner if key == of_images else n for key, n in value.items()}


def _named(candidate, names):
    name = candidate.get("name")
    return candidate | {"name": names[name]} if name in names else candidate


class Migration(migrations.Migration):
    dependencies = [("registry", "0015_field_names")]

    operations = [
        migrations.AlterField(
            model_name="modelversion",
            name="extractor",
            field=models.CharField(
                blank=True,
                help_text="What makes features of its images, with its version and weights.",
                max_length=255,
            ),
        ),
        migrations.RunPython(rename, rename_back),
    ]
