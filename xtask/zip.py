"""Writes the zip of a release, with the same bytes for the same binary: zip.py BINARY ZIP."""

import sys
import zipfile
from pathlib import Path

binary, zipped = sys.argv[1:]
with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
    entry.create_system, entry.external_attr, entry.compress_type = 3, 0o100755 << 16, zipfile.ZIP_DEFLATED
    archive.writestr(entry, Path(binary).read_bytes())
