"""A key in the URL path that opens the protocol routes of its scope."""

from django.db import models


class AccessKey(models.Model):
    """160 random bits of which only the SHA-256 is stored; never opens /api/, /admin/ or an act."""

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
