"""Whether a binary finds its issuer by name: a network of its own, in which only a name server on loopback knows where the issuer is,
and an issuer under a certificate of an authority of its own. Prints what the binary answered and which names it asked for.

    unshare --mount --net python names.py BINARY"""

import datetime
import fcntl
import json
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import tokens
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# The keys' address may not be on loopback: discovery would be refused.
NAME, ADDRESS = "issuer.example.com", "203.0.113.7"
ISSUER, AUDIENCE = f"https://{NAME}/", "https://api.example.com"
IPV4, IPV6 = 1, 28


def network_up():
    """Brings up the one interface, and gives it the issuer's address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        up = struct.pack("16sH14x", b"lo", 0x1 | 0x40)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS
        address = struct.pack("16sHxx4s8x", b"lo:1", socket.AF_INET, socket.inet_aton(ADDRESS))
        fcntl.ioctl(any_socket, 0x8916, address)  # SIOCSIFADDR


def name_server(asked):
    """Knows one IPv4 address of one name."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def serve():
        while True:
            query, client = server.recvfrom(512)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode())
                at += 1 + query[at]
            kind = struct.unpack_from(">H", query, at + 1)[0]
            name = ".".join(labels).lower()
            asked.add((name, kind))
            known = name == NAME
            answers = [socket.inet_aton(ADDRESS)] if known and kind == IPV4 else []
            head = query[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, len(answers), 0, 0)
            records = b"".join(struct.pack(">HHHIH", 0xC00C, IPV4, 1, 60, len(data)) + data for data in answers)
            server.sendto(head + query[12 : at + 5] + records, client)

    threading.Thread(target=serve, daemon=True).start()


def issuer(directory, keys):
    """The issuer's discovery document and keys over TLS; its authority is `authority.pem` in the directory."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def certificate(subject, key, signer, signing_key, *extensions):
        build = x509.CertificateBuilder().subject_name(subject).issuer_name(signer).public_key(key.public_key())
        build = build.serial_number(x509.random_serial_number())
        build = build.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=1))
        for extension, critical in extensions:
            build = build.add_extension(extension, critical)
        return build.sign(signing_key, hashes.SHA256())

    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    root = certificate(authority_name, authority, authority_name, authority, (x509.BasicConstraints(ca=True, path_length=None), True))
    leaf = certificate(own_name, key, authority_name, authority, (x509.SubjectAlternativeName([x509.DNSName(NAME)]), False))
    pem = serialization.Encoding.PEM
    (directory / "authority.pem").write_bytes(root.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "issuer.pem").write_bytes(leaf.public_bytes(pem) + private)

    documents = {
        "/.well-known/openid-configuration": {"issuer": ISSUER, "jwks_uri": f"{ISSUER}jwks"},
        "/jwks": {"keys": keys},
    }

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            body = json.dumps(documents[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = HTTPServer((ADDRESS, 443), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "issuer.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    binary = sys.argv[1]
    network_up()
    asked = set()
    with tempfile.TemporaryDirectory(prefix="names-") as directory:
        directory = Path(directory)
        for file, text in {"/etc/resolv.conf": "nameserver 127.0.0.1\n", "/etc/hosts": "127.0.0.1 localhost\n"}.items():
            own = directory / Path(file).name
            own.write_text(text)
            subprocess.run(["mount", "--bind", own, file], check=True)
        key = tokens.RsaKey("named")
        name_server(asked)
        issuer(directory, [key.jwk()])
        rules = {"issuer": ISSUER, "audience": AUDIENCE}
        routes = [{"method": "GET", "path": "/orders"}]
        document = {"issuers": [rules], "routes": routes, "tls": {"ca_file": "authority.pem"}}
        (directory / "authorizer.json").write_text(json.dumps(document))
        event = {
            "type": "TOKEN",
            "authorizationToken": f"Bearer {key.token(tokens.claims(ISSUER, AUDIENCE))}",
            "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/orders",
        }
        (directory / "event.json").write_text(json.dumps(event))
        run = subprocess.run(
            [binary, directory / "event.json"], capture_output=True, text=True, timeout=60,
            env={"AUTHORIZER_CONFIG_FILE": str(directory / "authorizer.json")},
        )
    print(json.dumps({"answer": run.stdout, "log": run.stderr, "asked": sorted(asked)}))


if __name__ == "__main__":
    main()
