"""The API's description for people: every address by desk, and every shape that goes in or out."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from searchapp.api.problems import MEANINGS

Schema = Mapping[str, Any]

SCOPE = re.compile(r"\s*Scope: `(\w+)`\.\s*$")
PLAIN = {"date-time": "moment", "date": "day", "binary": "file", "uuid": "UUID"}


@dataclass(frozen=True)
class Field:
    """A named value of a request or an answer; `shape` names a shape with fields of its own."""

    name: str
    type: str
    shape: str
    required: bool
    says: str


@dataclass(frozen=True)
class Operation:
    """A method of an address: what it is for, what it takes, and what it answers."""

    key: str
    method: str
    path: str
    summary: str
    says: str
    scope: str
    takes: tuple[Field, ...]
    body: tuple[Field, ...]
    answers: tuple[Field, ...]


@dataclass(frozen=True)
class Shape:
    """An object that goes in or out, with its fields; or the words that a value may be."""

    name: str
    says: str
    fields: tuple[Field, ...]
    words: tuple[str, ...]


class Reference(DocsBase):
    """The page at the API's own address."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Return the page."""
        schema = api.get_openapi_schema()
        context = {
            "about": schema["info"]["description"].split("\n\n"),
            "desks": desks(schema),
            "shapes": shapes(schema),
            "meanings": MEANINGS.items(),
        }
        return render(request, "api/reference.html", context)


def desks(schema: Schema) -> dict[str, list[Operation]]:
    """Return all operations by their desk, in the order of the description."""
    found: dict[str, list[Operation]] = {}
    for path, methods in schema["paths"].items():
        for method, described in methods.items():
            desk = described["tags"][0]
            found.setdefault(desk, []).append(_operation(path, method, described))
    return found


def shapes(schema: Schema) -> list[Shape]:
    """Return the shapes by name."""
    kept = schema["components"]["schemas"]
    return [
        Shape(
            name,
            kept[name].get("description", ""),
            tuple(_fields(kept[name])),
            tuple(kept[name].get("enum", ())),
        )
        for name in sorted(kept)
    ]


def _operation(path: str, method: str, described: Schema) -> Operation:
    says = described["description"]
    scope = SCOPE.search(says)
    return Operation(
        key=described["operationId"],
        method=method.upper(),
        path=path,
        summary=described["summary"],
        says=SCOPE.sub("", says).partition("\n")[2].strip(),
        scope=scope.group(1) if scope else "",
        takes=tuple(_parameter(each) for each in described["parameters"]),
        body=tuple(_body(described.get("requestBody", {}))),
        answers=tuple(_answers(described["responses"])),
    )


def _parameter(described: Schema) -> Field:
    schema, required = described["schema"], described.get("required", False)
    return _field(described["name"], schema, required=required)


def _body(described: Schema) -> Iterator[Field]:
    """Yield what a body holds: one shape as JSON, or the fields of a form."""
    for kind, content in described.get("content", {}).items():
        schema = content["schema"]
        if "$ref" in schema or "properties" not in schema:
            yield _field(kind, schema, required=True)
        else:
            yield from _fields(schema)


def _answers(responses: Schema) -> Iterator[Field]:
    """Yield the answers that are no errors; those are the same everywhere."""
    for status, described in responses.items():
        if int(status) not in MEANINGS:
            kinds = described.get("content") or {"nothing": {}}
            for kind, content in kinds.items():
                field = _field(kind, content.get("schema", {}), required=True)
                yield Field(str(status), field.type, field.shape, True, kind)


def _fields(schema: Schema) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, described in schema.get("properties", {}).items():
        yield _field(name, described, required=name in required)


def _field(name: str, schema: Schema, *, required: bool) -> Field:
    return Field(name, _type(schema), _shape(schema), required, _limits(schema))


def _shape(schema: Schema) -> str:
    """Return the name of the shape that a value has, or its items, or nothing."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    inner = (schema.get("items"), *schema.get("anyOf", ()), *schema.get("allOf", ()))
    return next((found for each in inner if each and (found := _shape(each))), "")


def _type(schema: Schema) -> str:
    """Return a value's type in a word or two."""
    if "anyOf" in schema or "allOf" in schema:
        inner = (*schema.get("anyOf", ()), *schema.get("allOf", ()))
        return " or ".join(dict.fromkeys(map(_type, inner)))
    if "$ref" in schema:
        return _shape(schema)
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    plain = PLAIN.get(schema.get("format", ""))
    return plain or str(schema.get("type", "")).replace("string", "text")


def _limits(schema: Schema) -> str:
    """Return what is said of a value, and what it is where it is left out."""
    said = [str(schema["description"])] if "description" in schema else []
    default = schema.get("default")
    if default not in (None, "", []):
        said.append(f"{default} unless given")
    return "; ".join(said)
