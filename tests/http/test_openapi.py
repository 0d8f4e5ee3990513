"""The document: complete, and true of what is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest

from livecode.http.openapi import document
from livecode.http.routes import ROUTES, there
from livecode.model.codec import to_plain
from livecode.model.log import Action, Tried
from livecode.model.pushes import LoggedModule, LoggedPush
from livecode.model.report import Report, Verdict
from livecode.model.schema import definitions, schema_of
from tests.http.asking import PUSH_SECRET
from tests.http.fakes import FakeService, endpoint, head, respond
from tests.model import reports

DOCUMENT = document(there(has_folder=True), "/livecode", 10)
REPORTS = {name: value for name, value in vars(reports).items() if isinstance(value, Report)}


def check(name: str, plain: Any) -> None:
    """Asserts that a value is what a schema of the document says, and nothing more."""
    schemas = json.loads(json.dumps(DOCUMENT["components"]["schemas"]))
    for schema in schemas.values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    jsonschema.Draft202012Validator(whole).validate(plain)


@pytest.mark.parametrize("name", REPORTS)
def test_every_kind_of_report_is_as_the_schema_says(name: str) -> None:
    """No field is missing in the schema, and none is there that is not told."""
    check("Report", json.loads(REPORTS[name].to_json()))


def test_other_answers_are_as_the_schema_says() -> None:
    """What runs, the log, a source, a problem, the document itself."""
    asked = endpoint(FakeService())
    for name, path in (("Status", "/status"), ("Log", "/log"), ("Source", "/modules/a"), ("OpenAPI", "/openapi.json")):
        check(name, json.loads(respond(asked, head("GET", path)).body))
    check("Problem", json.loads(respond(asked, head("GET", "/nothing")).body))
    tried = (Tried("w1", Verdict.LIVE),)
    push = LoggedPush(2, 1, Action.PUSH, (LoggedModule("a", 1, ""),), "ci", "", 1.0, "live", True, tried)
    check("LoggedPush", to_plain(push))


def test_it_is_openapi_and_leads_nowhere_wrong() -> None:
    """Each reference is there, each schema is one, each operation has a name of its own and says what it needs."""
    text = json.dumps(DOCUMENT)
    schemas = DOCUMENT["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(schemas)
    operations = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) == len(ROUTES)
    assert all({"200", "400", "401", "404"} <= set(operation["responses"]) for operation in operations)
    assert all(operation["summary"] for operation in operations)


def test_it_tells_of_what_there_is() -> None:
    """Without a folder no reload; the server is the place where it is mounted."""
    plain = json.loads(respond(endpoint(FakeService()), head("GET", "/openapi.json", mount="/x")).body)
    assert "/reload" not in plain["paths"]
    assert plain["servers"] == [{"url": "/x"}]
    assert PUSH_SECRET not in json.dumps(plain)


@dataclass(frozen=True, slots=True)
class Inner:
    """Something inside."""

    pair: tuple[int, str]


@dataclass(frozen=True, slots=True)
class Outer:
    """What is
    around.

    Attributes:
        inner: All of them,
            or none.
        word: A word.
    """

    inner: tuple[Inner, ...]
    word: str | None = None


def test_a_schema_is_made_of_annotations_and_docstrings() -> None:
    """Everything that a field is made of is defined, with what its docstring says."""
    found = definitions(Outer)
    assert list(found) == ["Inner", "Outer"]
    assert found["Outer"]["description"] == "What is around."
    assert found["Outer"]["properties"]["inner"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Inner"},
        "description": "All of them, or none.",
    }
    assert found["Outer"]["properties"]["word"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert schema_of(Verdict)["enum"] == [each.value for each in Verdict]
    with pytest.raises(TypeError):
        schema_of(object)
