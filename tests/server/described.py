"""Holds an answer against what the API's description says of it."""

from financeops.core import wire
from server.http.description import documents

PROBLEM = "application/problem+json"


def check(document, method, path, response):
    """The status and the kind of an answer are described, and all of its JSON is.

    `document` is the description, `path` the route's in it. What a type does not say is lost when
    JSON is read as that type and written again: so the text must come back, byte for byte.
    """
    answers = document["paths"][path][method.lower()]["responses"]
    where = (method, path, response.status_code, response.text[:2000])
    assert str(response.status_code) in answers, where
    contents = {
        kind.partition(";")[0]: content
        for kind, content in answers[str(response.status_code)]["content"].items()
    }
    kind = response.headers["content-type"].partition(";")[0]
    assert kind in contents, where
    if kind in {"application/json", PROBLEM} and path != "/openapi.json":
        read = wire.read(type_of(contents[kind]["schema"]), response.content)
        assert wire.encode(read) == response.content, where


def type_of(schema):
    """The contract's type that a schema refers to."""
    if schema.get("type") == "array":
        return list[type_of(schema["items"])]
    return documents()[schema["$ref"].rpartition("/")[2]]
