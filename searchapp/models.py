"""The rows of accounts: the tokens by which programs act for them."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Scope(models.TextChoices):
    """What a token may be used for; its account's role limits it further."""

    READ = "read", "Look at everything, and search"
    WRITE = "write", "Judge, label, save searches, collect moments, export evidence"
    TRAIN = "train", "Train encoders and put one in use"
    MANAGE = "manage", "Change and delete recordings, cameras and encoders"


class Token(models.Model):
    """A token by which a program acts for an account; its secret is kept nowhere, only a hash.

    minute and used count the requests of one minute, for the rate limit: where several processes
    serve, this row is what they share.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens"
    )
    name = models.CharField(max_length=80)
    scopes = models.JSONField()
    digest = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=16)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    minute = models.DateTimeField(null=True, blank=True)
    used = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=("user", "name"),
                condition=models.Q(revoked_at=None),
                name="token_name",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def allows(self) -> list[str]:
        """What it may be used for, in words."""
        return [scope.label for scope in Scope if scope in self.scopes]
