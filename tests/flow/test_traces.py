"""Traces: every layout is known by its header; a bad line is named, and nothing is half read."""

import gzip
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhouse.errors import InvalidInput
from tokenhouse.flow import traces
from tokenhouse.flow.traces import ACCOUNT_OF_ALL, parse_trace, read_trace, sample_trace
from tokenhouse.rules.periods import SECOND
from tokenhouse.rules.usage import Usage

SHARED = Path(__file__).parents[3] / "shared" / "data" / "traces"

AIDER = "time_unix,user_id,main_model,edit_format,prompt_tokens,completion_tokens\n"
PLAIN = "time,account,model,input,output,reasoning,cached\n"


def parsed(text: str):
    return parse_trace(text.encode(), "trace.csv")


@pytest.mark.parametrize(
    ("text", "layout", "at", "account", "model", "usage"),
    [
        (
            "t_s,client,model,input_tokens,output_tokens,reasoning_tokens\n0.921,c/1,m,21,1242,439\n",
            "servegen",
            921_000,
            "c/1",
            "m",
            Usage(21, output=803, reasoning=439),
        ),
        (
            AIDER + "1723560043,u,gpt,,638,25\n",
            "aider",
            1_723_560_043 * SECOND,
            "u",
            "gpt",
            Usage(638, output=25),
        ),
        (
            AIDER + "1723560043,,gpt,,638,25\n",
            "aider",
            1_723_560_043 * SECOND,
            ACCOUNT_OF_ALL,
            "gpt",
            Usage(638, output=25),
        ),
        (
            "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n",
            "azure",
            1_700_158_623_979_960,
            ACCOUNT_OF_ALL,
            "",
            Usage(4808, output=10),
        ),
        (PLAIN + "7.5,a,m,10,6,2,4\n", "plain", 7_500_000, "a", "m", Usage(6, 4, output=4, reasoning=2)),
        (
            "account,output,time,input,model\na,3,2026-01-01T09:00:00+09:00,,\n",
            "plain",
            1_767_225_600 * SECOND,
            "a",
            "",
            Usage(output=3),
        ),
    ],
)
def test_the_header_tells_the_layout(text, layout, at, account, model, usage):
    trace = parsed(text)
    [request] = trace.requests
    assert (trace.layout, request.at, request.account, request.model, request.usage) == (
        layout,
        at,
        account,
        model,
        usage,
    )


def test_gzipped_or_not_makes_no_difference():
    text = (PLAIN + "1,a,m,1,1,,\n").encode()
    assert parse_trace(gzip.compress(text), "x").requests == parse_trace(text, "x").requests


def test_requests_come_in_order_of_time_and_blank_lines_are_nothing():
    trace = parsed(PLAIN + "9,a,m,1,1,,\n\n3,b,m,1,1,,\n")
    assert [request.account for request in trace.requests] == ["b", "a"]
    assert trace.relative
    assert not parsed(PLAIN + "1723560043,a,m,1,1,,\n").relative


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("x,a,m,1,1,,", "2: 'x' is no time"),
        ("nan,a,m,1,1,,", "2: 'nan' is no time"),
        ("-1,a,m,1,1,,", "2: '-1' is no time"),
        ("1e300,a,m,1,1,,", "2: '1e300' is no time"),
        ("0001-01-01T00:00:00+09:00,a,m,1,1,,", "is no time"),
        ("2026-01-01,a,m,1,1,,", "2026-01-01"),
        ("1,a,m,-1,1,,", "2: '-1' is no number of tokens"),
        ("1,a,m,1.5,1,,", "2: '1.5' is no number of tokens"),
        ("1,a,m,1_000,1,,", "2: '1_000' is no number of tokens"),
        ("1,a,m,9223372036854775808,1,,", "is no number of tokens"),
        ("1,a,m,1,1,2,", "2: reasoning above output"),
        ("1,a,m,1,1,,2", "2: cached above input"),
        ("1,,m,1,1,,", "2: '' is no name of 1 to 120 characters"),
        ("1,a\0b,m,1,1,,", "is no name of 1 to 120 characters"),
        (f"1,{'a' * 121},m,1,1,,", "is no name of 1 to 120 characters"),
        (f"1,a,{'m' * 201},1,1,,", "is no name of 1 to 200 characters"),
        ("1,a,m,1", "2: too few columns"),
        ('1,"a,m,1,1', "unexpected end of data"),
        (f"1,a,m,{'1' * 200_000},1,,", "2:"),
    ],
)
def test_a_bad_line_is_named_with_its_problem(line, problem):
    with pytest.raises(InvalidInput) as told:
        parsed(PLAIN + line + "\n" + "2,b,m,1,1,,\n")
    assert told.value.reason == "trace_lines"
    assert problem in told.value.message()
    assert told.value.message("ko")


def test_many_bad_lines_are_counted():
    with pytest.raises(InvalidInput) as told:
        parsed(PLAIN + "x,a,m,1,1,,\n" * 12)
    assert told.value.facts["value"] == 12
    assert told.value.facts["lines"].endswith("6: 'x' is no time; +7")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "trace_header"),
        (b"a,b,c\n1,2,3\n", "trace_header"),
        (PLAIN.encode(), "trace_empty"),
        (PLAIN.encode() + b"1,\xff,m,1,1,,\n", "trace_lines"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-9], "trace_unreadable"),
        (b"\x1f\x8bnonsense", "trace_unreadable"),
    ],
    ids=["nothing", "no header", "no line", "no text", "cut off", "no gzip"],
)
def test_what_is_no_trace_is_refused(data, reason):
    with pytest.raises(InvalidInput) as told:
        parse_trace(data, "trace.csv")
    assert told.value.reason == reason


def test_a_trace_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(traces, "BYTES_MAX", 1_000)
    with pytest.raises(InvalidInput, match="1000 bytes"):
        parse_trace(gzip.compress(PLAIN.encode() + b"\n" * 100_000), "bomb.csv.gz")


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(InvalidInput) as told:
        read_trace(tmp_path / "none.csv")
    assert told.value.reason == "trace_unreadable"


@given(st.binary(max_size=300))
def test_hostile_bytes_are_read_or_refused(data):
    for bytes_ in (data, PLAIN.encode() + data):
        with suppress(InvalidInput):
            assert parse_trace(bytes_, "x").requests


def test_a_scaled_trace_rounds_up_and_a_pooled_one_has_one_account():
    trace = parsed(PLAIN + "1,a,m,10,1,,\n2,b,m,1,1,,\n")
    assert [request.usage.total for request in trace.scaled(Fraction(1, 3)).requests] == [5, 2]
    assert trace.pooled().accounts == [ACCOUNT_OF_ALL]


def test_the_sample_is_small_and_real():
    trace = sample_trace()
    assert len(trace.requests) > 4_000
    assert len(trace.accounts) >= 60
    assert trace.requests[-1].at - trace.requests[0].at > 13 * 86_400 * SECOND
    assert any(request.usage.reasoning for request in trace.requests)


@pytest.mark.parametrize(
    ("name", "requests", "accounts"),
    [("servegen_sampled_requests", 414_575, 360), ("aider_requests", 5_522, 5), ("azure2023_code", 8_819, 1)],
)
def test_the_published_traces_are_read_whole(name, requests, accounts):
    file = SHARED / f"{name}.csv.gz"
    if not file.exists():
        pytest.skip("the published traces lie beside the project, in ../shared/data")
    trace = read_trace(file)
    assert len(trace.requests) == requests
    assert name.startswith("aider") or len(trace.accounts) == accounts
