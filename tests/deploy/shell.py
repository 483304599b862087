"""Commands, shown while they run."""

import shlex
import subprocess
from pathlib import Path

from cloud import ROOT


def shown(command, cwd=ROOT, env=None, tail=4000):
    """Runs a command, prints it and each line of its output, and returns what came of it."""
    command = [str(word) for word in command]
    print(f"     $ {shlex.join(short(word) for word in command)}", flush=True)
    lines = []
    with subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        for line in process.stdout:
            lines.append(line)
            print(f"     | {line.rstrip()}", flush=True)
    return Outcome(process.returncode, "".join(lines)[-tail:])


class Outcome:
    """How a command ended, and the end of its output."""

    def __init__(self, status, output):
        self.status, self.output = status, output

    def __bool__(self):
        return self.status == 0

    def __str__(self):
        return f"exit status {self.status}, and it said:\n{self.output.strip() or '(nothing)'}"


def ended(run, tail=2000):
    """The same of a command whose output was captured."""
    return Outcome(run.returncode, f"{run.stdout or ''}{run.stderr or ''}"[-tail:])


def short(word):
    """A path in the repository without the repository."""
    path = Path(word)
    return str(path.relative_to(ROOT)) if path.is_absolute() and path.is_relative_to(ROOT) else word
