"""Token counts are the vendor's own, and where they cannot be, they err on the dear side and say so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.providers.oracle import TIKTOKEN
from tokenhouse.providers import tokens
from tokenhouse.providers.tokens import BYTES_PER_TOKEN, TOKTOK, Counted, Vocabulary, bound, count, vocabulary

ANSWERS = Path(__file__).parents[3] / "shared" / "data" / "streams"
BOTH = ("o200k_base", "cl100k_base")
ASSIGNED = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=200)
"""Characters that this Python's Unicode knows: on others, releases of Unicode and so tokenizers differ."""
ANYTHING = st.text(st.characters(), max_size=200)
SAMPLES = {
    "korean": "오늘은 날씨가 좋아서 산책을 나갔습니다. 수도는 서울이며, 요금은 토큰 단위로 계산.\n" * 9,
    "mixed": "API 키를 발급받고 `pip install`을 실행하세요 😀👩‍👩‍👧‍👦 — 100% 무료! ㅋㅋㅋ 漢字 かな\r\n\t"
    * 9,
    "code": "def draw(lots: list[Lot], cost: int) -> int:\n    return sum(l.left for l in lots)  # why?\n"
    * 9,
    "english": "Teams that put an AI feature in front of people pay by the token. It isn't free. " * 9,
    "special": "<|endoftext|> <|im_start|>user<|im_sep|> <|fim_prefix|>",
    "spaces": " " * 999 + "\n" * 99 + "\t \t" * 99,
    "numbers": "3.14159 1,000,000 2026-11-21 ١٢٣ ½ Ⅻ",
}


class Broken:
    """A tokenizer that fails as it is told to."""

    def __init__(self, how: BaseException):
        self.how = how

    def count(self, *_):
        raise self.how


class Panic(BaseException):
    """What compiled code raises when it panics: no `Exception`."""


@pytest.mark.row("D1")
def test_the_source_systems_own_examples():
    known = vocabulary("gpt-4o")
    assert known.count("안녕하세요!") == 3
    assert known.count("오늘 날씨가 어떤가요? 밖에 나가기 좋을까요?") == 16


@pytest.mark.row("D1")
@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_count_as_the_vendor_counts(name, sample):
    assert TOKTOK.count(name, SAMPLES[sample]) == TIKTOKEN.count(name, SAMPLES[sample])


@pytest.mark.row("D1")
@pytest.mark.parametrize("name", BOTH)
@settings(max_examples=300, deadline=None)
@given(text=ASSIGNED)
@example(text="'S's\u017f 'RE" + "\u0301" * 9)
@example(text=" \u3000\u2028x\x85")
def test_any_text_counts_as_the_vendor_counts(name, text):
    assert TOKTOK.count(name, text) == TIKTOKEN.count(name, text)


def test_long_texts_count_alike_on_either_way_through_the_tokenizer():
    text = SAMPLES["mixed"] * 200
    assert len(text) > tokens._GIL_HELD_MAX
    assert TOKTOK.count("o200k_base", text) == TIKTOKEN.count("o200k_base", text)


def test_harmony_counts_text_as_o200k_does():
    assert {
        TOKTOK.count("o200k_harmony", text) - TOKTOK.count("o200k_base", text) for text in SAMPLES.values()
    } == {0}


@pytest.mark.row("D1")
@pytest.mark.parametrize(
    ("models", "name"),
    [
        (
            "gpt-4o gpt-4o-mini-2024-07-18 gpt-4.1 gpt-4.5-preview gpt-5 gpt-5.1-codex gpt-5-nano o1 o1-mini",
            "o200k_base",
        ),
        (
            "o3 o3-pro o4-mini chatgpt-4o-latest gpt-audio gpt-realtime-mini codex-mini-latest GPT-4o",
            "o200k_base",
        ),
        (
            "ft:gpt-4o-2024-08-06:acme::7p4 openai/gpt-4o openrouter/openai/gpt-5:floor ft:o4-mini:acme",
            "o200k_base",
        ),
        (
            "gpt-4 gpt-4-0314 gpt-4-turbo gpt-3.5-turbo-16k gpt-35-turbo azure/gpt-35-turbo-0613",
            "cl100k_base",
        ),
        ("ft:gpt-3.5-turbo:acme text-embedding-3-large text-embedding-ada-002 davinci-002", "cl100k_base"),
        (
            "gpt-oss-120b openai/gpt-oss-20b openai.gpt-oss-120b-1:0 fireworks/models/gpt-oss-20b",
            "o200k_harmony",
        ),
    ],
)
def test_a_known_model_has_its_own_vocabulary(models, name):
    assert {(vocabulary(model).name, vocabulary(model).estimated) for model in models.split()} == {
        (name, False)
    }


@pytest.mark.row("D1")
@pytest.mark.parametrize(
    "model",
    [
        *("claude-sonnet-4-5", "gemini-2.5-pro", "llama-3.3-70b", "mistral-large", "qwen3-max", "HCX-005"),
        *("deepseek-chat", "grok-4", "o1x", "gpt-4all", "marco-o1", "gpt-neox", ""),
    ],
)
def test_an_unknown_vocabulary_is_approximated_from_above_and_says_so(model):
    known = vocabulary(model)
    text = SAMPLES["korean"]
    exact = TOKTOK.count("o200k_base", text)
    assert known.estimated
    assert known.counted(text).estimated
    assert exact * 1.5 <= known.count(text) <= exact * 2 + 1


def recorded(file):
    """Return the text that a recorded answer holds, and the tokens of output that its provider counted."""
    if not ANSWERS.exists():
        pytest.skip("the recorded answers are not beside the project")
    answer = json.loads((ANSWERS / file).read_text(encoding="utf-8"))
    usage = answer["usage"]
    if "content" in answer:
        return "".join(part.get("text", "") + part.get("thinking", "") for part in answer["content"]), usage[
            "output_tokens"
        ]
    return answer["choices"][0]["message"]["content"], usage["completion_tokens"]


