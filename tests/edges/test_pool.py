"""The pool: what is written to a provider, byte by byte, and what is made of the head of its answer."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from yarl import URL

from tokenhouse.edges.pool import FAILURES, Pool, _exchange

pytestmark = pytest.mark.row("E1")

WAITS = aiohttp.ClientTimeout(total=None, connect=5, sock_connect=5, sock_read=0.2)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-one: 1\r\n\r\nok"


@asynccontextmanager
async def provider(*answers: bytes):
    """Serve these answers, one a request; yield a pool, an address and what came."""
    came, rest, serving = [], list(answers), set()

    async def serve(reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            size = int(head.rpartition(b"content-length: ")[2])
            came.append((head, await reader.readexactly(size), writer))
            writer.write(rest.pop(0))

    async def served(reader, writer):
        serving.add(asyncio.current_task())
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    pool = Pool()
    port = server.sockets[0].getsockname()[1]
    try:
        yield pool, URL(f"http://127.0.0.1:{port}/v1/x?a=%20b", encoded=True), came
    finally:
        await pool.close()
        server.close()
        for one in serving:
            one.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def whole(answer):
    said = b""
    while chunk := await answer.chunk():
        said += chunk
    answer.close()
    return said


async def test_a_request_is_written_as_it_is_and_its_connection_is_used_again():
    async with provider(ANSWER, ANSWER) as (pool, url, came):
        left = []
        for body in (b"{}", b""):
            answer = await pool.ask(
                "POST", url, {"x-a": "b", "accept": "*/*"}, body, WAITS, lambda: left.append(1)
            )
            assert (answer.status, dict(answer.headers)["x-one"]) == (200, "1")
            assert await whole(answer) == b"ok"
    assert (
        came[0][0]
        == (
            f"POST /v1/x?a=%20b HTTP/1.1\r\nhost: 127.0.0.1:{url.port}\r\nx-a: b\r\naccept: */*\r\n"
            "content-length: 2\r\n\r\n"
        ).encode()
    )
    assert [body for _, body, _ in came] == [b"{}", b""]
    assert came[0][2] is came[1][2], "one connection for both"
    assert left == [1, 1]


async def test_what_a_provider_says_unasked_is_nobodys_answer():
    unasked = ANSWER.replace(b"ok", b"no")
    async with provider(ANSWER + unasked, ANSWER, ANSWER) as (pool, url, came):
        for late in (True, False, False):
            answer = await pool.ask("POST", url, {}, b"{}", WAITS)
            assert await whole(answer) == b"ok"
            if late:
                came[0][2].write(unasked)
                await asyncio.sleep(0.05)
    assert came[0][2] is not came[1][2], "its connection serves nobody else"
    assert came[1][2] is came[2][2]


async def test_what_comes_unasked_while_a_connection_rests_is_nobodys_answer():
    async with provider(ANSWER, ANSWER) as (pool, url, came):
        assert await whole(await pool.ask("POST", url, {}, b"{}", WAITS)) == b"ok"
        came[0][2].write(ANSWER.replace(b"ok", b"no"))
        await asyncio.sleep(0.05)
        assert await whole(await pool.ask("POST", url, {}, b"{}", WAITS)) == b"ok"
    assert came[0][2] is not came[1][2]


async def test_no_empty_piece_is_written(monkeypatch):
    """From Python 3.12 on asyncio's own loop would try for ever to write it, and never close."""
    written = []

    async def exchange(connection, head, body, wait_s):
        real = connection.protocol.transport

        class Noted:
            def writelines(self, pieces):
                written.extend(pieces)
                real.writelines(pieces)

            def __getattr__(self, name):
                return getattr(real, name)

        connection.protocol.transport = Noted()
        return await _exchange(connection, head, body, wait_s)

    monkeypatch.setattr("tokenhouse.edges.pool._exchange", exchange)
    async with provider(ANSWER) as (pool, url, _):
        assert await whole(await pool.ask("GET", url, {}, b"", WAITS)) == b"ok"
    assert len(written) == 1
    assert written[0].startswith(b"GET /v1/x")


async def test_a_host_of_the_operators_own_stands_alone():
    async with provider(ANSWER) as (pool, url, came):
        await whole(await pool.ask("GET", url, {"host": "models.example.org"}, b"", WAITS))
    assert came[0][0].lower().count(b"host:") == 1
    assert b"host: models.example.org\r\n" in came[0][0]


@pytest.mark.parametrize("value", ["a\r\nx-more: 1", "a\nb", "a\0", "a\rb"])
async def test_no_header_ends_its_line(value):
    async with provider(ANSWER) as (pool, url, came):
        with pytest.raises(ValueError, match="line"):
            await pool.ask("POST", url, {"x-a": value}, b"{}", WAITS)
        answer = await pool.ask("POST", url, {"x-a": "tab\tand é"}, b"{}", WAITS)
        assert await whole(answer) == b"ok"
    assert len(came) == 1


async def test_what_comes_before_an_answer_is_passed_over():
    early = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    async with provider(early + ANSWER) as (pool, url, _):
        answer = await pool.ask("POST", url, {}, b"{}", WAITS)
        assert (answer.status, await whole(answer)) == (200, b"ok")


async def test_an_answer_that_is_not_read_to_its_end_costs_its_connection():
    async with provider(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", ANSWER) as (pool, url, came):
        answer = await pool.ask("POST", url, {}, b"{}", WAITS)
        assert await answer.chunk() == b"ok"
        answer.close()
        assert await whole(await pool.ask("POST", url, {}, b"{}", WAITS)) == b"ok"
    assert came[0][2] is not came[1][2]


async def test_what_is_no_answer_is_a_failure_and_silence_is_late():
    async with provider(b"HTTP/9 what\r\n\r\n", b"") as (pool, url, _):
        with pytest.raises(FAILURES):
            await pool.ask("POST", url, {}, b"{}", WAITS)
        with pytest.raises(TimeoutError):
            await pool.ask("POST", url, {}, b"{}", WAITS)


async def test_silence_in_the_middle_is_late():
    async with provider(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok") as (pool, url, _):
        answer = await pool.ask("POST", url, {}, b"{}", WAITS)
        answer.wait(0.01)
        assert await answer.chunk() == b"ok"
        with pytest.raises(TimeoutError):
            await answer.chunk()
        answer.close()


async def test_addresses_are_forgotten_before_they_fill_the_memory(monkeypatch):
    monkeypatch.setattr("tokenhouse.edges.pool.TARGETS_MAX", 2)
    async with provider(*[ANSWER] * 5) as (pool, url, _):
        for number in range(5):
            await whole(await pool.ask("POST", url.with_query(n=number), {}, b"{}", WAITS))
        assert len(pool._targets) <= 2
