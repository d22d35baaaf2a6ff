"""What the REST API takes and answers, as types: one module for each group of routes.

The server encodes these types, the client decodes them, and the API's description
(``GET /openapi.json``) is generated from them. Names are camelCase in JSON. Amounts are `Decimal`
in major units of the currency that the answer or the request names, rates percent, times aware
and in UTC. None is "no data" and is written as ``null``; where a field has None by default it is
left out instead. A client ignores fields of a newer server's answer that it does not know.

`agreements` and `paths` hold what else client and server must agree on.
"""
