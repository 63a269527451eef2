"""Every ledger script holds on the rules alone and on the real house, word for word."""

import pytest

from tests.on_house import OnHouse
from tests.on_rules import OnRules
from tests.script import SCRIPTS, parse_script, run_script

SCRIPTS_ALL = sorted(SCRIPTS.glob("*.txt"))
ROWS = pytest.mark.row("B1", "B2", "C8", "D2", "E1", "E2", "E3", "E5", "E8")


def settings_of(text):
    """Return the settings that a script's first line asks for: `# settings: plan=points`."""
    first = text.partition("\n")[0]
    return (
        dict(pair.split("=") for pair in first.removeprefix("# settings:").split())
        if first.startswith("# settings:")
        else {}
    )


@ROWS
@pytest.mark.parametrize("file", SCRIPTS_ALL, ids=lambda file: file.stem)
async def test_script_holds_on_the_rules(file):
    await run_script(OnRules(), file.read_text(encoding="utf-8"))


@ROWS
@pytest.mark.parametrize("file", SCRIPTS_ALL, ids=lambda file: file.stem)
async def test_script_holds_on_the_house(file, database):
    text = file.read_text(encoding="utf-8")
    async with OnHouse(database, **settings_of(text)) as house:
        await run_script(house, text)


async def test_a_false_claim_is_found_and_names_its_line():
    with pytest.raises(AssertionError, match="line 2: grant g1 100 -> ok available 101"):
        await run_script(OnRules(), "account alice\ngrant g1 100 -> ok available 101\n")


@pytest.mark.parametrize("file", SCRIPTS_ALL, ids=lambda file: file.stem)
def test_every_script_claims_something_and_says_what_it_shows(file):
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert any(line.claim for line in parse_script(text))
