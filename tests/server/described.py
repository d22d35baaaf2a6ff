"""Check an answer against the API's description."""

from financeops.core import wire
from server.http.description import documents

PROBLEM = "application/problem+json"


def check(document, method, path, response):
    """Check that status, media type and all of the JSON of an answer are described.

    `document` is the description, `path` that of the route in it. Reading JSON as a type and writing it
    again loses what the type leaves out, so the text must come back byte for byte.
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
    """Return the contract's type to which a schema refers."""
    if schema.get("type") == "array":
        return list[type_of(schema["items"])]
    return documents()[schema["$ref"].rpartition("/")[2]]
