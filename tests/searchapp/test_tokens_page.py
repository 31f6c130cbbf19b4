"""The page of tokens and its command: a token is made, shown once, used and revoked."""

import json
import re

import pytest
from django.core.management import call_command
from django.test import Client

from searchapp import tokens
from searchapp.models import Token
from tests.searchapp.conftest import signed_in

pytestmark = pytest.mark.django_db
GOOD = {"name": "Night  report", "scope": ["read", "write"], "days": "30"}


def works(secret: str) -> bool:
    answer = Client().get("/api/v1/account", headers={"Authorization": f"Bearer {secret}"})
    return bool(answer.status_code == 200)


def shown(page: str) -> str:
    found = re.search(r'aria-label="The token">(reprise_[\w-]{43})<', page)
    assert found
    return found[1]


def test_a_token_is_shown_once_and_works_until_it_is_revoked(operator: Client) -> None:
    assert "There is no token yet." in operator.get("/tokens").text
    answer = operator.post("/tokens", GOOD)
    secret = shown(answer.text)
    assert "no-store" in answer["Cache-Control"]
    assert works(secret)
    page = operator.get("/tokens").text
    assert secret not in page
    assert secret[:14] in page
    assert "Night report" in page
    assert "Judge, label, save searches" in page
    kept = Token.objects.get()
    assert kept.expires_at
    assert "Revoke this token?" in operator.get(f"/tokens/{kept.pk}/revoke").text
    assert works(secret)
    assert "was revoked" in operator.post(f"/tokens/{kept.pk}/revoke", follow=True).text
    assert not works(secret)
    assert operator.get(f"/tokens/{kept.pk}/revoke").status_code == 404
    operator.post("/tokens", GOOD)  # the name is free again
    assert Token.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "  "}, "Give the token a name"),
        ({"name": "a\x00"}, "Give the token a name"),
        ({"name": "n" * 81}, "at most 80 characters"),
        ({"scope": []}, "Choose what the token is for"),
        ({"scope": ["read", "everything"]}, "Choose what the token is for"),
        ({"days": "31"}, "Choose how long the token is valid."),
        ({"days": ""}, "Choose how long the token is valid."),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    operator: Client, change: dict[str, object], said: str
) -> None:
    answer = operator.post("/tokens", {**GOOD, **change})
    assert answer.status_code == 422
    assert said in answer.text
    assert not Token.objects.exists()


def test_names_and_numbers_of_tokens_are_bounded(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.post("/tokens", GOOD)
    assert "There is a token named Night report already" in operator.post("/tokens", GOOD).text
    monkeypatch.setattr(tokens, "MOST_TOKENS", 1)
    answer = operator.post("/tokens", {**GOOD, "name": "Other"})
    assert "An account has at most 1 tokens; revoke one first." in answer.text


def test_tokens_are_an_accounts_own(operator: Client, admin: Client, nobody: Client) -> None:
    operator.post("/tokens", GOOD)
    kept = Token.objects.get()
    assert "Night report" not in admin.get("/tokens").text
    assert admin.post(f"/tokens/{kept.pk}/revoke").status_code == 404
    assert nobody.get("/tokens").status_code == 403


def test_the_command_makes_lists_and_revokes(capsys: pytest.CaptureFixture[str]) -> None:
    signed_in("analysts")

    def run(*arguments: str) -> dict[str, object]:
        call_command("token", "analysts", *arguments, "--json")
        answer: dict[str, object] = json.loads(capsys.readouterr().out)
        return answer

    made = run("--name", "report", "--days", "7")
    secret = str(made["token"])
    assert (made["scopes"], works(secret)) == (["read"], True)
    listed = run()["tokens"]
    assert isinstance(listed, list)
    assert [each["name"] for each in listed] == ["report"]
    assert "token" not in listed[0]
    assert run("--revoke", "report")["revoked"] is True
    assert not works(secret)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("nobody", "--name", "x"), 1, "There is no account named nobody."),
        (("analysts", "--revoke", "x"), 1, "analysts has no token named x."),
        (("analysts", "--name", "x", "--revoke", "x"), 2, "choose one of them"),
        (("analysts", "--name", "x", "--days", "0"), 1, "valid for 1 to 3,650 days"),
    ],
)
def test_the_command_says_what_is_wrong(
    arguments: tuple[str, ...], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    signed_in("analysts")
    with pytest.raises(SystemExit) as ended:
        call_command("token", *arguments)
    assert ended.value.code == status
    assert said in capsys.readouterr().err
