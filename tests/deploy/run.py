"""Deploys the template to a local AWS and drives the sample API. The last line is `N passed, M failed`.

Where the local AWS differs from AWS, the template's own text is checked instead (template.py): it takes no gateway responses from
SAM's `GatewayResponses` and evaluates no `Condition` of a policy. It has no `/opt` for layers, so artefact.py mounts one.
"""

import sys
import tempfile
import time
import traceback

import artefact
import cargo_lambda
import examples
import stories
import template
from cloud import Cloud
from provider import Provider


def main():
    started = time.monotonic()
    outcomes = []

    def check(what, holds, seen=""):
        outcomes.append(bool(holds))
        print(f"{'ok  ' if holds else 'FAIL'} {what}" + ("" if holds else f": {seen}"), flush=True)

    def part(title, run, *arguments):
        print(f"== {title} ({time.monotonic() - started:.0f} s)", flush=True)
        try:
            run(check, *arguments)
        except (Exception, SystemExit):
            traceback.print_exc()
            check(f"{title} runs to its end", False)

    with tempfile.TemporaryDirectory(prefix="deploy-test-") as directory:
        provider = Provider()
        cloud = Cloud(directory, provider.port)
        try:
            part("sam build", artefact.built, cloud)
            part("the template's text", template.checked, directory)
            part("public keys", stories.public_keys, cloud, provider)
            part("a shared secret", stories.shared_secret, cloud, provider)
            part("the events", stories.events, cloud, provider)
            part("the authorizer alone", stories.alone, cloud, provider)
            part("a release", artefact.released, cloud, provider)
            part("a configuration in a layer", artefact.layered, cloud)
            part("the examples", examples.checked, directory)
            part("the examples, deployed", examples.attached, cloud, provider, directory)
            part("the check on AWS, here", stories.checked_on_aws, cloud)
            part("cargo lambda", cargo_lambda.deployed, cloud, directory)
            part("cargo lambda locally", cargo_lambda.watched, cloud)
        finally:
            cloud.stop()
    failed = outcomes.count(False)
    print(f"{outcomes.count(True)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
