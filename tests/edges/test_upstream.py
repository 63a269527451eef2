"""Upstreams: which of them has a model, and settings that must not be started with."""

import pytest

from tests.edges.gateway.provider import Provider, Says
from tokenhouse.edges.demo import Demo
from tokenhouse.edges.routes import DEMO
from tokenhouse.edges.upstream import Upstreams
from tokenhouse.errors import NotFound, StartRefused, UpstreamTrouble
from tokenhouse.flow.examine import in_force
from tokenhouse.settings import Settings, Upstream, read

pytestmark = pytest.mark.row("E6")

URL = "https://api.example.org/v1"


def upstreams(*known, environment="production", demo=None):
    return Upstreams(Settings(upstream=known, environment=environment), demo)


def named(name, *models, **more):
    return Upstream(name=name, url=URL, models=models or ("*",), **more)


def place(chosen, model, protocol="openai"):
    return chosen.routes.find(model, protocol).upstream


def test_the_most_specific_pattern_has_the_model():
    chosen = upstreams(
        named("any"),
        named("gpt", "gpt-*"),
        named("mini", "gpt-4o-*"),
        named("exact", "gpt-4o-mini"),
        named("late"),
    )
    models = ("o1", "gpt-5", "gpt-4o", "gpt-4o-x", "gpt-4o-mini")
    assert [place(chosen, model) for model in models] == ["any", "gpt", "gpt", "mini", "exact"]
    assert [place(chosen, model) for model in models] == ["any", "gpt", "gpt", "mini", "exact"], "once more"


def test_a_call_goes_only_to_who_speaks_its_protocol():
    chosen = upstreams(named("o"), named("a", "claude-*", protocol="anthropic"))
    assert place(chosen, "claude-x") == "o", "another pattern of the right protocol"
    assert place(chosen, "claude-x", "anthropic") == "a"
    with pytest.raises(NotFound, match="another protocol"):
        chosen.routes.find("gpt-4o", "anthropic")


def test_the_demo_is_there_in_development_and_where_there_is_no_other():
    assert place(upstreams(), "demo-large") == DEMO
    assert place(upstreams(named("any"), environment="development"), "demo", "anthropic") == DEMO
    assert place(upstreams(named("any")), "demo") == "any"
    assert upstreams(named("any")).demo is None
    assert place(upstreams(named("any"), demo=Demo()), "demo") == DEMO
    with pytest.raises(NotFound, match="GET /v1/models"):
        upstreams().routes.find("demolition", "openai")


def test_a_new_name_is_a_model_of_its_own():
    chosen = upstreams(named("o", "gpt-*", rename={"fast": "gpt-9"}))
    assert chosen.routes.find("fast", "openai")[:3] == ("o", "fast", "gpt-9")
    assert chosen.routes.find("gpt-9", "openai")[:3] == ("o", "gpt-9", "gpt-9")


def test_routes_are_forgotten_before_they_fill_the_memory(monkeypatch):
    monkeypatch.setattr("tokenhouse.edges.routes.REMEMBERED_MAX", 2)
    chosen = upstreams(named("any"))
    assert {place(chosen, f"m{number}") for number in range(9)} == {"any"}
    assert len(chosen.routes._remembered) <= 2


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"url": "api.example.org"}, "no plain http"),
        ({"url": "ftp://x"}, "no plain http"),
        ({"url": "http://["}, "no plain http"),
        ({"url": "https://me:mine@x/v1"}, "no plain http"),
        ({"name": ""}, "1 to 63"),
        ({"models": ("a*b",)}, "start of names"),
        ({"models": ("",)}, "start of names"),
        ({"headers": {"a": "b\n"}}, "printable ASCII"),
        ({"key": "mine\u00e9"}, "printable ASCII"),
        ({"idle_s": 0}, "idle_s"),
        ({"total_s": float("nan")}, "total_s"),
    ],
)
def test_what_cannot_be_an_upstream_is_refused_at_the_start(members, said):
    with pytest.raises(StartRefused, match=said) as refused:
        Upstream(**({"name": "o", "url": URL} | members))
    assert "mine" not in str(refused.value)


def test_two_of_one_name_are_refused():
    with pytest.raises(StartRefused, match="Two upstreams"):
        upstreams(named("o"), named("o"))
    with pytest.raises(StartRefused, match="Two upstreams"):
        upstreams(named("demo"), environment="development")


def test_the_file_describes_upstreams_and_the_environment_holds_their_keys(tmp_path):
    (tmp_path / "tokenhouse.toml").write_text(
        f'[[upstream]]\nname = "o"\nurl = "{URL}?code=sk-q"\nkey_env = "OUR_KEY"\nmodels = ["gpt-*"]\n'
        f'[[upstream]]\nname = "a"\nurl = "{URL}"\nprotocol = "anthropic"\nkey = "sk-a"\nidle_s = 9\n'
        'rename = { fast = "claude-x" }\n[upstream.headers]\nx-team = "sk-h"\n'
    )
    found = read({"TOKENHOUSE_HOME": str(tmp_path), "OUR_KEY": "sk-o"})
    assert [one.key for one in found.upstream] == ["sk-o", "sk-a"]
    shown = f"{found} {in_force(found)}"
    assert not any(secret in shown for secret in ("sk-o", "sk-a", "sk-h", "sk-q"))
    assert found.upstream[1].headers == {"x-team": "sk-h"}
    for environ in ({}, {"OUR_KEY": " "}):
        with pytest.raises(StartRefused, match="OUR_KEY is not set, or empty"):
            read({"TOKENHOUSE_HOME": str(tmp_path)} | environ)


@pytest.mark.parametrize(
    ("status", "refused"), [(200, False), (404, False), (401, True), (403, True), (500, True)]
)
async def test_who_is_not_let_in_gets_no_list(status, refused):
    async with Provider(lambda _: Says.whole({"data": [{"id": "m"}]}, status)) as server:
        chosen = upstreams(Upstream(name="o", url=f"http://127.0.0.1:{server.port}/v1", models=("*",)))
        await chosen.open()
        try:
            if refused:
                with pytest.raises(UpstreamTrouble, match=str(status)) as no:
                    await chosen.list_models("o")
                assert no.value.reason == "upstream_refused"
            else:
                assert len(await chosen.list_models("o")) == (status == 200)
        finally:
            await chosen.close()


def test_paths_and_queries_of_both_sides_stand_together():
    [azure] = upstreams(Upstream(name="z", url=f"{URL}/?api-version=1"))._places.values()
    assert (
        str(azure.url("/v1/chat/completions", "beta=true"))
        == f"{URL}/chat/completions?api-version=1&beta=true"
    )
    assert str(azure.url("/v1/chat/completions")) == f"{URL}/chat/completions?api-version=1"
