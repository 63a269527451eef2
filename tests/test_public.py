"""What users import and install is what we mean them to: names, signatures, and the files of the wheel.

python -m tests.test_public      writes tests/public_names.txt anew: read the difference before you commit it
"""

import inspect
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import tokenhouse

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "public_names.txt"
SOURCE = ROOT / "src" / "tokenhouse"


def public_names() -> str:
    """Return every name of `tokenhouse.__all__` with its signature and its public members, a line each."""
    names = sorted(tokenhouse.__all__)
    lines = [line for name in names for line in described(name, getattr(tokenhouse, name))]
    return "\n".join(lines) + "\n"


def described(name: str, what: object) -> Iterator[str]:
    if inspect.isclass(what):
        bases = ", ".join(base.__name__ for base in what.__bases__)
        yield f"class {name}({bases}){signature(what)}"
        for member in sorted(dir(what)):
            if not member.startswith("_") and inherited_from_us(what, member):
                yield f"    {member}{signature(inspect.getattr_static(what, member))}"
    elif callable(what):
        yield f"{name}{signature(what)}"
    else:
        yield f"{name}: {type(what).__name__}"


def inherited_from_us(kind: type, member: str) -> bool:
    owner = next(base for base in kind.__mro__ if member in vars(base))
    return owner.__module__.partition(".")[0] == "tokenhouse"


def signature(what: object) -> str:
    """Return parameters and result as they are written, or nothing for what is not called."""
    if isinstance(what, staticmethod | classmethod):
        what = what.__func__
    if not callable(what):
        return ""
    try:
        written = re.sub(r" at 0x[0-9a-f]+>", ">", str(inspect.signature(what)))
        return re.sub(r"\btyping\.|\bpathlib\.(_local\.)?", "", written)  # Each Python names them otherwise.
    except ValueError:
        return "(…)"


def test_public_names_and_signatures_are_the_accepted_ones():
    assert public_names() == GOLDEN.read_text(encoding="utf-8"), "run `make public` if this is what you mean"


def test_wheel_carries_every_file_of_the_package(tmp_path: Path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    # The pages are here by now: building them once more would take them away from the tests beside this one.
    surroundings = {**os.environ, "TOKENHOUSE_SKIP_PAGES": "1"}
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=surroundings)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    written = {
        f"tokenhouse/{file.relative_to(SOURCE).as_posix()}"
        for file in SOURCE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert "tokenhouse/pages/index.html" in written, "`make pages` builds them"
    assert written - packed == set()
    assert any(name.endswith("/licenses/NOTICE") for name in packed)


if __name__ == "__main__":
    GOLDEN.write_text(public_names(), encoding="utf-8")
    print(f"wrote {GOLDEN.relative_to(ROOT)}")
