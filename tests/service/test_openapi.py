"""The OpenAPI document says what the routes do: nothing dangles, and its schemas decide alike."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import pytest

from service.http import openapi
from service.http.body import BodyDecoder
from service.http.contract import ADMIN, CATALOGUE, OPERATIONS, SIMILAR, Operation
from service.http.guard import needed
from service.http.problems import ProblemError, document
from service.http.wire import SlateAnswer

DOCUMENT: dict[str, Any] = json.loads(msgspec.json.encode(openapi.document("1.2.3")))
SCHEMAS = DOCUMENT["components"]["schemas"]

operations = pytest.mark.parametrize(
    "operation",
    [*OPERATIONS, *CATALOGUE, *ADMIN],
    ids=lambda operation: f"{operation.method} {operation.path}",
)


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of the document, however deep."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def resolve(reference: str) -> Any:
    assert reference.startswith("#/"), "nothing is fetched from elsewhere"
    node: Any = DOCUMENT
    for key in reference[2:].split("/"):
        node = node[key.replace("~1", "/").replace("~0", "~")]
    return node


def validator(reference: dict[str, str]) -> jsonschema.Draft202012Validator:
    """Return what checks a value against one of the document's schemas."""
    return jsonschema.Draft202012Validator({**reference, "components": DOCUMENT["components"]})


def test_it_is_an_openapi_3_1_document() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert DOCUMENT["info"]["version"] == "1.2.3"
    assert {"openapi", "info", "paths", "components"} <= set(DOCUMENT)
    for path, item in DOCUMENT["paths"].items():
        assert path.startswith("/")
        for method, operation in item.items():
            assert method in {"get", "post", "put", "delete"}
            assert operation["responses"]
            for status, response in operation["responses"].items():
                assert status.isdigit()
                assert response["description"]


def test_every_reference_resolves() -> None:
    references = [node["$ref"] for node in walk(DOCUMENT) if "$ref" in node]
    assert len(references) > 20
    for reference in references:
        assert isinstance(resolve(reference), dict)


def test_no_schema_is_left_over() -> None:
    used = {node["$ref"].rsplit("/", 1)[-1] for node in walk(DOCUMENT) if "$ref" in node}
    assert used == set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_json_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


def test_operation_ids_are_unique() -> None:
    ids = [
        operation["operationId"]
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
    ]
    assert len(set(ids)) == len(ids)


@operations
def test_every_example_decodes_and_fits_its_schema(operation: Operation[Any]) -> None:
    described = DOCUMENT["paths"][operation.path][operation.method.lower()]
    content = described["requestBody"]["content"]["application/json"]
    assert content["example"] == operation.example
    BodyDecoder(operation.request, 10**6)(json.dumps(content["example"]).encode())
    validator(content["schema"]).validate(content["example"])


@operations
def test_every_problem_that_an_operation_declares_is_documented(operation: Operation[Any]) -> None:
    responses = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]
    for problem in operation.problems:
        assert problem.title in responses[str(problem.status)]["description"]
    assert {"200", "400", "413", "415", "422", "500"} <= set(responses)


def test_every_route_tells_the_scope_that_the_door_asks_for() -> None:
    all_of_them = (*OPERATIONS, *CATALOGUE, *ADMIN)
    scopes = {(one.path, one.method.lower()): one.scope for one in all_of_them}
    for path, item in DOCUMENT["paths"].items():
        for method, described in item.items():
            scope = needed(path) if method == "get" else scopes[path, method]
            asked = {one for way in described["security"] for ones in way.values() for one in ones}
            assert asked == ({scope} if scope else set())
            assert ({"401", "403", "429"} <= set(described["responses"])) == (scope is not None)
            ways = {name for way in described["security"] for name in way}
            assert ways <= set(DOCUMENT["components"]["securitySchemes"])


def test_a_problem_as_it_is_sent_fits_its_schema() -> None:
    check = validator({"$ref": "#/components/schemas/Problem"})
    for path in ("$.limit", None):
        problem = SIMILAR.problems[0]("no such items; send known ids", path)
        check.validate(json.loads(document(problem, "r-1")))


def test_a_slate_as_it_is_sent_fits_its_schema() -> None:
    slate = {
        "request_id": "r",
        "model_version": "v",
        "surface": "home",
        "variant": "control",
        "items": [
            {
                "item_id": "1",
                "score": 1.5,
                "source": "vector",
                "reason": "x",
                "properties": {"title": "a"},
            }
        ],
        "degraded": [{"stage": "context", "reason": "store_down"}],
        "coverage": {"features": 1.0, "scored": 0.5},
    }
    sent = msgspec.json.encode(msgspec.json.decode(json.dumps(slate), type=SlateAnswer))
    assert json.loads(sent) == slate
    validator({"$ref": "#/components/schemas/SlateAnswer"}).validate(slate)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/recommendations", {"user_id": ""}),
        ("/v1/recommendations", {"user_id": "a" * 129}),
        ("/v1/recommendations", {"user_id": 5}),
        ("/v1/recommendations", {"user_id": "1", "limit": 0}),
        ("/v1/recommendations", {"user_id": "1", "limit": 201}),
        ("/v1/recommendations", {"user_id": "1", "limits": 5}),
        ("/v1/recommendations", {"user_id": "1", "diversity": 1.5}),
        ("/v1/recommendations", {"user_id": "1", "deadline_ms": 0}),
        ("/v1/recommendations", {"session": ["1"] * 201}),
        ("/v1/rank", {"user_id": "1"}),
        ("/v1/rank", {"candidates": []}),
        ("/v1/rank", {"candidates": ["1"] * 5001}),
        ("/v1/similar", {"seed_items": []}),
        ("/v1/models/activate", {}),
        ("/v1/models/activate", {"version": ""}),
        ("/v1/models/rollback", {"version": "2026-11-22-1"}),
        ("/v1/events", {"events": []}),
        ("/v1/events", {"events": [{"user_id": "1"}]}),
        ("/v1/events", {"events": [{"user_id": "1", "item_id": "2", "type": "hate"}]}),
        ("/v1/events", {"events": [{"user_id": "1", "item_id": "2", "timestamp_ms": -1}]}),
        ("/v1/events", {"events": [{"user_id": "1", "item_id": "2", "when": 5}]}),
    ],
)
def test_what_the_decoder_refuses_the_schema_refuses_too(path: str, body: Any) -> None:
    [operation] = [one for one in (*OPERATIONS, *ADMIN) if one.path == path]
    with pytest.raises(ProblemError):
        BodyDecoder(operation.request, 10**6)(json.dumps(body).encode())
    content = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    with pytest.raises(jsonschema.ValidationError):
        validator(content["schema"]).validate(body)
