"""Create the first accounts, or give one a new password."""

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from indexing.management.base import Command as BaseCommand
from indexing.management.base import Failure
from searchapp import services
from searchapp.selectors import ADMINS, ANALYSTS, OPERATORS

FIRST = {"admin": ADMINS, "operator": OPERATORS, "analyst": ANALYSTS}


class Command(BaseCommand):
    help = "Create the accounts admin, operator and analyst and print their passwords once."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reset", metavar="NAME", help="give this account a new password")

    def handle(self, *, reset: str | None, **options: object) -> None:
        rows = [_reset(reset)] if reset else [_created(name) for name in FIRST]
        lines = [_sentence(row) for row in rows]
        if any(row["password"] for row in rows):
            lines.append("These passwords are shown only now; write them down.")
        self.answer({"accounts": rows}, lines, as_json=bool(options["json"]))


def _created(name: str) -> dict[str, str | None]:
    """Create one of the first accounts; one that exists is left untouched."""
    if User.objects.filter(username=name).exists():
        return {"name": name, "role": FIRST[name], "password": None}
    _, password = services.create_account(name=name, role=FIRST[name])
    return {"name": name, "role": FIRST[name], "password": password}


def _reset(name: str) -> dict[str, str | None]:
    user = User.objects.filter(username=name).first()
    if user is None:
        raise Failure(f"There is no account called {name}.")
    group = user.groups.first()
    role = group.name if group else None
    return {"name": name, "role": role, "password": services.reset_password(user=user)}


def _sentence(row: dict[str, str | None]) -> str:
    if row["password"] is None:
        return f"{row['name']:<10} exists already and was left as it is"
    return f"{row['name']:<10} {row['password']}"
