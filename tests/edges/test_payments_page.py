"""The page on payments: its example in Python, run as it stands, against a server as it is started."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.edges.serving import serving
from tokenhouse import Tokenhouse
from tokenhouse.settings import read

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "payments.md"
SECRET = "m3Wq8Zt1Lw5Xn7Vb2Mk9Jp4Hs6Gf0DdYaC"


def example() -> dict[str, Any]:
    """Return what the page's Python defines."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 -- our own page
    return names


@pytest.mark.row("E9", "C5", "D10")
async def test_the_example_of_a_shop_runs(database: str, tmp_path: Path):
    (tmp_path / "tokenhouse.toml").write_text(f'[payments.callback]\nsecret = "{SECRET}"\n', encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOKENHOUSE_")}
    environ = kept | {"TOKENHOUSE_HOME": str(tmp_path), "TOKENHOUSE_DATABASE_URL": database}
    async with Tokenhouse.open(settings=read(environ)) as house:
        await house.account("alice")
        await house.write_package({"name": "large", "credit": 50_000, "prices": {"KRW": 9_900}})
        order = await house.buy("alice", "large", currency="KRW", provider="callback")
        message = {"type": "payment.completed", "order": order.id, "payment": "pay-77"}
        message |= {"amount": 9_900, "currency": "KRW"}
        with serving(environ) as served:
            tell = example()["tell"]
            url = re.search(r"started: (http://[\d.:]+)", served.started().err)[1]
            with pytest.raises(HTTPError, match="401") as forged:
                await asyncio.to_thread(tell, url, SECRET[::-1], message)
            forged.value.close()
            for verdict in ("accepted", "duplicate"):
                assert (await asyncio.to_thread(tell, url, SECRET, message))["verdict"] == verdict
        assert (await house.balance("alice")).available == 150_000
        events = await house.payment_events()
        assert [one.verdict for one in events] == ["duplicate", "accepted", "refused"]
        assert SECRET not in json.dumps([str(one) for one in events]) + served.err + served.out
