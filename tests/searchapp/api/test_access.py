"""Who may call what: tokens and their scopes, roles, other people's work, and the rate limit."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from indexing.models import Recording
from searchapp import tokens
from searchapp.api.site import api
from searchapp.models import Scope, Token
from tests.searchapp.api.conftest import Caller, caller
from tests.searchapp.conftest import Footage

pytestmark = pytest.mark.django_db


def standing(who: Caller) -> Token:
    return tokens.tokens_of(who.user).get()


def test_a_token_says_whose_it_is(program: Caller) -> None:
    found = program.get("/account")
    assert found["name"] == program.user.username
    assert (found["sees"], found["trains"], found["manages"]) == (True, True, False)
    assert found["scopes"] == ["read", "write", "train", "manage"]


@pytest.mark.parametrize(
    "sent", [None, "", "Bearer", "Bearer nothing", "Basic YTpi", "Bearer \xff"]
)
def test_without_a_token_nothing_is_told(db: None, sent: str | None) -> None:
    headers = {} if sent is None else {"Authorization": sent}
    answer = Client().get("/api/v1/recordings", headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"error": "Send a token that is valid: Authorization: Bearer TOKEN."}
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_session_does_not_stand_for_a_token(admin: Client) -> None:
    assert admin.get("/api/v1/recordings").status_code == 401
    assert admin.post("/api/v1/cases", {"title": "x"}).status_code == 401


def test_every_route_asks_for_a_token(db: None) -> None:
    nobody = Client()
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method in methods:
            address = path.replace("{number}", "1").replace("{recording}", "1")
            assert nobody.generic(method.upper(), address).status_code == 401, (method, path)


def test_a_token_ends_when_it_expires_is_revoked_or_its_account_is_closed(program: Caller) -> None:
    rows = Token.objects.filter(user=program.user)
    rows.update(expires_at=timezone.now() + timedelta(minutes=1))
    program.get("/account")
    rows.update(expires_at=timezone.now())
    program.get("/account", status=401)
    rows.update(expires_at=None)
    User.objects.update(is_active=False)
    program.get("/account", status=401)
    User.objects.update(is_active=True)
    program.get("/account")
    tokens.revoke(standing(program))
    program.get("/account", status=401)


def test_only_a_hash_of_the_secret_is_kept(program: Caller) -> None:
    kept = standing(program)
    assert program.secret not in str(vars(kept))
    assert kept.prefix == program.secret[:14]
    program.get("/account")
    assert standing(program).last_used_at is not None


def test_a_scope_that_is_lacking_is_named(footage: Footage) -> None:
    recording = footage()
    reader = caller("admins", "read")
    reader.get(f"/recordings/{recording.pk}")
    for method, path, scope in (
        ("POST", "/cases", "write"),
        ("POST", f"/cameras/{recording.camera_id}/trainings", "train"),
        ("DELETE", f"/recordings/{recording.pk}", "manage"),
    ):
        said = reader.send(method, path, {"title": "x"}, status=403)
        assert said["error"].startswith(f"This takes a token with the scope {scope};")
    writer = caller("admins", "write")
    writer.post("/cases", {"title": "x"}, status=201)
    writer.get("/cases", status=403)


def test_the_role_limits_what_the_scope_allows(footage: Footage) -> None:
    recording = footage()
    analyst, operator = caller("analysts"), caller("operators")
    said = analyst.post(f"/cameras/{recording.camera_id}/trainings", {}, status=403)
    assert said["error"].startswith("Only an admin or an operator may train encoders")
    operator.post(f"/cameras/{recording.camera_id}/trainings", {}, status=422)
    said = operator.send("DELETE", f"/recordings/{recording.pk}", status=403)
    assert said["error"] == "Only an admin may change what the library holds."
    caller("admins").send("DELETE", f"/recordings/{recording.pk}", status=204)
    assert not Recording.objects.exists()


def test_without_a_role_nothing_is_there(footage: Footage) -> None:
    recording = footage()
    nobody = caller(None)
    assert nobody.get("/cameras") == {"items": [], "count": 0, "next": None}
    assert nobody.get("/recordings")["count"] == 0
    gone = {"error": "There is nothing at this address for this account."}
    assert nobody.get(f"/recordings/{recording.pk}", status=404) == gone
    query = {"recording": recording.pk, "second": 3}
    assert nobody.post("/search", query, status=404) == gone
    nobody.get("/saved-searches", status=403)


def test_other_peoples_work_is_not_there(program: Caller, everything: Recording) -> None:
    other = caller("operators", *Scope.values)
    pairs = [
        (listed, one)
        for listed, one in (
            ("/saved-searches", "/saved-searches/{}"),
            ("/cases", "/cases/{}"),
            ("/exports", "/exports/{}"),
        )
    ]
    for listed, one in pairs:
        mine = program.get(listed)["items"]
        assert mine
        assert other.get(listed)["items"] == []
        program.get(one.format(mine[0]["id"]))
        other.get(one.format(mine[0]["id"]), status=404)
    for listed in ("/bookmarks", "/notifications", f"/cameras/{everything.camera_id}/reviews"):
        assert program.get(listed)["count"] == 1
        assert other.get(listed)["count"] == 0
    review = program.get(f"/cameras/{everything.camera_id}/reviews")["items"][0]
    other.send("DELETE", f"/reviews/{review['id']}", status=404)


def test_too_many_requests_are_told_when_to_come_back(
    program: Caller, chief: Caller, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_RATE = 3
    now = timezone.now().replace(second=20)
    monkeypatch.setattr(timezone, "now", lambda: now)
    for _ in range(3):
        program.get("/account")
    answer = program("GET", "/account")
    assert answer.status_code == 429
    assert answer["Retry-After"] == "40"
    assert answer.json()["error"] == (
        "This token was used too often in this minute; try again in 40 s."
    )
    chief.get("/account")  # the limit is a token's own
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(seconds=40))
    program.get("/account")


def test_what_is_not_an_address_or_a_method_is_told_as_json(program: Caller) -> None:
    answer = program("PUT", "/account")
    assert answer.status_code == 405
    assert answer["Allow"] == "GET"
    assert answer.json()["error"].startswith("This address does not take PUT")
    gone = program("GET", "/nowhere")
    assert (gone.status_code, gone["Content-Type"]) == (404, "application/json")
    assert "error" in gone.json()


def test_the_description_is_open_and_its_page_is_for_accounts(
    client: Client, admin: Client
) -> None:
    described = client.get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert client.get("/api/v1/docs").status_code == 302
    page = admin.get("/api/v1/docs").text
    for path, methods in described["paths"].items():
        assert f'<code class="path">{path}</code>' in page
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
    for name in described["components"]["schemas"]:
        assert f'id="shape-{name}"' in page
    for name in set(re.findall(r'href="#shape-([^"]+)"', page)):
        assert name in described["components"]["schemas"]
    assert "swagger" not in page
