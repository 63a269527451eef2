"""The examples of docs/how-to/middleware.md, run as they are printed there, each behind a real socket."""

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.edges.middleware.conftest import SECRET, TRUSTED, served, soon
from tokenhouse import Tokenhouse
from tokenhouse.settings import Settings

pytestmark = pytest.mark.row("C4")

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "middleware.md"
EXAMPLES = dict(re.findall(r"```python\n# (\w+)\.py\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))


@pytest.fixture
def surroundings(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TOKENHOUSE_DATABASE_URL": database,
        "TOKENHOUSE_HOME": str(tmp_path),
        "APP_JWT_SECRET": SECRET,
        "PEER_SECRET": SECRET,
        "DJANGO_SECRET_KEY": SECRET,
    }.items():
        monkeypatch.setenv(name, value)


def app_of(name: str, folder: Path) -> Any:
    """Return the application of an example, imported from a file as its reader would write it."""
    file = folder / f"{name}.py"
    file.write_text(EXAMPLES[name], encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app


async def used(database: str, tmp_path: Path, ref: str) -> int:
    async with Tokenhouse.open(database, settings=Settings(home=tmp_path)) as house:
        await soon(lambda: _settled(house, ref))
        assert (await house.verify()).findings == ()
        return (await house.balance(ref)).used


async def _settled(house: Tokenhouse, ref: str) -> bool:
    return (await house.balance(ref)).held == 0


def test_there_is_an_example_for_each_framework():
    assert set(EXAMPLES) == {"fastapi_app", "starlette_app", "django_app"}


async def test_fastapi(surroundings, database, tmp_path):
    signed = jwt.encode({"alg": "HS256"}, {"sub": "ann", "exp": 4_000_000_000}, OctKey.import_key(SECRET))
    proof = {"authorization": f"Bearer {signed}"}
    async with served(app_of("fastapi_app", tmp_path)) as serving:
        assert (await serving.ask("/chat", {"message": "hi"})).status == 401
        answer = await serving.ask("/chat", {"message": "hi"}, **proof)
        assert (answer.status, answer.document) == (200, {"answer": "HI", "level": "normal"})
        assert answer.headers["x-tokenhouse-remaining"] == "100000"
        assert (await serving.ask("/chat", {"mess": "hi"}, **proof)).status == 422
        health = await serving.ask("/health", method="GET")
        assert (health.status, "x-tokenhouse-remaining" in health.headers) == (200, False)
    assert await used(database, tmp_path, "ann") == 34


async def test_starlette_streamed(surroundings, database, tmp_path):
    async with served(app_of("starlette_app", tmp_path)) as serving:
        answer = await serving.ask("/chats/7/messages", {"message": "one two"}, **TRUSTED)
    assert answer.status == 200
    assert answer.body.count(b"data: ") == 3
    assert await used(database, tmp_path, "ann") == 34


async def test_django(surroundings, database, tmp_path):
    async with served(app_of("django_app", tmp_path)) as serving:
        answer = await serving.ask("/chat", {"message": "hi"}, **TRUSTED)
        assert (answer.status, answer.document) == (200, {"answer": "HI"})
        assert (await serving.ask("/chat", {"message": "hi"})).status == 401
    assert await used(database, tmp_path, "ann") == 34
