"""The single-page app of examples/spa, in a browser, with the sample API and the Pets store deployed and a real OpenID provider."""

import json
import os
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cloud import ROOT
from pets import PETS
from shell import shown
from stories import AUDIENCE
from template import Resolver, yaml_parse

APP = ROOT / "examples/spa"
BROWSER = ROOT / "tests/browser"
CHROMIUM = "/usr/bin/chromium"
PICTURES = ROOT / "target/deploy-test/browser"
# A function's first answer takes as long as it takes to start on a busy machine.
PATIENCE = 120


def deployed(check, cloud, directory):
    if not browser(check, APP, BROWSER):
        return
    built = Path(directory) / "spa"
    run = shown(["npm", "run", "build"], cwd=APP, env=os.environ | {"SPA_OUT_DIR": str(built)})
    check("npm run build", run and (built / "settings.json").exists(), run)

    command = ["node", str(BROWSER / "deployed.mjs"), str(built), AUDIENCE, str(PICTURES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as story:
        try:
            # The provider warns of its version of Node.js first.
            told = json.loads(next(line for line in story.stdout if line.startswith("{")))
            sample = cloud.deploy("spa", Issuer=told["issuer"], Audience=AUDIENCE, AllowOrigin=told["origin"], InvalidToken="unauthorized")
            uncached(cloud, sample)
            document = json.loads((PETS / "authorizer.json").read_text())
            del document["$schema"]
            (issuer,) = document["issuers"]
            issuer["issuer"], issuer["audience"] = told["issuer"], AUDIENCE
            document["invalid_token"] = "unauthorized"
            authorizer = cloud.deploy("spa-authorizer", SampleApi="false", Configuration=json.dumps(document)).function
            store = cloud.deploy("spa-pets", PETS / "template.yaml", AuthorizerArn=authorizer)
            front = [
                Front(cloud, sample, gateway(ROOT / "template.yaml", AllowOrigin=told["origin"], InvalidToken="unauthorized")),
                Front(cloud, store, gateway(PETS / "template.yaml")),
            ]
            story.stdin.write(json.dumps({"movies": front[0].url, "pets": front[1].url}) + "\n")
            story.stdin.flush()
            taken(check, story, "deployed.mjs")
        finally:
            story.kill()


def browser(check, *packages):
    """Whether there is a browser, with what these packages need. By hand, it may be missing."""
    missing = [name for name in ("node", "npm", CHROMIUM) if not shutil.which(name)]
    if missing and not os.environ.get("CI"):
        print(f"     nothing is tried in a browser: there is no {' and no '.join(missing)}")
        return False
    check("there are Node.js and Chromium", not missing, missing)
    for folder in packages:
        run = shown(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)
        check(f"npm ci in {folder.relative_to(ROOT)}", run, run)
    return True


def taken(check, story, script):
    """Checks each step that a script tells of in a browser."""
    steps = 0
    for line in story.stdout:
        print(f"     | {line.rstrip()}", flush=True)
        if line.startswith(("ok ", "FAIL ")):
            steps += 1
            check(f"in a browser: {line.split(maxsplit=1)[1].strip()}", line.startswith("ok "), f"see {PICTURES}")
    written = (BROWSER / script).read_text().count("await step(")
    check("in a browser: every step was taken", story.wait() == 0 and steps == written, f"{steps} of {written}, exit status {story.wait()}")


def uncached(cloud, stack):
    """A token that expires would be served from the cache. The local AWS evaluates no `Condition`, and knows CacheSeconds by its default alone."""
    client = cloud.client("apigateway")
    never = [{"op": "replace", "path": "/authorizerResultTtlInSeconds", "value": "0"}]
    for authorizer in client.get_authorizers(restApiId=stack.api)["items"]:
        client.update_authorizer(restApiId=stack.api, authorizerId=authorizer["id"], patchOperations=never)


def gateway(file, **parameters):
    """What a template says about CORS and gateway responses."""
    template = yaml_parse(file.read_text())
    defaults = {name: parameter for name, parameter in template["Parameters"].items() if "Default" in parameter}
    resolver = Resolver(template | {"Parameters": defaults})
    resolver.values |= parameters
    return resolver.resources(template)["Api"]["Properties"]


def headers(settings):
    """Headers of a template, whose values are mapping expressions: texts in quotes."""
    return {name: value.strip("'").replace('\\"', '"') for name, value in settings.items()}


class Front:
    """What the local AWS leaves out of API Gateway: the preflights, and the gateway responses, both as the template has them."""

    def __init__(self, cloud, stack, api):
        cors, responses = api["Cors"], api["GatewayResponses"]
        preflight = headers({f"Access-Control-Allow-{name}": cors[f"Allow{name}"] for name in ("Origin", "Headers", "Methods")})

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_OPTIONS(self):
                self.answer(200, preflight, "")

            def do_GET(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else None
                sent = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
                response = cloud.request(cloud.host(stack.api), self.command, f"/{stack.stage}{self.path}", sent, body, PATIENCE)
                status = response.status
                own = {401: "UNAUTHORIZED", 403: "ACCESS_DENIED"}.get(status, "DEFAULT_5XX" if status >= 500 else None)
                # The functions let pages read what they answer, so what cannot be read is the gateway's own.
                if own and response.header("Access-Control-Allow-Origin") is None:
                    text = responses[own]["ResponseTemplates"]["application/json"]
                    # The local AWS does not say what the authorizer passed on.
                    text = text.replace("$context.authorizer.error", "").replace("$context.authorizer.reason", "")
                    self.answer(status, headers(responses[own]["ResponseParameters"]["Headers"]), text)
                else:
                    kept = {name.title(): value for name, value in response.headers.items() if name.lower().startswith(("access-control-", "cache-", "content-type"))}
                    self.answer(status, kept, response.body)

            do_POST = do_DELETE = do_GET

            def answer(self, status, fields, text):
                body = text.encode()
                self.send_response(status)
                for name, value in ({"Content-Type": "application/json"} | fields | {"Content-Length": str(len(body))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
