"""The pages as files: found, compressed, kept by browsers, and never more than came with the package."""

import gzip
from pathlib import Path

import pytest

from tokenhouse.edges.pages import FIRST, GUARDED, Pages, guard
from tokenhouse.errors import NotFound

INDEX = b"<!doctype html><title>tokenhouse</title>"
SCRIPT = b"console.log(1)" * 100


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    (tmp_path / "assets").mkdir()
    (tmp_path / FIRST).write_bytes(INDEX)
    (tmp_path / "assets" / "index-B7YC.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "index-B7YC.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "assets" / "index-B7YC.js.br").write_bytes(b"brotli")
    return Pages(tmp_path)


def test_a_file_comes_in_the_best_coding_that_is_taken(pages: Pages):
    path = "/app/assets/index-B7YC.js"
    for accepted, coding, body in (
        ("gzip, deflate, br, zstd", "br", b"brotli"),
        ("gzip", "gzip", gzip.compress(SCRIPT)),
        ("", None, SCRIPT),
    ):
        status, headers, content = pages.answer(path, accepted, "")
        told = dict(headers)
        assert (status, told.get("content-encoding"), len(content)) == (200, coding, len(body))
        assert told["content-type"] == "text/javascript; charset=utf-8"
        assert "immutable" in told["cache-control"]


def test_a_place_of_the_application_gets_the_first_page_and_nothing_keeps_that(pages: Pages):
    for path in ("/app/", "/app/history", "/app/accounts/alice"):
        status, headers, content = pages.answer(path, "", "")
        assert (status, content, dict(headers)["cache-control"]) == (200, INDEX, "no-cache")
    tag = dict(headers)["etag"]
    status, headers, content = pages.answer("/app/", "", f'"other", {tag}')
    assert (status, content) == (304, b"")


def test_a_screen_of_an_account_that_is_called_as_a_file_is_is_a_screen(pages: Pages):
    first = pages.answer("/app/operator", "", "").body
    for ref in ("kim@example.com", "report.csv", "a/b@example.com", "index.html"):
        assert pages.answer(f"/app/operator/accounts/{ref}", "", "").body == first


def test_a_file_that_is_not_there_is_not_the_first_page(pages: Pages):
    for path in ("/app/assets/gone.js", "/app/../../etc/passwd.txt", "/app/assets/index-B7YC.js.map"):
        with pytest.raises(NotFound):
            pages.answer(path, "", "")


def test_an_installation_without_pages_says_how_to_get_them(tmp_path: Path):
    with pytest.raises(NotFound) as no:
        Pages(tmp_path).answer("/app/", "", "")
    assert "make pages" in str(no.value)


def test_a_page_may_load_only_what_came_with_it(pages: Pages):
    policy = dict(pages.answer("/app/", "", "").headers)["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_window_of_toss_is_let_in_where_it_is_sold_over(pages: Pages):
    assert guard(toss=False) == GUARDED
    wider = guard(toss=True)
    assert {name for name, _ in wider} == {name for name, _ in GUARDED}
    _, headers, _ = pages.answer("/app/buy", "", "", wider)
    policy = dict(headers)["content-security-policy"]
    for rule in ("script-src 'self' https://js.tosspayments.com;", "frame-src https://*.tosspayments.com;"):
        assert rule in policy
    assert "frame-ancestors 'none'" in policy
    assert policy.count("tosspayments") == 5
