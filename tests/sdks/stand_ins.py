"""What a pod's SDK can ask, each at its real address: Pod Identity's agent, ECS's agent, the node's
instance metadata, STS, another service, and a proxy. The access key id that each gives says who gave it.

The addresses exist only in the network namespace that `run` makes.
"""

import json
import re
import socket
import ssl
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "the-token-in-the-file"
REGION = "eu-west-1"
PROXY = "http://127.0.0.1:3128"
OTHER_SERVICE = "http://127.0.0.1:9000"
# The roles that STS knows, and the access key ids that it gives for each.
ROLES = {"arn:aws:iam::111122223333:role/injected": "WEBIDENTITY", "arn:aws:iam::111122223333:role/other": "OTHERROLE"}
EXPIRY = "2099-01-01T00:00:00Z"


def start(folder):
    """Serves all of them, for as long as the process lives; returns the list of what will be seen."""
    seen = []
    addresses = [
        (Agent, "169.254.170.23", 80),
        (Agent, "fd00:ec2::23", 80),
        (EcsAgent, "169.254.170.2", 80),
        (Metadata, "169.254.169.254", 80),
        (Sts, "127.0.0.1", 443),
        (OtherService, "127.0.0.1", 9000),
        (Proxy, "127.0.0.1", 3128),
    ]
    for handler, host, port in addresses:
        server = Server((host, port), handler)
        server.seen = seen
        if handler is Sts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / "sts.crt", folder / "sts.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    return seen


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, handler):
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, request, client_address):
        """A client that goes away is its own business."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Nothing: the table says it."""

    def answer(self, status, body, kind="application/json"):
        body = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if kind == "text/plain":
            self.send_header("X-aws-ec2-metadata-token-ttl-seconds", "21600")
        self.end_headers()
        self.wfile.write(body.encode())


def keys(key_id):
    return {"AccessKeyId": key_id, "SecretAccessKey": "secret", "Token": "session", "Expiration": EXPIRY}


class Agent(Handler):
    """Pod Identity's: gives nothing without the token that kubelet wrote."""

    def do_GET(self):
        if self.path != "/v1/credentials" or self.headers["Authorization"] != TOKEN:
            self.answer(401, {"code": "AccessDenied", "message": "not the token in the file"})
        else:
            self.answer(200, keys("AGENT"))


class EcsAgent(Handler):
    def do_GET(self):
        self.answer(200, keys("ECSAGENT"))


class Metadata(Handler):
    """EC2's: the node's own role."""

    def do_PUT(self):
        self.answer(200, "metadata-token", "text/plain")

    def do_GET(self):
        answers = {
            "/latest/meta-data/iam/security-credentials/": "node",
            "/latest/meta-data/iam/security-credentials": "node",
            "/latest/meta-data/iam/security-credentials/node": {
                "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z", **keys("NODE")
            },
            "/latest/meta-data/placement/region": REGION,
            "/latest/dynamic/instance-identity/document": {"region": REGION},
        }
        found = answers.get(self.path)
        self.answer(404 if found is None else 200, found or "", "text/plain")


class Sts(Handler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        query = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        action = query["Action"]
        self.server.seen.append(f"STS {self.headers['Host']}")
        if action == "AssumeRole":
            signer = re.search(r"Credential=(\w+)/", self.headers["Authorization"]).group(1)
            key_id = f"ASSUMED_BY_{signer}"
        elif query["RoleArn"] not in ROLES or query["WebIdentityToken"] != TOKEN:
            return self.refuse()
        else:
            key_id = ROLES[query["RoleArn"]]
        credentials = keys(key_id)
        credentials["SessionToken"] = credentials.pop("Token")
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in credentials.items())
        arn = "<AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/a/b</Arn>" \
            "<AssumedRoleId>AROA:b</AssumedRoleId></AssumedRoleUser>"
        self.answer(
            200,
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>'
            f"<Credentials>{inner}</Credentials>{arn}</{action}Result>"
            f"<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>",
            "text/xml",
        )

    def refuse(self):
        self.answer(
            403,
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
            "<Code>AccessDenied</Code><Message>not authorized to assume this role</Message></Error>"
            "<RequestId>1</RequestId></ErrorResponse>",
            "text/xml",
        )


class OtherService(Handler):
    """One that is not STS, such as an object store in the cluster."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(f"OTHER {self.path}")
        self.answer(404, "<Error><Code>NoSuchBucket</Code><Message>no such bucket</Message></Error>", "text/xml")


class Proxy(Handler):
    """Reaches STS but, like one on another machine, nothing at a link-local address."""

    def do_GET(self):
        token = self.headers["Authorization"]
        self.server.seen.append(f"PROXY {self.path}" + (" TOKEN" if token else ""))
        self.answer(502, "no route from the proxy", "text/html")

    do_PUT = do_POST = do_GET

    def do_CONNECT(self):
        self.server.seen.append(f"CONNECT {self.path}")
        host, port = self.path.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as upstream:
            self.send_response(200)
            self.end_headers()
            threading.Thread(target=copy, args=(upstream, self.connection), daemon=True).start()
            copy(self.connection, upstream)
        self.close_connection = True


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # either side has gone
