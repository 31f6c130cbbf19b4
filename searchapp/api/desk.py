"""How a route is declared: its scope, and what it returns as its type says."""

from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any, TypeVar, get_type_hints

from django.http.response import HttpResponseBase
from ninja import Router

from searchapp.api.access import Bearer
from searchapp.api.problems import RESPONSES
from searchapp.models import Scope

View = TypeVar("View", bound=Callable[..., Any])


class Desk(Router):
    """The routes of one desk."""

    def __init__(self, name: str) -> None:
        super().__init__(tags=[name])
        self.name = name

    def on(
        self, method: str, path: str, scope: Scope, *, status: int = 200, kinds: Sequence[str] = ()
    ) -> Callable[[View], View]:
        """Declare a route.

        Args:
            method: of HTTP.
            path: below the API's own.
            scope: what its token must have.
            status: of an answer that is no error.
            kinds: the content types, where the answer is a file.
        """

        def declared(view: View) -> View:
            said = (view.__doc__ or "").strip()
            self.add_api_operation(
                path,
                [method],
                view,
                auth=Bearer(scope),
                response=_response(view, status),
                operation_id=f"{self.name}_{view.__name__}",
                url_name=f"{self.name}_{view.__name__}",
                summary=said.partition("\n")[0].rstrip("."),
                description=f"{said}\n\nScope: `{scope}`.",
                by_alias=True,
                openapi_extra={"responses": {**RESPONSES, **_file(status, kinds)}},
            )
            return view

        return declared


def _response(view: Callable[..., Any], status: int) -> dict[int, Any]:
    returned = get_type_hints(view)["return"]
    if returned is NoneType:
        return {204: None}
    if isinstance(returned, type) and issubclass(returned, HttpResponseBase):
        return {status: None}
    return {status: returned}


def _file(status: int, kinds: Sequence[str]) -> dict[int, Any]:
    schema = {"type": "string", "format": "binary"}
    return {status: {"content": {kind: {"schema": schema} for kind in kinds}}} if kinds else {}
