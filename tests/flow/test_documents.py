"""Documents from files: a plan that is read, or one sentence why not."""

from pathlib import Path

import pytest

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.documents import BYTES_MAX, read_toml


def test_a_document_is_read_up_to_its_longest(tmp_path: Path):
    file = tmp_path / "plan.toml"
    line = b'name = "x"\n'
    file.write_bytes(line + b"#" * (BYTES_MAX - len(line)))
    assert read_toml(file) == {"name": "x"}
    file.write_bytes(line + b"#" * (BYTES_MAX - len(line) + 1))
    with pytest.raises(InvalidInput, match=f"longer than {BYTES_MAX} bytes"):
        read_toml(file)
