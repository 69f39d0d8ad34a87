"""Access keys: credentials in the URL path for Label Studio's routes."""

from django.db import models


class AccessKey(models.Model):
    """A key of 160 random bits, stored as SHA-256, for the routes of its scope.

    It opens neither /api/ nor /admin/.
    """

    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256, hex.")
    project = models.ForeignKey(
        "Project",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="keys",
        help_text="Scope: this project only.",
    )
    hostname = models.CharField(
        max_length=500, blank=True, help_text="Scope: projects of this Label Studio only."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [("revoke_accesskey", "Can revoke an access key")]

    def __str__(self) -> str:
        return self.name
