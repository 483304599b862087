"""The way without SAM: `cargo lambda deploy`, and `cargo lambda watch` with `cargo lambda invoke`."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from cloud import ROOT, listening
from shell import ended, shown

ROLE = "arn:aws:iam::123456789012:role/authorizer"
EVENT = ROOT / "events/movies-get-movie.json"
REFUSED = ROOT / "events/orders-token-of-unknown-key.json"


def answer_to(event):
    return json.loads((ROOT / "events/answers" / event.name).read_text())


def deployed(check, cloud, directory):
    """The binary that `sam build` made is where `cargo lambda build` puts its own. The configuration travels beside it."""
    home = Path(directory) / "cargo-lambda"
    home.mkdir()
    document = json.loads((ROOT / "events/config/authorizer.json").read_text())
    document["issuers"] = [entry for entry in document["issuers"] if "secret" not in entry]
    document["issuers"][0]["jwks_file"] = "orders.jwks.json"
    (home / "authorizer.json").write_text(json.dumps(document))
    (home / "orders.jwks.json").write_bytes((ROOT / "events/keys/orders.jwks.json").read_bytes())
    command = ["cargo", "lambda", "deploy", "--manifest-path", ROOT / "Cargo.toml", "--lambda-dir", ROOT / "target/lambda"]
    command += ["--runtime", "provided.al2", "--include", "authorizer.json", "--include", "orders.jwks.json"]
    command += ["--role", ROLE, "--endpoint-url", cloud.url]
    run = shown(command, env=cloud.environment, cwd=home)
    check("cargo lambda deploy", run, run)
    function = cloud.functions.get_function_configuration(FunctionName="apigw-jwt-authorizer")
    seen = {name: function[name] for name in ("Runtime", "MemorySize", "Timeout")}
    check("... with what Cargo.toml says", seen == {"Runtime": "provided.al2", "MemorySize": 256, "Timeout": 10}, seen)
    event = ROOT / "events/orders-get-orders.json"
    answer = cloud.functions.invoke(FunctionName="apigw-jwt-authorizer", Payload=event.read_bytes())["Payload"].read()
    check("... and it answers as the event's answer says", json.loads(answer) == answer_to(event), answer)


def watched(check, cloud):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = cloud.environment | {"AUTHORIZER_CONFIG_FILE": str(ROOT / "events/config/authorizer.json")}
    command = ["cargo", "lambda", "watch", "--ignore-changes", "--invoke-address", "127.0.0.1", "--invoke-port", port]
    print("     $ cargo lambda watch ... (it compiles the program, which takes minutes)", flush=True)
    log = (cloud.directory / "watch.log").open("wb")
    watch = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        for event, passes in ((EVENT, True), (REFUSED, False)):
            invoke = ["cargo", "lambda", "invoke", "apigw-jwt-authorizer", "--invoke-address", "127.0.0.1", "--invoke-port", port]
            end = time.monotonic() + 600
            while True:  # the program is compiled when the first event comes
                run = subprocess.run([*invoke, "--data-file", event], env=environment, cwd=ROOT, capture_output=True, text=True)
                if run.returncode == 0 or "Unauthorized" in run.stderr or time.monotonic() > end:
                    break
                time.sleep(2)
            if passes:
                right = run.returncode == 0 and json.loads(run.stdout) == answer_to(event)
            else:
                right = "Unauthorized" in run.stdout + run.stderr
            said = (cloud.directory / "watch.log").read_text(errors="replace")[-1000:]
            seen = listening(watch.pid)
            check("cargo lambda watch listens on loopback, and nowhere else", seen and seen <= {"127.0.0.1", "::1"}, seen)
            check(f"cargo lambda watch and invoke: {event.stem}", right, f"{ended(run)}\nand cargo lambda watch: {said}")
    finally:
        for stop in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(watch.pid, stop)
                watch.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        log.close()
