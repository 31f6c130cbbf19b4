"""Requests drawn from the API's own description: none breaks it, and answers are as described."""

import json
import os
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.db.models import Model
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case as Request
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from indexing.models import (
    Bookmark,
    Camera,
    Case,
    CaseMoment,
    Encoder,
    Export,
    Label,
    LabelChange,
    Location,
    Notification,
    Recording,
    Review,
    SavedSearch,
    Training,
)
from searchapp.api.site import api
from searchapp.api.values import MOST_NUMBER
from tests.searchapp.api.conftest import Caller, caller

EXAMPLES = int(os.environ.get("REPRISE_FUZZ", "6"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# What the numbers in addresses and bodies are numbers of.
ROWS: dict[str, type[Model]] = {
    "cameras": Camera,
    "recordings": Recording,
    "recording": Recording,
    "labels": Label,
    "label-changes": LabelChange,
    "events": Location,
    "saved-searches": SavedSearch,
    "notifications": Notification,
    "bookmarks": Bookmark,
    "cases": Case,
    "moments": CaseMoment,
    "exports": Export,
    "reviews": Review,
    "encoders": Encoder,
    "encoder": Encoder,
    "left": Encoder,
    "right": Encoder,
    "trainings": Training,
}
# What makes sense in a field of this name, whatever else the description allows.
SENSIBLE: dict[str, list[Any]] = {
    "with": ["joint", "video", "audio"],
    "score": ["combined", "neighbour"],
    "sigma": [1.5, 2.0, 3.0],
    "since": ["2026-01-01T00:00:00Z", "2000-01-01T00:00:00Z", None],
    "until": ["2199-01-01T00:00:00Z", None],
    "encoder": [None],
    "second": [40, 100, 200],
    "start": [40],
    "end": [41, 43],
    "epochs": [1, 2, None],
    "event": ["siren", "dog"],
    "verdict": ["confirmed", "unsure"],
}
# Clips that are not both wanted and unwanted.
MARKED = {"also": 60, "this": 150, "not": 250}
WORDS = {
    "camera": ["north"],
    "cameras": ["north"],
    "zone": ["Europe/Brussels"],
    "method": ["consensus"],
    "webhook": ["", "https://example.org/hook"],
    "email": [""],
}
NASTY = ["\x00", "=1+1", "", "a" * 3000, "\u202e", "siren"]


def likelier(node: Any, name: str) -> Any:
    """Return a schema that draws what is there, where that is known; name is the field's."""
    if isinstance(node, list):
        return [likelier(each, name) for each in node]
    if not isinstance(node, dict):
        return node
    if name in SENSIBLE:
        return {"enum": SENSIBLE[name]}
    if "properties" in node:
        inside = {key: likelier(each, key) for key, each in node["properties"].items()}
        return {**node, "properties": inside}
    node = {key: likelier(each, name) for key, each in node.items()}
    found = there(node, name)
    return {"enum": found} if found else node


def numbers(model: type[Model]) -> list[int]:
    """Return the numbers of the rows there are; of recordings, those of the long ones."""
    rows = model._default_manager.all()
    if model is Recording:
        rows = rows.filter(duration_s__gte=300)
    return list(rows.values_list("pk", flat=True))


def there(node: dict[str, Any], name: str) -> list[Any]:
    """Return values that make sense where this schema stands."""
    if node.get("type") == "integer" and node.get("maximum") == MOST_NUMBER:
        model = ROWS.get(name)
        return numbers(model) if model else []
    if name in MARKED and node.get("type") == "string":
        return [f"{pk}:{MARKED[name]}" for pk in numbers(Recording)]
    if node.get("type") == "string" and node.get("maxLength") == 10_000:
        return WORDS.get(name, NASTY)
    return []


def plausible(described: dict[str, Any]) -> dict[str, Any]:
    """Return the description with values that are there, so that requests get behind a 404."""
    for path, item in described["paths"].items():
        room = path.split("/")[3]
        for operation in item.values():
            for each in operation["parameters"]:
                name = room if each["name"] == "number" else each["name"]
                each["schema"] = likelier(each["schema"], name)
    schemas = described["components"]["schemas"]
    inputs = {name for name in schemas if name.endswith(("In", "Change", "Query", "Of", "ToSave"))}
    for name in inputs:
        schemas[name] = likelier(schemas[name], "")
    return described


def operations(described: dict[str, Any]) -> list[Any]:
    """Return what can be called."""
    schema = schemathesis.openapi.from_dict(described)
    schema.app = get_wsgi_application()
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


@pytest.fixture
def callers(program: Caller, everything: Recording) -> list[Caller]:
    """The one whose work it is, and others of every role."""
    others = caller("analysts"), caller(None), caller("operators", "read")
    return [program, program, program, caller("admins"), *others]


def test_no_request_breaks_it(callers: list[Caller]) -> None:
    described = json.loads(json.dumps(api.get_openapi_schema()))
    real = operations(plausible(deepcopy(described)))
    drawn = operations(described)
    sound, unsound = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    problems, answered = [], set[str]()
    for some, mode in ((real, sound), (drawn, sound), (drawn, unsound)):
        for operation in some:
            try:
                if _attack(operation, mode, callers):
                    answered.add(operation.label)
            except (Exception, BaseExceptionGroup) as error:
                problems.append(f"{operation.label} ({mode.value}): {error!r}\n{error}")
    assert not problems, "\n\n".join(problems)
    # Requests that are all refused would prove little.
    refused = sorted({operation.label for operation in real} - answered)
    assert len(refused) < len(real) / 5, refused


def _attack(operation: Any, mode: GenerationMode, callers: list[Caller]) -> bool:
    """Send what is drawn; tell whether any of it was done."""
    done = False

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), who=st.sampled_from(callers))
    def attack(case: Request[Any], who: Caller) -> None:
        nonlocal done
        with transaction.atomic():
            answer = case.call(headers={"Authorization": f"Bearer {who.secret}"})
            transaction.set_rollback(True)
        case.validate_response(answer, checks=CHECKS)
        done |= answer.status_code < 300

    attack()
    return done
