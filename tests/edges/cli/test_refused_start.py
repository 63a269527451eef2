"""`serve` does not start where anybody could come in; it says why in one line, never the secret."""

import pytest


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('[jwt]\nsecret = ""', ["secret"]),
        ('[jwt]\nsecret = "hunter2"', ["secret", "32"]),
        ('[jwt]\nsecret = "change-me-hunter2-change-me-hunter2"', ["secret"]),
        ('[jwt]\nsecret_env = "NOT_THERE"', ["secret"]),
        ("[trusted_header]", ["x-user-id"]),
        ('[trusted_header]\npeers = ["0.0.0.0/0"]', ["0.0.0.0/0"]),
        ('[trusted_header]\nsecret = "hunter2"', ["x-tokenhouse-secret"]),
        ('[jwt]\nsecert = "hunter2"', ["secert"]),
    ],
)
def test_a_server_that_anybody_could_enter_does_not_start(cli, tmp_path, workers, environment, table, words):
    text = f'host = "127.0.0.1"\nport = 0\nenvironment = "{environment}"\n{table}\n'
    (tmp_path / "tokenhouse.toml").write_text(text, encoding="utf-8")
    refused = cli("serve", "--workers", workers, code=8)
    assert refused.err.count("\n") == 1
    assert all(word in refused.err for word in words)
    assert "hunter2" not in refused.out + refused.err
