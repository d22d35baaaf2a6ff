"""Check the form of refusals."""


def problem(response, status, *, field=None):
    """Check the form of a problem response, and return the problem."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document.get("field") == field
    assert "Traceback" not in response.text
    return document
