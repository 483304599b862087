"""What `sam build` makes."""

import re
import subprocess

from cloud import ROOT

# Amazon Linux 2 has this glibc, Amazon Linux 2023 a newer one.
NEWEST_GLIBC = (2, 26)


def glibc(binary):
    """The newest version of glibc that the binary asks for."""
    symbols = subprocess.run(["objdump", "-T", binary], check=True, capture_output=True, text=True).stdout
    return max(tuple(map(int, version.split("."))) for version in re.findall(r"GLIBC_([0-9.]+)", symbols))


def built(check, cloud):
    cloud.sam("build", "--parameter-overrides", "Architecture=x86_64")
    binary = ROOT / ".aws-sam/build/AuthorizerFunction/bootstrap"
    check("sam build makes a bootstrap", binary.exists())
    newest = glibc(binary)
    check("it runs on provided.al2 and provided.al2023: no symbol newer than glibc 2.26", newest <= NEWEST_GLIBC, newest)
