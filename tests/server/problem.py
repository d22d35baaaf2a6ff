"""What every refusal must be."""


def problem(response, status, *, field=None):
    """The problem that a response tells, once its form is right."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document.get("field") == field
    assert "Traceback" not in response.text
    return document
