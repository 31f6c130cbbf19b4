"""Create the first accounts, or give one a new password."""

import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from searchapp import services
from searchapp.selectors import ADMINS, ANALYSTS, OPERATORS

FIRST = {"admin": ADMINS, "operator": OPERATORS, "analyst": ANALYSTS}


class Command(BaseCommand):
    """Create the accounts admin, operator and analyst; passwords are printed once, here."""

    help = "Create the accounts admin, operator and analyst and print their passwords once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --reset and --json."""
        parser.add_argument("--reset", metavar="NAME", help="give this account a new password")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create or reset, then print."""
        rows = [_reset(options["reset"])] if options["reset"] else [_created(n) for n in FIRST]
        if options["json"]:
            self.stdout.write(json.dumps({"accounts": rows}))
            return
        for row in rows:
            self.stdout.write(_sentence(row))
        if any(row["password"] for row in rows):
            self.stdout.write("These passwords are shown only now; write them down.")


def _created(name: str) -> dict[str, str | None]:
    """Create one of the first accounts; one that exists is left untouched."""
    if User.objects.filter(username=name).exists():
        return {"name": name, "role": FIRST[name], "password": None}
    _, password = services.create_account(name=name, role=FIRST[name])
    return {"name": name, "role": FIRST[name], "password": password}


def _reset(name: str) -> dict[str, str | None]:
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no account called {name}.")
    group = user.groups.first()
    role = group.name if group else None
    return {"name": name, "role": role, "password": services.reset_password(user=user)}


def _sentence(row: dict[str, str | None]) -> str:
    if row["password"] is None:
        return f"{row['name']:<10} exists already and was left as it is"
    return f"{row['name']:<10} {row['password']}"
