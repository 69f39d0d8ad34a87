"""Feature vectors of the images that tasks name."""

from django.db import models


class Feature(models.Model):
    """A vector of float32, stored so that an image is embedded once.

    `extractor` names the extractor with its version and weights. `address` is the SHA-256 of the
    address in the task's data, `content` that of the image's file: equal files have equal
    features, whatever their addresses.
    """

    project = models.ForeignKey(
        "Project", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    task = models.ForeignKey("Task", on_delete=models.CASCADE, related_name="features")
    extractor = models.CharField(max_length=255)
    address = models.CharField(max_length=64)
    content = models.CharField(max_length=64)
    vector = models.BinaryField(help_text="float32, little-endian.")
    extracted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "extractor", "address", "task"], name="feature_once"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "extractor", "content"], name="feature_of_content"),
            models.Index(fields=["project", "extractor", "id"], name="feature_of_project"),
        ]

    def __str__(self) -> str:
        return f"{self.extractor} of {self.task_id}"
