"""`manage.py drf_create_token USER [--reset]`: a REST token, shown once.

In place of Django REST framework's, which would store it as it is.
"""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from registry.actions import tokens


class Command(BaseCommand):
    """Creates a user's token."""

    help = "Create a user's REST token and show it once; only its hash is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            *("-r", "--reset"),
            action="store_true",
            help="replace the user's token, which stops working",
        )

    def handle(self, *args: Any, username: str, reset: bool, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username}.")
        try:
            plain = tokens.new_token(user, replace=reset)
        except tokens.TokenExists as error:
            raise CommandError(error.sentence) from None
        self.stdout.write(f"Generated token {plain} for user {username}")
