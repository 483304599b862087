"""Writes a zip of a release, with the same bytes for the same file: zip.py FILE ZIP NAME, where NAME is the file's in the zip."""

import sys
import zipfile
from pathlib import Path

file, zipped, name = sys.argv[1:]
with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.create_system, entry.external_attr, entry.compress_type = 3, 0o100755 << 16, zipfile.ZIP_DEFLATED
    archive.writestr(entry, Path(file).read_bytes())
