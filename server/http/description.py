"""The API's description (OpenAPI), generated from the types that encode and decode.

Routes declare with `answers` the type of each status. `describe` adds the schemas of these types and
what only the running server knows: methods, currencies, time zones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from functools import cache
from inspect import cleandoc
from itertools import product
from string import ascii_uppercase
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from financeops.core.contract.agreements import IDEMPOTENCY_KEY, JSON
from financeops.core.contract.forms import Document
from financeops.core.contract.problems import Problem
from financeops.core.contract.requests import PaymentRequest
from financeops.core.contract.texts import Text
from financeops.core.errors import InvalidValue
from financeops.core.money import MAX_MINOR, exponent
from financeops.core.payments import OPTIONAL, Status
from financeops.core.periods import zone_names
from financeops.core.wire import encode
from server.http import examples

_REF = "#/components/schemas/"
_MEANINGS = {
    400: "The webhook is not signed with a secret of its tenant, or was signed too long ago",
    403: "The request comes from a web page whose origin is not allowed",
    404: "The tenant or payment does not exist",
    409: "The request contradicts what is recorded",
    413: "The body is too large",
    415: "The body is not JSON",
    421: "The server does not answer to this `Host`; `FINANCEOPS_ALLOWED_HOSTS` lists those it does",
    422: "A parameter or field is wrong; `field` names it",
    500: "The server failed; its log has the details",
    503: "The database is away; `Retry-After` says when to try again",
}
_OF_ALL = (403, 413, 421, 422, 500)
"""Refusals that any route may give."""

_types: list[Any] = [PaymentRequest, Problem]


def schema_of(kind: Any) -> dict[str, Any]:
    """Return a schema that refers to a type of the contract, and add the type to the components."""
    _types.append(kind)
    (schema,), _ = _schemas([kind])
    return schema


def _schemas(kinds: Sequence[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """Return the schemas of these types, and the components that they refer to by name."""
    return msgspec.json.schema_components(
        kinds, schema_hook=_nothing_more, ref_template=f"{_REF}{{name}}"
    )


def _nothing_more(_: type) -> dict[str, Any]:
    """Return no schema for a type that msgspec does not know: the contract adds it to each field."""
    return {}


def component(name: str) -> dict[str, Any]:
    """Return a schema that refers to a component of the description."""
    return {"$ref": f"{_REF}{name}"}


def answers(
    kind: Any, *errors: int, status: int = 200, meaning: str = "OK", **more: Any
) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route: its answer, and the errors that only it gives.

    `more` has further members of the answer, such as its `headers`.
    """
    content = {JSON: {"schema": schema_of(kind)}}
    return {
        status: {"description": meaning, "content": content, **more},
        **refusals(*errors),
    }


def page(media_type: str, *errors: int, meaning: str = "OK") -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that answers with text of this media type."""
    content = {media_type: {"schema": {"type": "string"}}}
    return {200: {"description": meaning, "content": content}, **refusals(*errors)}


def refusals(*errors: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of these errors, each a problem."""
    return {error: _refusal(error) for error in errors}


def header(description: str, *, required: bool = False) -> dict[str, Any]:
    """Describe a header of an answer."""
    return {"description": description, "required": required, "schema": {"type": "string"}}


def key_header(meaning: str) -> dict[str, Any]:
    """Return the description of the header `Idempotency-Key`."""
    return {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "schema": schema_of(Text),
        "description": meaning,
    }


def body(kinds: Mapping[str, Any], *, example: Any) -> dict[str, Any]:
    """Return the `requestBody` of a route that reads its body itself: a schema per media type."""
    content = {kind: {"schema": schema} for kind, schema in kinds.items()}
    content[JSON]["example"] = _as_json(example)
    return {"required": True, "content": content}


def _refusal(status: int) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": _MEANINGS[status],
        "content": {"application/problem+json": {"schema": component("Problem")}},
    }
    if status == 503:
        described["headers"] = {"Retry-After": header("Seconds after which to try again")}
    return described


