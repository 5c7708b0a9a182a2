"""The OpenAPI 3.1 document, written from the contract's table and the wire types."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from service.access.scope import Scope
from service.http import problems
from service.http.contract import ADMIN, CATALOGUE, OPERATIONS, Operation
from service.http.requests_wire import FlightAnswer, FlightsAnswer
from service.http.wire import Problem, Readiness
from service.models.listing import ModelsAnswer

_REF = "#/components/schemas/{name}"
_PROBLEMS = (
    problems.BadJson,
    problems.TooSlow,
    problems.BodyTooLarge,
    problems.NotJson,
    problems.BodyEncoded,
    problems.BodyInvalid,
    problems.ServerFault,
    problems.Overloaded,
)
_AT_THE_DOOR = (problems.Unauthorized, problems.Forbidden, problems.TooManyRequests)
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "braid_..."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def document(version: str) -> dict[str, Any]:
    """Return the document, JSON-ready."""
    operations = (*OPERATIONS, *CATALOGUE, *ADMIN)
    types = [part for operation in operations for part in (operation.request, operation.answer)]
    types += [Problem, Readiness, ModelsAnswer, FlightsAnswer, FlightAnswer]
    _, components = msgspec.json.schema_components(types, ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Braid",
            "version": version,
            "description": "What should this user see next?",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            **_paths(operations),
            "/v1/models": {
                "get": _get("Every version", "application/json", ModelsAnswer, scope="read")
            },
            "/v1/requests": {
                "get": _get(
                    "Requests looked back at", "application/json", FlightsAnswer, _LISTED, "admin"
                )
            },
            "/v1/requests/{id}": {
                "get": _get("One request in full", "application/json", FlightAnswer, _ONE, "admin")
            },
            "/health/live": {"get": _get("The process is up", "text/plain")},
            "/health/ready": {"get": _get("Traffic may come here", "application/json", Readiness)},
            "/metrics": {"get": _get("Prometheus metrics", "text/plain", scope="read")},
        },
        "components": {"schemas": components, "securitySchemes": _KEYS},
    }


def _paths(operations: Iterable[Operation[Any]]) -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return paths


def _operation(operation: Operation[Any]) -> dict[str, Any]:
    also: tuple[type[problems.ProblemError], ...] = (
        *_PROBLEMS,
        *_AT_THE_DOOR,
        *operation.problems,
    )
    name = operation.path.rsplit("/", 1)[-1]
    return {
        "summary": operation.summary,
        "operationId": name if operation.method == "POST" else f"{operation.method.lower()}-{name}",
        "tags": ["admin" if operation in ADMIN else "v1"],
        "security": _security(operation.scope),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _ref(operation.request),
                    "example": operation.example,
                }
            },
        },
        "responses": {
            "200": {
                "description": "The answer",
                "headers": {
                    "Server-Timing": {
                        "description": "Milliseconds of each stage (W3C Server Timing).",
                        "schema": {"type": "string"},
                    },
                    "X-Request-Id": {
                        "description": "Also in the body.",
                        "schema": {"type": "string"},
                    },
                },
                "content": {"application/json": {"schema": _ref(operation.answer)}},
            },
            **{str(status): _problems(also, status) for status in sorted({p.status for p in also})},
        },
    }


_LISTED: list[dict[str, Any]] = [
    {
        "name": "order",
        "in": "query",
        "description": "The latest, the slowest, or the latest that failed or fell back.",
        "schema": {"enum": ["recent", "slow", "failed"], "default": "recent"},
    },
    {
        "name": "limit",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
    },
]
_ONE: list[dict[str, Any]] = [
    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
]


def _get(
    summary: str,
    media_type: str,
    answer: type[Any] | None = None,
    parameters: Sequence[dict[str, Any]] = (),
    scope: Scope | None = None,
) -> dict[str, Any]:
    schema = _ref(answer) if answer else {"type": "string"}
    content = {media_type: {"schema": schema}}
    responses: dict[str, Any] = {"200": {"description": summary, "content": content}}
    if answer is Readiness:
        responses["503"] = {"description": "Not now", "content": content}
    if parameters is _LISTED:
        responses["400"] = {
            "description": "A parameter has a value that it cannot have",
            "content": {problems.CONTENT_TYPE: {"schema": _ref(Problem)}},
        }
    if parameters is _ONE:
        responses["404"] = _problems((problems.NoSuchRequest,), 404)
    if scope is not None:
        responses |= {str(one.status): _problems(_AT_THE_DOOR, one.status) for one in _AT_THE_DOOR}
    name = summary.lower().replace(" ", "-")
    return {
        "summary": summary,
        "operationId": name,
        "tags": ["operations"],
        "security": _security(scope),
        **({"parameters": [*parameters]} if parameters else {}),
        "responses": responses,
    }


def _security(scope: Scope | None) -> list[dict[str, list[str]]]:
    """Return what a key must have, in either header; nothing too, for where there are no keys."""
    return [] if scope is None else [{"bearer": [scope]}, {"header": [scope]}, {}]


def _problems(kinds: tuple[type[problems.ProblemError], ...], status: int) -> dict[str, Any]:
    return {
        "description": "; or: ".join(kind.title for kind in kinds if kind.status == status),
        "content": {problems.CONTENT_TYPE: {"schema": _ref(Problem)}},
    }


def _ref(of: type[Any]) -> dict[str, str]:
    return {"$ref": _REF.format(name=of.__name__)}
