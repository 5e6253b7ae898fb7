"""Verifies a token by its issuer's documents, as programs with PyJWT do: reads it, prints its claims as JSON.

usage: verify.py ISSUER AUDIENCE AUTHORITY ADDRESS

AUTHORITY is a file in PEM, which vouches for the issuer's host; ADDRESS is where that host is, for no DNS knows it.
"""

import json
import socket
import ssl
import sys
import urllib.request
from urllib.parse import urlsplit

import jwt

issuer, audience, authority, address = sys.argv[1:]
ask_dns = socket.getaddrinfo


def find(host, *rest, **options):
    """The issuer's host is at the address."""
    return ask_dns(address if host == urlsplit(issuer).hostname else host, *rest, **options)


socket.getaddrinfo = find
tls = ssl.create_default_context(cafile=authority)
with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", context=tls, timeout=10) as answer:
    document = json.load(answer)
if document["issuer"] != issuer:
    sys.exit(f"the document is of {document['issuer']}")

token = sys.stdin.read().strip()
try:
    key = jwt.PyJWKClient(document["jwks_uri"], ssl_context=tls).get_signing_key_from_jwt(token)
    claims = jwt.decode(
        token,
        key,
        algorithms=document["id_token_signing_alg_values_supported"],
        audience=audience,
        issuer=issuer,
        options={"require": ["exp", "iat", "sub"]},
    )
except jwt.PyJWTError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(json.dumps(claims))
