"""People who log in. A model of our own from the first migration, so that it can grow."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A member of the clearing house's staff; operators' people come with the portal."""
