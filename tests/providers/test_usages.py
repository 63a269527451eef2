"""Usage objects with a twist: hidden thinking, halves, runs, totals, and figures that are nonsense."""

import pytest

from tokenhouse.providers.usages import BELIEVED_MAX, Tally, find_usage, measured_by, read_usage
from tokenhouse.rules.usage import TOKENS_MAX, Usage

pytestmark = pytest.mark.row("E2")


@pytest.mark.parametrize(
    ("usage", "expected", "marks"),
    [
        # A façade over Gemini: thoughts are in the total alone.
        (
            {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109},
            Usage(35, output=12, reasoning=62),
            ("total_larger",),
        ),
        # xAI: reasoning beside the completion.
        (
            {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 274,
                "completion_tokens_details": {"reasoning_tokens": 233},
            },
            Usage(32, output=9, reasoning=233),
            ("total_larger",),
        ),
        # Some of the thinking is in the completion, some in the total alone.
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 50,
                "total_tokens": 65,
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(10, output=35, reasoning=20),
            ("total_larger",),
        ),
        # OpenRouter: cached and written together exceed the prompt.
        (
            {
                "prompt_tokens": 3_619,
                "completion_tokens": 5,
                "total_tokens": 3_624,
                "prompt_tokens_details": {"cached_tokens": 2_921, "cache_write_tokens": 3_616},
            },
            Usage(0, cached_input=2_921, cache_write=3_616, output=5),
            (),
        ),
        # Embeddings that state a total alone.
        ({"total_tokens": 10}, Usage(10), ()),
        # DeepSeek and Moonshot name cached tokens in their own ways.
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 4}, Usage(5, cached_input=4), ()),
        ({"prompt_tokens": 9, "cached_tokens": 4}, Usage(5, cached_input=4), ()),
        # Bedrock: cached beside the input, inside the total.
        (
            {"inputTokens": 5, "outputTokens": 2, "cacheReadInputTokens": 40, "totalTokens": 47},
            Usage(5, cached_input=40, output=2),
            (),
        ),
        ({"inputTokens": 5, "totalTokens": 9}, Usage(5, reasoning=4), ("total_larger",)),
        # Gemini's audio, some of it cached.
        (
            {
                "promptTokenCount": 100,
                "cachedContentTokenCount": 30,
                "candidatesTokenCount": 8,
                "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 50}, {"modality": "TEXT"}],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 20}],
                "totalTokenCount": 108,
            },
            Usage(40, cached_input=30, audio_input=30, output=8),
            (),
        ),
        # OpenAI's transcriptions.
        (
            {"input_tokens": 14, "input_token_details": {"audio_tokens": 10}, "output_tokens": 4},
            Usage(4, audio_input=10, output=4),
            (),
        ),
        # Anthropic: an hour's writes are a part of all writes, and never more.
        (
            {
                "input_tokens": 1,
                "cache_creation_input_tokens": 10,
                "cache_creation": {"ephemeral_1h_input_tokens": 4, "ephemeral_5m_input_tokens": 6},
                "output_tokens": 2,
            },
            Usage(1, cache_write=6, cache_write_1h=4, output=2),
            (),
        ),
        (
            {"input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 4}},
            Usage(1, cache_write_1h=4),
            (),
        ),
        (
            {
                "input_tokens": 1,
                "cache_creation_input_tokens": 2,
                "cache_creation": {"ephemeral_1h_input_tokens": 9},
            },
            Usage(1, cache_write_1h=2),
            (),
        ),
        # Runs that say less than the figures beside them: the larger counts.
        (
            {"input_tokens": 90, "iterations": [{"input_tokens": 1}, {"input_tokens": 2}]},
            Usage(90),
            ("total_larger",),
        ),
        # Cohere counts in whole floats.
        ({"billed_units": {"input_tokens": 78.0, "output_tokens": 25.0}}, Usage(78, output=25), ()),
    ],
)
def test_a_usage_object_is_read_by_its_vendor_s_rule(usage, expected, marks):
    reading = read_usage(usage)
    assert (reading.usage, reading.marks) == (expected, marks)


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": "many"},
        {"prompt_tokens": True},
        {"prompt_tokens": -4},
        {"prompt_tokens": 1.5},
        {"input_tokens": None, "iterations": 7},
        {"promptTokensDetails": 5, "promptTokenCount": None},
        {"unknown": 5},
    ],
)
def test_what_says_nothing_is_no_usage(usage):
    assert read_usage(usage) is None


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 2**63, "completion_tokens": 10**400, "total_tokens": 10**500},
        {"inputTokens": 1, "totalTokens": 10**30},
        {"output_tokens": 5, "iterations": [{"output_tokens": TOKENS_MAX}] * 3},
        {"output_tokens": 5, "iterations": [{"output_tokens": TOKENS_MAX, "model": m} for m in "aab"]},
    ],
)
def test_more_than_any_call_can_use_is_not_believed_but_noted(usage):
    assert read_usage(usage) is None
    found = find_usage({"usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    assert (found.usage, found.marks) == (Usage(3, output=2), ())
    tally = Tally()
    tally.see(usage)
    said = measured_by(tally)
    assert (said.usage, said.usage_input, said.marks) == (None, None, ("absurd",))
    tally.see({"prompt_tokens": 3, "completion_tokens": 2})
    assert (measured_by(tally).usage, measured_by(tally).marks) == (Usage(3, output=2), ("absurd",))


def test_the_most_that_is_believed_is_charged():
    assert read_usage({"prompt_tokens": BELIEVED_MAX}).usage == Usage(BELIEVED_MAX)
    assert read_usage({"prompt_tokens": BELIEVED_MAX, "completion_tokens": 1}) is None


def test_of_two_halves_the_last_value_that_is_not_null_wins():
    tally = Tally()
    tally.see({"input_tokens": 43, "cache_read_input_tokens": 7, "output_tokens": 1}, begun=True)
    assert tally.reading is None
    assert tally.usage_input == Usage(43, cached_input=7)
    tally.see({"input_tokens": 61, "cache_read_input_tokens": None, "output_tokens": 2})
    assert tally.reading.usage == Usage(61, cached_input=7, output=2)


@pytest.mark.parametrize(
    "document",
    [
        {"reply": "…", "model": "m", "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        {
            "type": "response.completed",
            "response": {"model": "m", "usage": {"input_tokens": 3, "output_tokens": 2}},
        },
        {"model": "m", "x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}},
        {"model": "m", "delta": {"usage": {"billed_units": {"input_tokens": 3, "output_tokens": 2}}}},
        {"model": "m", "metadata": {"usage": {"inputTokens": 3, "outputTokens": 2}}},
        {"model": "m", "meta": {"billed_units": {"input_tokens": 3, "output_tokens": 2}}},
        [{"modelVersion": "m", "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}}],
    ],
)
def test_usage_is_found_where_vendors_put_it(document):
    found = find_usage(document)
    assert (found.usage, found.model) == (Usage(3, output=2), "m")


@pytest.mark.parametrize(
    "document", [None, 5, "usage", [], {}, {"usage": None}, {"usage": {"seats": 3}}, [[1]]]
)
def test_elsewhere_none_is_found(document):
    assert find_usage(document) is None
