"""Make a token for an account, list its tokens, or revoke one."""

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from indexing.management.base import Command as BaseCommand
from indexing.management.base import Failure, Misuse
from searchapp import tokens
from searchapp.models import Scope, Token


class Command(BaseCommand):
    help = "Make a token for an account and print it once; list its tokens; revoke one."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="USER", help="the account's name")
        parser.add_argument("--name", help="what the token is for")
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help="what it may be used for; may be given several times (read alone if not given)",
        )
        parser.add_argument("--days", type=int, metavar="N", help="expires after so many days")
        parser.add_argument("--revoke", metavar="NAME", help="let this token act no more")

    def handle(
        self,
        *,
        user: str,
        name: str | None,
        scope: list[str] | None,
        days: int | None,
        revoke: str | None,
        **options: object,
    ) -> None:
        if name and revoke:
            raise Misuse("Either --name makes a token or --revoke ends one; choose one of them.")
        found = User.objects.filter(username=user).first()
        if found is None:
            raise Failure(f"There is no account named {user}.")
        as_json = bool(options["json"])
        if name:
            made, secret = tokens.make(found, name, scope or [Scope.READ.value], days)
            self.say("This token is shown only now; keep it where only you can read it.")
            self.answer({**_row(made), "token": secret}, [secret], as_json=as_json)
        elif revoke:
            self.answer(_revoked(found, revoke), [f"{revoke} was revoked."], as_json=as_json)
        else:
            rows = [_row(each) for each in tokens.tokens_of(found)]
            lines = [_sentence(row) for row in rows] or [f"{user} has no token."]
            self.answer({"tokens": rows}, lines, as_json=as_json)


def _revoked(user: User, name: str) -> dict[str, object]:
    found = tokens.tokens_of(user).filter(name=name).first()
    if found is None:
        raise Failure(f"{user} has no token named {name}.")
    tokens.revoke(found)
    return {**_row(found), "revoked": True}


def _row(token: Token) -> dict[str, object]:
    ends = token.expires_at
    return {
        "name": token.name,
        "prefix": token.prefix,
        "scopes": token.scopes,
        "expires_at": ends.isoformat() if ends else None,
    }


def _sentence(row: dict[str, object]) -> str:
    scopes = row["scopes"]
    named = ", ".join(scopes) if isinstance(scopes, list) else ""
    return f"{row['prefix']}…  {row['name']}: {named}; expires {row['expires_at'] or 'never'}"
