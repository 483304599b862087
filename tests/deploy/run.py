"""Deploys the template to a local AWS and drives the sample API. The last line is `N passed, M failed`.

Where the local AWS differs from AWS, the template's own text is checked instead (template.py): it takes no gateway responses from
SAM's `GatewayResponses` and evaluates no `Condition` of a policy. It has no `/opt` for layers, so artefact.py mounts one.
"""

import argparse
import signal
import sys
import tempfile
import time
import traceback

import artefact
import cargo_lambda
import document
import examples
import observability
import pets
import request_authorizers
import spa
import stories
import template
from cloud import ROOT, Cloud
from provider import Provider

# A part: its name, what it is about, the function, what it is given beside `check`, and the part that makes the file it needs.
PARTS = [
    ("build", "sam build", artefact.built, ["cloud"], None),
    ("template", "the template's text", template.checked, ["directory"], "build"),
    ("keys", "public keys", stories.public_keys, ["cloud", "provider"], "build"),
    ("secret", "a shared secret", stories.shared_secret, ["cloud", "provider"], "build"),
    ("events", "the events", stories.events, ["cloud", "provider"], "build"),
    ("document", "from an API's document to a protected API", document.deployed, ["cloud", "provider"], "build"),
    ("alone", "the authorizer alone", stories.alone, ["cloud", "provider"], "build"),
    ("release", "a release", artefact.released, ["cloud", "provider"], None),
    ("layer", "a configuration in a layer", artefact.layered, ["cloud"], "build"),
    ("observability", "what is seen of a function", observability.deployed, ["cloud", "provider"], "build"),
    ("examples", "the examples", examples.checked, ["directory"], None),
    ("examples-deployed", "the examples, deployed", examples.attached, ["cloud", "provider", "directory"], "build"),
    ("pets", "the Pets store", pets.deployed, ["cloud", "provider"], "build"),
    ("requests", "the examples for REQUEST authorizers", request_authorizers.deployed, ["cloud", "provider", "directory"], "build"),
    ("spa", "the single-page app, in a browser", spa.deployed, ["cloud", "directory"], "build"),
    ("check-on-aws", "the check on AWS, here", stories.checked_on_aws, ["cloud"], "release"),
    ("cargo-lambda", "cargo lambda", cargo_lambda.deployed, ["cloud", "directory"], "build"),
    ("watch", "cargo lambda locally", cargo_lambda.watched, ["cloud"], None),
    ("addresses", "where the servers listen", stories.addresses, ["cloud", "provider"], None),
]
# What a part leaves for others.
MADE = {"build": artefact.BUILT, "release": ROOT / "target/release-files/SHA256SUMS"}


def chosen():
    names = [name for name, *_ in PARTS]
    about = "\n".join(f"  {name:17} {title}" for name, title, *_ in PARTS)
    parser = argparse.ArgumentParser(
        prog="cargo xtask deploy-test", epilog=f"parts:\n{about}", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Without a PART all of them run. A part uses what an earlier run has built, and builds it if there is nothing.",
    )
    parser.add_argument("parts", metavar="PART", nargs="*", choices=[[], *names])
    asked = parser.parse_args().parts
    if not asked:
        return PARTS
    for name, _, _, _, needs in PARTS:
        if name in asked and needs and needs not in asked:
            if is_new(MADE[needs]):
                print(f"     {name} takes what an earlier `{needs}` made")
            else:
                asked.append(needs)
    return [part for part in PARTS if part[0] in asked]


def is_new(made):
    """Whether a file is there and newer than what it is made of."""
    sources = [ROOT / "template.yaml", ROOT / "Cargo.lock", *(ROOT / "src").rglob("*.rs")]
    # The other program is not deployed.
    sources = [file for file in sources if ROOT / "src/bin" not in file.parents]
    return made.exists() and made.stat().st_mtime > max(file.stat().st_mtime for file in sources)


def main():
    parts = chosen()
    # Ends as after an error, so that the local AWS ends, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    started = time.monotonic()
    outcomes = []

    def check(what, holds, seen=None):
        outcomes.append(bool(holds))
        # Whoever reads of a failure wants to know what was there instead, also if that is nothing.
        known = "it does not hold" if seen is None else f"seen: {str(seen) or repr(seen)}"
        print(f"{'ok  ' if holds else 'FAIL'} {what}" + ("" if holds else f": {known}"), flush=True)

    with tempfile.TemporaryDirectory(prefix="deploy-test-") as directory:
        provider = Provider()
        cloud = Cloud(directory, provider.port)
        given = {"directory": directory, "provider": provider, "cloud": cloud}
        try:
            for number, (name, title, run, arguments, _) in enumerate(parts, 1):
                print(f"== {title} ({name}, {number} of {len(parts)}, at {time.monotonic() - started:.0f} s)", flush=True)
                try:
                    run(check, *(given[argument] for argument in arguments))
                except (Exception, SystemExit) as error:
                    if str(error) == "terminated":
                        raise
                    traceback.print_exc()
                    check(f"{title} runs to its end", False, f"{type(error).__name__}, told above")
        finally:
            cloud.stop()
    failed = outcomes.count(False)
    print(f"{outcomes.count(True)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
