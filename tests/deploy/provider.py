"""An identity provider and the endpoint of the Parameters and Secrets extension, on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse


class Provider:
    """Serves `keys` by OIDC discovery and `stored` secrets; while `down`, it answers everything with 503."""

    def __init__(self):
        self.keys = []
        self.stored = {}
        self.down = False
        self.key_fetches = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                status, document = (503, {}) if provider.down else provider.answer(urlparse(self.path), self.headers)
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.issuer = f"http://127.0.0.1:{self.port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, url, headers):
        if url.path == "/.well-known/openid-configuration":
            return 200, {"issuer": self.issuer, "jwks_uri": f"{self.issuer}jwks"}
        if url.path == "/jwks":
            self.key_fetches += 1
            return 200, {"keys": [key.jwk() for key in self.keys]}
        query = parse_qs(url.query)
        if not headers.get("X-Aws-Parameters-Secrets-Token"):
            return 401, {}
        if url.path == "/secretsmanager/get" and query.get("versionStage", ["AWSCURRENT"]) == ["AWSCURRENT"]:
            name = query["secretId"][0]
            if name in self.stored:
                return 200, {"Name": name, "SecretString": self.stored[name]}
        if url.path == "/systemsmanager/parameters/get":
            name = query["name"][0]
            if name in self.stored:
                return 200, {"Parameter": {"Name": name, "Value": self.stored[name]}}
        return 404, {"__type": "ResourceNotFoundException"}
