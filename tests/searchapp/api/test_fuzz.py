"""Requests drawn from the API's own description: none breaks it, and answers are as described."""

import json
import os
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from django.apps import apps
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from indexing.models import Recording
from searchapp.api.site import api
from searchapp.api.values import MOST_NUMBER, MOST_SECOND
from tests.searchapp.api.conftest import Caller, caller

EXAMPLES = int(os.environ.get("REPRISE_FUZZ", "6"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NASTY = ["north", "siren", "not siren", "", "\x00", "=1+1", "percentile", "a" * 3000, "\u202e"]


def seeded() -> list[int]:
    """The numbers of all rows there are, so that requests get behind the first 404."""
    rows = (model.objects.values_list("pk", flat=True) for model in apps.get_models())  # type: ignore[attr-defined]
    return sorted({pk for some in rows for pk in some if isinstance(pk, int)})


def likelier(node: Any, numbers: list[int]) -> Any:
    """Return a schema that draws values which exist as often as any others."""
    if isinstance(node, list):
        return [likelier(each, numbers) for each in node]
    if not isinstance(node, dict):
        return node
    node = {name: likelier(each, numbers) for name, each in node.items()}
    if node.get("type") == "integer" and node.get("maximum") == MOST_NUMBER:
        return {"anyOf": [{"enum": numbers}, node]}
    if node.get("type") == "integer" and node.get("maximum") == MOST_SECOND:
        return {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 360}, node]}
    if node.get("type") == "string" and node.get("maxLength") == 10_000:
        return {"anyOf": [{"enum": NASTY}, node]}
    if node.get("type") == "string" and node.get("maxLength") == 40:
        return {"anyOf": [{"enum": [f"{n}:{s}" for n in numbers[-9:] for s in (40, 90)]}, node]}
    return node


def operations(numbers: list[int]) -> Iterator[Any]:
    described = json.loads(json.dumps(api.get_openapi_schema()))
    drawn = deepcopy(described)
    for item in drawn["paths"].values():
        for operation in item.values():
            operation["parameters"] = likelier(operation["parameters"], numbers)
            if "requestBody" in operation:
                operation["requestBody"] = likelier(operation["requestBody"], numbers)
    inputs = ("In", "Change", "Query", "Of", "ToSave")
    for name, schema in drawn["components"]["schemas"].items():
        if name.endswith(inputs):
            drawn["components"]["schemas"][name] = likelier(schema, numbers)
    schema = schemathesis.openapi.from_dict(drawn)
    schema.app = get_wsgi_application()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


@pytest.fixture
def callers(program: Caller, everything: Recording) -> list[Caller]:
    """The one whose work it is, and others of every role."""
    return [
        program,
        caller("admins"),
        caller("analysts"),
        caller(None),
        caller("operators", "read"),
    ]


def test_no_request_breaks_it(callers: list[Caller]) -> None:
    problems = []
    for operation in operations(seeded()):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                _attack(operation, mode, callers)
            except (Exception, BaseExceptionGroup) as error:
                problems.append(f"{operation.label} ({mode.value}): {error!r}\n{error}")
    assert not problems, "\n\n".join(problems)


def _attack(operation: Any, mode: GenerationMode, callers: list[Caller]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), who=st.sampled_from(callers))
    def attack(case: Case[Any], who: Caller) -> None:
        with transaction.atomic():
            answer = case.call(headers={"Authorization": f"Bearer {who.secret}"})
            transaction.set_rollback(True)
        case.validate_response(answer, checks=CHECKS)

    attack()
