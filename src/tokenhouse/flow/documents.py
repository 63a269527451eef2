"""Documents: plans and rates that are in no house yet, read from TOML files or from what comes along."""

import tomllib
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any, Final

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.terms import PRESETS, preset
from tokenhouse.rules.plans import Plan, parse_plan
from tokenhouse.rules.rates import RateTable, parse_rate

BYTES_MAX: Final = 1 << 20
"""The longest plan or price list that is read."""


def find_plan(name: str, *, environment: str, zone: str) -> Plan:
    """Return the plan that `name` says: a preset, or the TOML file at that path.

    Raises: InvalidInput for a file that cannot be read, and as `parse_plan`.
    """
    document = preset(name) if name in PRESETS else read_toml(Path(name))
    return parse_plan(document, environment=environment, zone=zone)


def sample_plan(zone: str) -> Plan:
    """Return the plan under which the sample trace is replayed."""
    text = resources.files("tokenhouse.samples").joinpath("sample.toml").read_text(encoding="utf-8")
    return parse_plan(tomllib.loads(text, parse_float=Decimal), zone=zone)


def read_rates(path: Path) -> RateTable:
    """Return the price list in a TOML file: one table `[[rate]]` a model, as `parse_rate` reads it.

    Raises: InvalidInput for a file that cannot be read, and as `parse_rate`.
    """
    tables = read_toml(path).get("rate")
    if not isinstance(tables, list) or not tables:
        raise InvalidInput("document_unreadable", field=str(path), value="", problem="no [[rate]] in it")
    return RateTable([parse_rate(table, f"rate[{nth}]") for nth, table in enumerate(tables)])


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file's document, decimals exact. Raises: InvalidInput `document_unreadable`."""
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
        if len(data) > BYTES_MAX:
            raise ValueError(f"longer than {BYTES_MAX} bytes")
        return tomllib.loads(data.decode("utf-8"), parse_float=Decimal)
    except (OSError, ValueError) as trouble:
        problem = trouble.strerror if isinstance(trouble, OSError) and trouble.strerror else str(trouble)
        raise InvalidInput("document_unreadable", field=str(path), value="", problem=problem) from None
