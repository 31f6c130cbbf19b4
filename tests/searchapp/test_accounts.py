"""The first accounts, their roles, and signing in and out."""

import json
from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client

from searchapp import services

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("accounts", *arguments, stdout=out)
    return out.getvalue()


def test_the_first_accounts_get_a_role_and_a_password_that_works() -> None:
    rows = json.loads(run("--json"))["accounts"]

    assert [row["name"] for row in rows] == ["admin", "operator", "analyst"]
    for row in rows:
        assert Client().login(username=row["name"], password=row["password"])
        groups = User.objects.get(username=row["name"]).groups
        assert [group.name for group in groups.all()] == [row["role"]]


def test_existing_accounts_are_left_as_they_are() -> None:
    password = json.loads(run("--json"))["accounts"][0]["password"]
    again = run()

    assert "admin      exists already and was left as it is" in again
    assert "shown only now" not in again
    assert Client().login(username="admin", password=password)


def test_a_password_can_be_reset() -> None:
    run()
    row = json.loads(run("--json", "--reset", "operator"))["accounts"][0]

    assert Client().login(username="operator", password=row["password"])
    assert "operator" in run("--reset", "operator")


def test_resetting_an_unknown_account_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        run("--reset", "ghost")
    assert capsys.readouterr().err == "There is no account called ghost.\n"


def test_the_roles_exist_after_migrating_and_making_them_again_keeps_members() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == {"admins", "operators", "analysts"}
    user, _ = services.create_account(name="eve", role="analysts")
    services.ensure_roles()
    assert user.groups.count() == 1


def test_pages_ask_for_an_account_first(client: Client) -> None:
    response = client.get("/search?recording=1&second=2")
    assert response.status_code == 302
    assert response["Location"] == "/sign-in?next=/search%3Frecording%3D1%26second%3D2"


def test_signing_in_returns_to_the_page_that_was_asked_for(client: Client) -> None:
    password = json.loads(run("--json"))["accounts"][0]["password"]
    form = {"username": "admin", "password": password, "next": "/search"}
    assert client.post("/sign-in", form)["Location"] == "/search"


def test_a_wrong_password_gets_a_sentence(client: Client) -> None:
    response = client.post("/sign-in", {"username": "admin", "password": "no"})
    assert "do not belong together" in response.text


def test_signing_out_ends_the_session(admin: Client) -> None:
    assert admin.post("/sign-out")["Location"] == "/sign-in"
    assert admin.get("/").status_code == 302
