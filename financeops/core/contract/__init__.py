"""What the REST API takes and answers, as types: one module for each group of routes.

The server encodes these types, and the API's description (``GET /openapi.json``) is generated
from them. Names are camelCase in JSON. A field that is `UNSET` is left out of an answer; None is
"no data" and is written as ``null``.
"""