@pytest.mark.row("D1")
@pytest.mark.parametrize(
    "file", ["01-openai-chat-plain-1.json", "02-openai-chat-plain-2.json", "05-openai-chat-cached.json"]
)
def test_recorded_answers_count_as_their_provider_counted(file):
    text, tokens_output = recorded(file)
    assert 0 <= tokens_output - vocabulary("gpt-4o-mini").count(text) <= 1


@pytest.mark.row("D1")
@pytest.mark.parametrize(
    "file",
    [
        *("26-anthropic-plain.json", "28-anthropic-cache-write.json", "29-anthropic-cache-read.json"),
        "30-anthropic-thinking.json",
    ],
)
def test_recorded_answers_of_claude_are_within_the_estimate(file):
    text, tokens_output = recorded(file)
    assert tokens_output <= vocabulary("claude-sonnet-4-5").count(text) <= tokens_output * 2


def test_an_approximation_never_exceeds_the_bytes():
    assert vocabulary("claude-opus-4-7").count("\u0301\u0302\ue000") <= 7
    assert vocabulary("claude-opus-4-7").count("x") == 1


@pytest.mark.row("D1", "D8")
@given(text=ANYTHING)
def test_a_lone_surrogate_is_no_error(text):
    counted = vocabulary("gpt-4o").counted(text)
    assert counted == Counted(TIKTOKEN.count("o200k_base", text.encode("utf-8", "replace").decode()))


@pytest.mark.row("D8")
@pytest.mark.parametrize(
    "how", [ImportError("no wheel"), ValueError("bad"), MemoryError(), Panic("index out of bounds")]
)
@pytest.mark.parametrize("sample", ["korean", "mixed", "code", "english"])
def test_where_the_tokenizer_fails_bytes_are_counted_dearly(how, sample):
    text = SAMPLES[sample]
    counted = Vocabulary("o200k_base", tokenizer=Broken(how)).counted(text)
    assert counted.estimated
    assert TOKTOK.count("o200k_base", text) <= counted.tokens <= -(-len(text.encode()) // BYTES_PER_TOKEN)
    document = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    whole = count("openai-chat", document, tokenizer=Broken(how))
    assert whole.estimated
    assert whole.tokens >= count("openai-chat", document).tokens


@pytest.mark.parametrize("how", [KeyboardInterrupt, SystemExit])
def test_who_stops_the_process_is_obeyed(how):
    with pytest.raises(how):
        Vocabulary("o200k_base", tokenizer=Broken(how())).count("x")


def test_another_tokenizer_of_the_protocol_may_stand_in():
    document = {"model": "gpt-4", "messages": [{"role": "user", "content": SAMPLES["mixed"]}]}
    assert count("openai-chat", document, tokenizer=TIKTOKEN) == count("openai-chat", document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANYTHING, inner, max_size=4),
    max_leaves=12,
)
KEYS = [
    *("type", "text", "role", "name", "content", "source", "data", "url", "image_url", "detail"),
    *(
        "input_audio",
        "file",
        "file_data",
        "tool_calls",
        "function",
        "arguments",
        "parameters",
        "properties",
        "description",
    ),
    *("enum", "input", "output", "summary", "tools", "messages", "system", "instructions", "prompt"),
    *("suffix", "response_format", "json_schema", "audio", "refusal", "title", "format"),
]
TYPES = [
    *("text", "input_text", "image_url", "input_image", "image", "input_audio", "file", "input_file"),
    *("document", "tool_result", "tool_use", "function", "json_schema", "base64", "content", "function_call"),
    "reasoning",
]
BODIES = st.recursive(
    JSON
    | st.sampled_from(
        [*TYPES, "data:image/png;base64,iVBORw0KGgo=", "data:text/plain;base64,7JWI64WV", "user"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
        | st.fixed_dictionaries({"type": st.sampled_from(TYPES), "role": st.just("user"), "content": inner})
    ),
    max_leaves=25,
)


@pytest.mark.row("D1", "D8")
@settings(max_examples=400, deadline=None)
@given(
    dialect=st.sampled_from(
        ["openai-chat", "openai-responses", "openai-completions", "openai-embeddings", "anthropic-messages"]
    ),
    document=st.dictionaries(st.sampled_from(KEYS), BODIES, max_size=4),
    model=st.sampled_from(
        ["gpt-4o", "gpt-4", "gpt-3.5-turbo-0301", "gpt-oss-20b", "claude-opus-4-7", "qwen3", "gpt-5-nano"]
    ),
)
def test_no_body_counts_above_its_bound_and_none_is_an_error(dialect, document, model):
    counted = count(dialect, document, model)
    assert 0 <= counted.audio <= counted.tokens + 3
    assert counted.tokens <= bound(dialect, document, model)


def test_the_model_is_the_documents_where_none_is_given():
    document = {"model": "gpt-4o", "input": "안녕하세요!"}
    assert count("openai-embeddings", document) == Counted(3)
    assert count("openai-embeddings", {"input": "x", "model": 7}).estimated
    assert bound("openai-embeddings", document) == len("안녕하세요!".encode())


def test_preparing_twice_is_harmless():
    tokens.prepare()
    tokens.prepare()
    assert vocabulary("gpt-oss-20b").count("ready") == 1


def test_a_vocabulary_loads_when_it_is_needed_and_not_before():
    told = (
        "import sys, tokenhouse, tokenhouse.providers.tokens as t; a = 'toktok' in sys.modules; t.prepare()"
    )
    told += "; print(a, 'toktok' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True, text=True)
    assert ran.stdout.split() == ["False", "True"]
