"""AWS, or a local AWS (ministack) in a process of its own, with SAM in front of it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parents[2]
REGION = "us-east-1"
# The local AWS runs a function on this machine.
ARCHITECTURE = "arm64" if os.uname().machine == "aarch64" else "x86_64"


def committed():
    """The time of the commit, or of the beginning of the day where there is no repository."""
    git = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True)
    return git.stdout.strip() or str(int(time.time()) // 86400 * 86400)


def listening(session):
    """The addresses on which the processes of a session listen."""
    sockets = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
            if int(fields[3]) == session:
                sockets |= {os.readlink(descriptor) for descriptor in (process / "fd").iterdir()}
        except OSError:  # it has ended
            continue
    addresses = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in (Path("/proc/net") / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                words = bytes.fromhex(fields[1].split(":")[0])
                # Words of four bytes, each in the machine's order.
                octets = b"".join(words[i:i + 4][::-1 if sys.byteorder == "little" else 1] for i in range(0, len(words), 4))
                addresses.add(socket.inet_ntop(family, octets))
    return addresses


class Account:
    """What the environment's credentials and region open: AWS, or what AWS_ENDPOINT_URL points at."""

    def __init__(self, environment, region):
        self.environment, self.region = environment, region
        self.url = environment.get("AWS_ENDPOINT_URL")

    def client(self, service):
        return boto3.client(service, region_name=self.region)

    def host(self, api):
        return f"{api}.execute-api.localhost" if self.url else f"{api}.execute-api.{self.region}.amazonaws.com"

    def request(self, host, method, path, headers=None, body=None, timeout=60):
        if self.url:
            address = urllib.parse.urlparse(self.url)
            connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
        else:
            connection = http.client.HTTPSConnection(host, timeout=timeout)
        try:
            connection.request(method, path, body, {"Host": host} | (headers or {}))
            response = connection.getresponse()
            return Response(response.status, dict(response.getheaders()), response.read().decode())
        finally:
            connection.close()

    def sam(self, *arguments):
        # SAM writes much of every deployment. Its last words are shown if it fails.
        print(f"     $ sam {' '.join(map(str, arguments[:3]))} ...", flush=True)
        run = subprocess.run(["sam", *map(str, arguments)], env=self.environment, cwd=ROOT, capture_output=True, text=True)
        if run.returncode:
            said = f"{run.stdout[-4000:]}\n{run.stderr[-4000:]}".strip() or "(nothing)"
            raise SystemExit(f"sam {arguments[0]}: exit status {run.returncode}, and it said:\n{said}")
        return run.stdout

    def deploy(self, stack, template=None, file=None, **parameters):
        """`sam deploy`, with parameters in a file of `authz deploy-parameters` and others; of what `sam build` made unless a template is named."""
        overrides = [f"file://{file}"] if file else []
        overrides += [f"{name}={json.dumps(value)}" for name, value in parameters.items()]
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as answers:
            answers.write("version = 0.1\n[default.deploy.parameters]\n")
            answers.write(f"parameter_overrides = {json.dumps(overrides)}\n")
            answers.flush()
            self.sam(
                "deploy", "--stack-name", stack, "--config-file", answers.name, "--resolve-s3",
                "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar",
                *(["--template-file", str(template)] if template else []),
            )
        outputs = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        return Deployed(self, {output["OutputKey"]: output["OutputValue"] for output in outputs})


class Cloud(Account):
    """A local AWS on loopback."""

    def __init__(self, directory, extension_port):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.directory = Path(directory)
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            # The release script's own, so that it finds built what `sam build` built.
            "SOURCE_DATE_EPOCH": committed(),
            "SAM_CLI_TELEMETRY": "0",
            "SAMCLI_UPDATE_CHECK": "0",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        super().__init__(own, REGION)
        # The functions inherit the variables of the local AWS.
        inherited = {
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            # It listens on every address.
            "IOT_MTLS_ENABLED": "0",
            "AWS_SESSION_TOKEN": "test",
            "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(extension_port),
            "TMPDIR": str(self.directory),
        }
        self.log = open(self.directory / "ministack.log", "wb")
        self.process = subprocess.Popen(
            ["ministack"], env=self.environment | inherited, cwd=self.directory, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True
        )
        self.wait()
        self.functions = self.client("lambda")

    def wait(self):
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.request("127.0.0.1", "GET", "/_ministack/health").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        self.stop()
        said = (self.directory / "ministack.log").read_text()[-2000:].strip() or "(nothing)"
        raise SystemExit(f"ministack, the local AWS, does not start: exit status {self.process.poll()}, and it said:\n{said}")

    def stop(self):
        """Ends it and the functions that it started, which are the group of the one process started here."""
        for stop in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, stop)
            except ProcessLookupError:
                break
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        self.log.close()

    def client(self, service):
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def header(self, name):
        return next((value for header, value in self.headers.items() if header.lower() == name.lower()), None)


class Deployed:
    """A stack."""

    def __init__(self, cloud, outputs):
        self.cloud, self.outputs = cloud, outputs
        self.function = outputs.get("AuthorizerArn")
        self.api = outputs["ApiUrl"].split("//")[1].split(".")[0] if "ApiUrl" in outputs else None
        self.stage = outputs["ApiUrl"].rsplit("/", 1)[1] if "ApiUrl" in outputs else None

    def send(self, method, path, authorization=None, headers=None):
        """What `curl` does with the address in the stack's outputs."""
        sent = dict(headers or {}) | ({} if authorization is None else {"Authorization": authorization})
        return self.cloud.request(self.cloud.host(self.api), method, f"/{self.stage}{path}", sent)

    def invoke(self, event):
        answer = self.cloud.functions.invoke(FunctionName=self.function, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def configuration(self):
        found = self.cloud.functions.get_function_configuration(FunctionName=self.function)
        return found["Environment"]["Variables"]["AUTHORIZER_CONFIG"]

    def configure(self, document):
        text = document if isinstance(document, str) else json.dumps(document)
        self.cloud.functions.update_function_configuration(
            FunctionName=self.function, Environment={"Variables": {"AUTHORIZER_CONFIG": text}}
        )