def describe(app: FastAPI, *, methods: tuple[str, ...]) -> dict[str, Any]:
    """Return the OpenAPI document of the application."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = document["components"]["schemas"]
    # The framework's own error answers; this API answers with problems instead.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas |= _components(methods)
    for operation in _operations(document):
        for status in _OF_ALL:
            operation["responses"][str(status)] = _refusal(status)
        operation["responses"] = dict(sorted(operation["responses"].items()))
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _parameter(parameter["name"], parameter["schema"])
            # Lists accept methods of the past too, as their description says.
            if parameter["name"] == "method":
                parameter["schema"] = {"type": "string", "enum": sorted(methods)}
    return document


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from item.values()


def _components(methods: tuple[str, ...]) -> dict[str, Any]:
    _, found = _schemas(_types)
    components = {name: _with_numbers(schema) for name, schema in sorted(found.items())}
    for name in documents().keys() & components.keys():
        _leave_out(components[name])
    for example in examples.ANSWERS:
        # An example may be there before its route is.
        if (name := type(example).__name__) in components:
            components[name]["examples"] = [_as_json(example)]
    for schema in components.values():
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
    imported = components.pop("PaymentRequest")
    components["CurrencyCode"] = {
        "type": "string",
        "description": "ISO 4217",
        "enum": sorted(code for codes in _currencies().values() for code in codes),
    }
    components["TimezoneName"] = {
        "type": "string",
        "description": "IANA time zone",
        "enum": sorted(zone_names()),
    }
    components["RatesRequest"]["properties"]["base"] = component("CurrencyCode")
    components["ImportedPayment"] = _request(imported, methods, ("success", "failed", "refunded"))
    components["NewPayment"] = _request(imported, methods, ("success", "failed"))
    return components


def _request(
    schema: Mapping[str, Any], methods: tuple[str, ...], statuses: tuple[str, ...]
) -> dict[str, Any]:
    """Return the schema of a payment to record, with the rules that join fields, and the settings."""
    described = deepcopy(dict(schema))
    fields = described["properties"]
    fields["method"]["enum"] = sorted(methods)
    fields["status"]["enum"] = list(statuses)
    for name in ("currency", "settledCurrency"):
        fields[name] = {"anyOf": [component("CurrencyCode"), {"type": "null"}]}
    fields["amount"]["multipleOf"] = 0.0001
    described["examples"] = [_as_json(examples.REQUEST)]
    amounts = {
        "anyOf": [
            *(_amounts(decimals, codes) for decimals, codes in _currencies().items()),
            {"properties": {"currency": {"type": "null"}}},
        ]
    }
    apart = []
    imported = []
    for field in OPTIONAL:
        if field.only is None:
            continue
        if field.only not in statuses:
            del fields[field.json]
        elif field.only is Status.REFUNDED:
            imported.append(_only(statuses, field.only, field.json))
        else:
            apart.append(_only(statuses, field.only, field.json))
    described["allOf"] = [*apart, amounts, *imported]
    return described


def _only(statuses: tuple[str, ...], status: str, field: str) -> dict[str, Any]:
    """Allow a field with one status only."""
    others = [each for each in statuses if each != status]
    return {
        "anyOf": [
            {"properties": {"status": {"const": status}}},
            {"properties": {"status": {"enum": others}, field: {"type": "null"}}},
        ]
    }


def _amounts(decimals: int, codes: list[str]) -> dict[str, Any]:
    """Return the rule for amounts in currencies with this number of decimals."""
    step = 10**-decimals if decimals else 1
    return {
        "required": ["currency"],
        "properties": {
            "currency": {"enum": codes},
            "amount": {"multipleOf": step, "maximum": MAX_MINOR // 10**decimals},
        },
    }


@cache
def _currencies() -> dict[int, list[str]]:
    """Return all accepted currencies by number of decimals, found by asking the check itself."""
    found: dict[int, list[str]] = {}
    for code in map("".join, product(ascii_uppercase, repeat=3)):
        with suppress(InvalidValue):
            found.setdefault(exponent(code), []).append(code)
    return found


_LISTED = {
    **dict.fromkeys(("currency", "base", "quote"), "CurrencyCode"),
    "timezone": "TimezoneName",
}
"""Parameters whose values a component lists."""


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter without null: a parameter is left out instead."""
    kinds = [each for each in schema.pop("anyOf", []) if each != {"type": "null"}]
    if name in _LISTED:
        listed = component(_LISTED[name])
        also = [each for each in kinds if "enum" in each]
        return {"anyOf": [listed, *also]} if also else listed
    schema.pop("title", None)
    return {**schema, **(kinds[0] if len(kinds) == 1 else {})}


def _with_numbers(schema: Any) -> Any:
    """Return the same schema with decimals as numbers, as they are written."""
    if isinstance(schema, list):
        return [_with_numbers(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {"type": "number"}
    return {key: _with_numbers(value) for key, value in schema.items()}


def _as_json(example: Any) -> Any:
    """Return the example as plain JSON values, without Decimal."""
    return msgspec.json.decode(encode(example))


def documents() -> dict[str, type[Document]]:
    """Return every type of an answer, or of a part of one, by name."""
    found: dict[str, type[Document]] = {}
    waiting = [Document]
    while waiting:
        kind = waiting.pop()
        found[kind.__name__] = kind
        waiting += kind.__subclasses__()
    return found


def _leave_out(schema: dict[str, Any]) -> None:
    """Describe fields with a default as left out, never null, when they have no value."""
    fields = schema["properties"]
    for name in fields.keys() - set(schema["required"]):
        kind, _null = fields[name].pop("anyOf")
        del fields[name]["default"]
        fields[name] |= kind
