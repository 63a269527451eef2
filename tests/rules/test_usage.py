"""Usage: kinds are disjoint, whatever a provider's convention, and hostile counts never get in."""

from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.refusals import label, refused
from tokenhouse.rules.usage import (
    KINDS,
    NOTHING,
    TOKENS_MAX,
    Usage,
    checked_usage,
    from_beside,
    from_inside,
)

counts = st.integers(0, TOKENS_MAX)
usages = st.builds(Usage, **dict.fromkeys(KINDS, counts))
anything = st.integers(-(10**13), 10**13)


@dataclass(frozen=True)
class Reported:
    """A provider's counts, for the tables below."""

    by: object
    counts: dict
    usage: Usage


@pytest.mark.parametrize(
    "case",
    [
        Reported(from_inside, {"tokens_input": 100, "tokens_output": 10}, Usage(100, output=10)),
        Reported(from_inside, {"tokens_input": 100, "cached": 40}, Usage(60, 40)),
        Reported(
            from_inside,
            {"tokens_input": 100, "cached": 40, "cache_write": 30, "cache_write_1h": 10, "audio_input": 5},
            Usage(25, 40, 20, 10, audio_input=5),
        ),
        Reported(
            from_inside,
            {"tokens_input": 9, "tokens_output": 50, "reasoning": 20, "audio_output": 10},
            Usage(9, output=20, reasoning=20, audio_output=10),
        ),
        Reported(
            from_inside,
            {"tokens_input": 3_619, "cached": 2_921, "cache_write": 3_616},
            Usage(0, 2_921, 3_616),
        ),
        Reported(from_inside, {"tokens_input": 5, "tokens_output": 1, "reasoning": 4}, Usage(5, reasoning=4)),
        Reported(from_inside, {"tokens_input": -5, "tokens_output": -1, "cached": -7}, NOTHING),
        Reported(from_inside, {"tokens_input": 10**15}, Usage(TOKENS_MAX)),
        Reported(
            from_beside, {"tokens_input": 100, "tokens_output": 10, "cached": 40}, Usage(100, 40, output=10)
        ),
        Reported(
            from_beside,
            {"tokens_input": 7, "tokens_output": 9, "cache_write": 50, "cache_write_1h": 20, "reasoning": 4},
            Usage(7, 0, 30, 20, output=5, reasoning=4),
        ),
        Reported(from_beside, {"tokens_input": 7, "cache_write_1h": 20}, Usage(7, cache_write_1h=20)),
        Reported(from_beside, {"tokens_input": -7, "tokens_output": 10**15}, Usage(output=TOKENS_MAX)),
    ],
    ids=lambda case: f"{case.by.__name__}-{sum(case.counts.values())}",
)
def test_reported_counts_are_taken_apart(case):
    assert case.by(**case.counts) == case.usage


@given(
    tokens_input=anything,
    tokens_output=anything,
    parts=st.fixed_dictionaries(
        dict.fromkeys(
            ("cached", "cache_write", "cache_write_1h", "reasoning", "audio_input", "audio_output"), anything
        )
    ),
)
def test_no_report_makes_a_count_negative_or_loses_a_token(tokens_input, tokens_output, parts):
    usage = from_inside(tokens_input, tokens_output, **parts)
    assert checked_usage(usage) is usage
    assert usage.tokens_input >= min(max(tokens_input, 0), TOKENS_MAX)
    assert usage.tokens_output >= min(max(tokens_output, 0), TOKENS_MAX)


@given(tokens_input=counts, cached=counts)
def test_parts_that_fit_inside_leave_the_total_alone(tokens_input, cached):
    low, high = sorted((tokens_input, cached))
    assert from_inside(high, 5, cached=low, reasoning=3).total == high + 5
    assert from_beside(high, 5, cached=low, reasoning=3).total == high + low + 5


@given(usage=usages)
def test_the_total_is_the_sum_of_all_kinds(usage):
    assert (
        usage.total == sum(getattr(usage, kind) for kind in KINDS) == usage.tokens_input + usage.tokens_output
    )


@given(one=usages, two=usages)
def test_adding_adds_every_kind(one, two):
    both = one + two
    assert all(getattr(both, kind) == getattr(one, kind) + getattr(two, kind) for kind in KINDS)
    assert one + NOTHING == one


@given(usage=usages)
def test_the_journal_reads_what_it_wrote(usage):
    written = msgspec.json.encode(usage)
    assert msgspec.json.decode(written, type=Usage) == usage
    assert written.count(b":") == sum(getattr(usage, kind) > 0 for kind in KINDS)


def test_json_leaves_zeros_out():
    assert msgspec.json.encode(Usage(11, output=25)) == b'{"input":11,"output":25}'
    assert msgspec.json.encode(NOTHING) == b"{}"


@pytest.mark.parametrize("text", ["[]", '{"input":-1}', '{"input":1.5}', '{"input":"1"}', '{"inputs":1}'])
def test_a_journal_row_that_no_release_wrote_is_not_guessed_at(text):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Usage)


def test_a_table_of_kinds_from_outside_is_a_usage():
    assert checked_usage({"input": 3, "reasoning": 4}) == Usage(3, reasoning=4)
    assert checked_usage({}) == NOTHING


@pytest.mark.parametrize(
    "count", [-1, TOKENS_MAX + 1, 2**100_000, True, 1.0, float("nan"), "1", None], ids=label
)
def test_a_hostile_count_is_refused_in_a_table_and_in_a_usage(count):
    refused("usage_count", checked_usage, {"output": count})
    refused("usage_count", checked_usage, Usage(output=count), "call.usage")


@pytest.mark.parametrize(
    ("value", "reason"), [(None, "table_wanted"), ([1], "table_wanted"), ({"in": 1}, "field_unknown")]
)
def test_what_is_no_table_of_kinds_is_refused(value, reason):
    refused(reason, checked_usage, value)
