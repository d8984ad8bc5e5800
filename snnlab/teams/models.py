"""The tables of people. Writes live in actions.py, reads in queries.py."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Now


class User(AbstractUser):
    """A person who signs in."""


class Team(models.Model):
    """People who share a queue and its results."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What one user is in one team."""

    class Role(models.TextChoices):
        OWNER = "owner"
        ADMIN = "admin"
        MEMBER = "member"
        VIEWER = "viewer"

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=6, choices=Role, default=Role.MEMBER)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "team"], name="one_membership"),
            models.CheckConstraint(
                condition=models.Q(role__in=["owner", "admin", "member", "viewer"]),
                name="known_role",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.team}"


class SignInLink(models.Model):
    """A link that signs one user in, once. Only its digest is kept."""

    token_sha256 = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="sign_in_links")
    created = models.DateTimeField(db_default=Now())
    expires = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"sign-in link of {self.user}"


class SignInAttempt(models.Model):
    """A password that was tried, kept only for as long as it counts."""

    username = models.CharField(max_length=150)
    address = models.CharField(max_length=45)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = (
            models.Index(fields=["username", "at"], name="attempts_by_user"),
            models.Index(fields=["address", "at"], name="attempts_by_address"),
        )

    def __str__(self) -> str:
        return f"{self.username} from {self.address}"


class ApiToken(models.Model):
    """A key with which a program acts as one user, until it is revoked. Only its digest is kept."""

    token_sha256 = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    created = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"


class Invitation(models.Model):
    """A link by which one person joins a team in a role, once. Only its digest is kept."""

    token_sha256 = models.CharField(max_length=64, unique=True)
    team = models.ForeignKey(Team, models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=6, choices=Membership.Role)
    made_by = models.ForeignKey(User, models.CASCADE, related_name="invitations")
    created = models.DateTimeField(db_default=Now())
    expires = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"invitation to {self.team} as {self.role}"


class Act(models.Model):
    """Something that a person did in a team. Append-only: a trigger refuses changes.

    What runs went through is in their own events. `what` and `number` name the thing, such as the
    experiment 12; `words` say the rest.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="acts", db_index=False)
    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=150)
    verb = models.CharField(max_length=20)
    what = models.CharField(max_length=20, blank=True)
    number = models.BigIntegerField(null=True)
    words = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = (models.Index(fields=["team", "-at", "-id"], name="acts_of_team"),)

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.what} {self.number or ''} {self.words}".rstrip()


class Visit(models.Model):
    """When a user looked at the first page last, and when before that visit."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="visit")
    last = models.DateTimeField()
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"visit of {self.user}"
