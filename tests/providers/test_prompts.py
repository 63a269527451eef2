"""What is counted beside the text: frames, tools, pictures, sound and files, each by its published rule."""

import base64
import struct

import pytest

from tokenhouse.providers.attachments import PAGE_TOKENS, PAGES_MAX, PAGES_UNSEEN
from tokenhouse.providers.images import PIXELS_MAX, image_size
from tokenhouse.providers.inputs import AUDIO_UNSEEN, CLAUDE_TOOLS, HARMONY_PREAMBLE
from tokenhouse.providers.tokens import Counted, bound, count, vocabulary

JARGON = [
    {
        "role": "system",
        "content": "You are a helpful, pattern-following assistant that translates corporate jargon into"
        " plain English.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "New synergies will help drive top-line growth.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Things working well together will increase revenue.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "Let's circle back when we have more bandwidth to touch base on opportunities for"
        " increased leverage.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Let's talk later when we're less busy about how to do better.",
    },
    {
        "role": "user",
        "content": "This late pivot means we don't have time to boil the ocean for the client deliverable.",
    },
]
WEATHER = {
    "messages": [
        {
            "role": "system",
            "content": "You are a helpful assistant that can answer to questions about the weather.",
        },
        {"role": "user", "content": "What's the weather like in San Francisco?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "get_current_weather",
                "description": "Get the current weather in a given location",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "location": {
                            "type": "string",
                            "description": "The city and state, e.g. San Francisco, CA",
                        },
                        "unit": {
                            "type": "string",
                            "description": "The unit of temperature to return",
                            "enum": ["celsius", "fahrenheit"],
                        },
                    },
                    "required": ["location"],
                },
            },
        }
    ],
}


def packed(data):
    return base64.b64encode(data).decode()


def png(width, height):
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\6\0\0\0"


def gif(width, height):
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0"


def jpeg(width, height):
    profile = b"\xff\xe2" + struct.pack(">H", 60_000) + b"\xff\xc0" * 29_999
    return b"\xff\xd8" + profile + b"\xff\xff\xc2\0\x11\x08" + struct.pack(">HH", height, width) + b"\3"


def webp(width, height):
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + size


def webp_lossless(width, height):
    return b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0/" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little")


def webp_lossy(width, height):
    return b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height)


FORMATS = {"png": png, "gif": gif, "jpeg": jpeg, "webp": webp, "lossless": webp_lossless, "lossy": webp_lossy}


def picture(size, detail="high", form=png):
    url = f"data:image/png;base64,{packed(form(*size))}" if size else "https://example.org/a.png"
    return {"type": "image_url", "image_url": {"url": url, "detail": detail}}


def chat(content, **more):
    return {"messages": [{"role": "user", "content": content}], **more}


def beyond(content, model, dialect="openai-chat"):
    """Return what the content adds to an empty message."""
    empty = count(dialect, chat([]), model)
    counted = count(dialect, chat(content), model)
    assert counted.tokens <= bound(dialect, chat(content), model)
    return Counted(counted.tokens - empty.tokens, counted.estimated, counted.audio)


@pytest.mark.row("D1")
@pytest.mark.parametrize(
    ("model", "tokens"), [("gpt-4", 129), ("gpt-3.5-turbo", 129), ("gpt-4o", 124), ("gpt-4o-mini", 124)]
)
def test_messages_count_as_the_cookbook_shows_the_api_to_count(model, tokens):
    assert count("openai-chat", {"model": model, "messages": JARGON}) == Counted(tokens)


def test_the_oldest_model_frames_a_message_in_four_and_drops_the_role_of_a_name():
    today, oldest = (
        count("openai-chat", {"messages": JARGON}, name).tokens for name in ("gpt-4", "gpt-3.5-turbo-0301")
    )
    assert oldest == today + len(JARGON) - 2 * 4


@pytest.mark.row("D1")
@pytest.mark.parametrize(("model", "tokens"), [("gpt-4", 105), ("gpt-3.5-turbo", 105), ("gpt-4o", 101)])
def test_tools_count_as_the_cookbook_shows_the_api_to_count(model, tokens):
    assert count("openai-chat", WEATHER, model) == Counted(tokens)


def test_functions_and_flat_tools_count_like_tools():
    functions = [tool["function"] for tool in WEATHER["tools"]]
    legacy = {"messages": WEATHER["messages"], "functions": functions}
    assert count("openai-chat", legacy, "gpt-4o") == Counted(101)
    flat = {
        "input": WEATHER["messages"],
        "tools": [{"type": "function", **function} for function in functions],
    }
    assert count("openai-responses", flat, "gpt-4o") == Counted(101)


def test_what_the_tool_formula_does_not_know_is_counted_as_json_and_marked():
    nested = {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer"}}}}
    tool = {"name": "f", "parameters": {"properties": {"rows": nested}, "$defs": {"x": 1}}}
    plain = {"name": "f", "parameters": {"properties": {"rows": {"type": "array"}}}}
    counts = [count("openai-chat", chat("x", tools=[one]), "gpt-4o") for one in (plain, tool)]
    assert counts[1].tokens > counts[0].tokens + 10
    assert [one.estimated for one in counts] == [False, True]
    for odd in (
        7,
        {"type": "web_search"},
        {"name": "f", "parameters": "x"},
        {"name": "f", "parameters": {"properties": 3}},
    ):
        assert count("openai-chat", chat("x", tools=[odd]), "gpt-4o").estimated


def test_a_function_may_take_nothing_or_choose_among_numbers():
    bare = count("openai-chat", chat("x", tools=[{"name": "f"}]), "gpt-4o")
    assert not bare.estimated
    assert (
        count("openai-chat", chat("x", tools=[{"name": "f", "parameters": {"properties": {}}}]), "gpt-4o")
        == bare
    )
    chosen = {"name": "f", "parameters": {"properties": {"n": {"enum": [1, 2], "type": ["integer"]}}}}
    assert count("openai-chat", chat("x", tools=[chosen]), "gpt-4o").tokens > bare.tokens + 10


def test_a_schema_of_the_answer_is_read_by_the_model():
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": {"type": "object"}}}
    bare = count("openai-chat", chat("x"), "gpt-4o").tokens
    assert count("openai-chat", chat("x", response_format=form), "gpt-4o").tokens > bare
    assert count("openai-chat", chat("x", response_format={"type": "json_object"}), "gpt-4o").tokens == bare
    answer = {"input": "x", "text": {"format": {"type": "json_schema", "name": "city", "schema": {}}}}
    assert count("openai-responses", answer, "gpt-4o").tokens > bare


@pytest.mark.row("D1")
def test_responses_count_a_text_as_a_users_message_and_instructions_as_a_developers():
    said, told = "안녕하세요!", "Answer in Korean."
    both = {"input": said, "instructions": told}
    roles = [{"role": "developer", "content": told}, {"role": "user", "content": said}]
    assert count("openai-responses", both, "gpt-5") == count("openai-chat", {"messages": roles}, "gpt-5")
    parts = [{"role": "user", "content": [{"type": "input_text", "text": said}]}]
    assert count("openai-responses", {"input": parts}, "gpt-5") == count(
        "openai-responses", {"input": said}, "gpt-5"
    )


def test_a_message_that_is_none_is_counted_all_the_same():
    for odd in ("안녕하세요!", 5, None, ["안녕하세요!"]):
        assert count("openai-chat", {"messages": [odd]}, "gpt-4o").estimated


def test_what_the_provider_remembers_makes_a_count_an_estimate():
    remembered = {"input": "x", "previous_response_id": "resp_1"}
    assert count("openai-responses", remembered, "gpt-5").estimated


def test_calls_and_their_results_are_read_too():
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Seoul"}'}}
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "rain"},
    ]
    items = [
        {"type": "function_call", "call_id": "c", "name": "weather", "arguments": '{"city":"Seoul"}'},
        {"type": "function_call_output", "call_id": "c", "output": "rain"},
    ]
    by_chat = count("openai-chat", {"messages": messages}, "gpt-4o")
    by_items = count("openai-responses", {"input": items}, "gpt-4o")
    known = vocabulary("gpt-4o")
    least = sum(known.count(text) for text in ("weather", '{"city":"Seoul"}', "rain"))
    assert least < by_items.tokens <= by_chat.tokens <= least + 20
    assert by_chat.estimated
    assert by_items.estimated


@pytest.mark.row("D1")
def test_completions_and_embeddings_count_texts_lists_and_token_arrays():
    for dialect, key in (("openai-completions", "prompt"), ("openai-embeddings", "input")):
        for given, tokens in (
            ("안녕하세요!", 3),
            (["안녕하세요!", "안녕하세요!"], 6),
            ([1, 2, 3, 4], 4),
            ([[1, 2], [3]], 3),
            ([], 0),
        ):
            assert count(dialect, {key: given}, "gpt-4o") == Counted(tokens)
            assert bound(dialect, {key: given}, "gpt-4o") >= tokens
    assert count("openai-completions", {"prompt": "a", "suffix": "b"}, "gpt-4o") == Counted(2)


def test_anthropic_counts_system_messages_and_a_prompt_for_tools_as_an_estimate():
    document = {"system": "Be brief.", **chat("hello")}
    plain = count("anthropic-messages", document, "claude-sonnet-4-5")
    assert plain.estimated
    parts = {
        **document,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    }
    assert count("anthropic-messages", parts, "claude-sonnet-4-5") == plain
    tools = [{"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {}}}]
    assert (
        count("anthropic-messages", {**document, "tools": tools}, "claude-sonnet-4-5").tokens
        > plain.tokens + CLAUDE_TOOLS
    )


def test_anthropic_tool_results_hold_texts_and_pictures():
    source = {"type": "base64", "media_type": "image/png", "data": packed(png(300, 250))}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": source}]}
    assert 100 <= beyond([result], "claude-sonnet-4-5", "anthropic-messages").tokens <= 110
    words = {"type": "tool_result", "tool_use_id": "t", "content": "rain"}
    assert beyond([words], "claude-sonnet-4-5", "anthropic-messages").tokens < 10
    thought = {"type": "thinking", "thinking": "hm", "signature": "x" * 4_000}
    assert beyond([thought], "claude-sonnet-4-5", "anthropic-messages").tokens < 10


def test_gpt_oss_reads_a_preamble_of_its_own():
    assert (
        count("openai-chat", chat("x"), "gpt-oss-20b").tokens
        == count("openai-chat", chat("x"), "gpt-4o").tokens + HARMONY_PREAMBLE
    )


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_says_its_size_in_its_header(form):
    assert image_size(packed(FORMATS[form](1_800, 2_400))) == (1_800, 2_400)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0", b"RIFF0000WEBPJUNK", png(0, 9), b"\x89PNG", b"GIF89a"]
)
def test_a_broken_header_says_nothing(data):
    assert image_size(packed(data)) is None
    assert image_size("!" * 5) is None


def test_a_jpeg_may_fill_up_and_pause_before_it_says_its_size():
    frame = b"\xc0\0\x11\x08" + struct.pack(">HH", 7, 9) + b"\3"
    assert image_size(packed(b"\xff\xd8\xff\xd0\xff\xff\xff" + frame)) == (9, 7)


def test_what_is_no_base64_says_nothing():
    assert image_size("A" * 5 + "=" * 3) is None
    assert beyond([{"type": "image", "source": {"type": "base64", "data": "=" * 9}}], "gpt-4o").estimated


def test_an_absurd_size_is_believed_up_to_a_limit():
    assert image_size(packed(png(2**31, 2**31))) == (PIXELS_MAX, PIXELS_MAX)
    assert beyond([picture((2**31, 1))], "gpt-4o").tokens <= 85 + 8 * 170


@pytest.mark.row("D1")
@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens"),
    [
        ("gpt-4o", (1_024, 1_024), "high", 765),  # Examples of OpenAI's guide.
        ("gpt-4o", (2_048, 4_096), "high", 1_105),
        ("gpt-4o", (4_096, 8_192), "low", 85),
        ("gpt-4o", (1_024, 1_024), "auto", 765),
        ("gpt-4o", (2_049, 513), "high", 1_445),  # As billed; a pixel less is not.
        ("gpt-4o", (2_050, 513), "high", 765),
        ("gpt-4o", (1, 1), "high", 255),
        ("gpt-4o-mini", (1_024, 1_024), "high", 2_833 + 4 * 5_667),
        ("gpt-4-turbo", (512, 512), "high", 255),
        ("o1", (512, 512), "high", 225),
        ("gpt-5", (512, 512), "high", 210),
        ("gpt-4.1-mini", (1_024, 1_024), "high", 1_659),
        ("gpt-4.1-mini", (1_800, 2_400), "high", 2_353),  # 1,452 patches, as in the guide.
        ("gpt-4.1-nano", (32, 32), "low", 3),
        ("o4-mini", (65, 32), "auto", 6),
        ("gpt-5.4", (3_200, 3_200), "original", 12_000),
        ("gpt-5.4", (1_600, 1_600), "high", 3_000),
        ("claude-sonnet-4-5", (1_092, 1_092), "auto", 1_590),
        ("claude-3-5-sonnet-20240620", (8_000, 8_000), "auto", 1_600),
        ("claude-opus-4-7", (8_000, 8_000), "auto", 4_784),
        ("qwen3-vl", (280, 280), "auto", 100),
    ],
)
def test_a_picture_takes_what_its_models_rule_says(model, size, detail, tokens):
    assert beyond([picture(size, detail)], model).tokens == tokens


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-4.1-mini",
        "o4-mini",
        "claude-opus-4-7",
        "claude-3-haiku",
        "gemini-2.5-pro",
    ],
)
@pytest.mark.parametrize(
    "size", [(1, 1), (767, 769), (2_048, 768), (4_000, 1_474), (9_999, 3), (60_000, 1), (60_000, 60_000)]
)
def test_a_picture_that_cannot_be_seen_takes_the_most(model, size):
    unseen = beyond([picture(None)], model)
    assert unseen.estimated
    assert 0 < beyond([picture(size)], model).tokens <= unseen.tokens


def test_pictures_of_every_wire_format_are_found():
    data = packed(png(512, 512))
    url = f"data:image/png;base64,{data}"
    assert beyond([{"type": "image_url", "image_url": url}], "gpt-4o") == Counted(255)
    assert beyond([{"type": "image", "source": {"type": "base64", "data": data}}], "gpt-4o") == Counted(255)
    item = {
        "input": [{"role": "user", "content": [{"type": "input_image", "image_url": url, "detail": "low"}]}]
    }
    empty = {"input": [{"role": "user", "content": []}]}
    added = (
        count("openai-responses", item, "gpt-4o").tokens - count("openai-responses", empty, "gpt-4o").tokens
    )
    assert added == 85


def test_sound_is_bounded_by_its_seconds_and_counted_apart():
    header = (
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0"
        + struct.pack("<II", 24_000, 48_000)
        + b"\2\0\x10\0data\0\0\0\0"
    )
    minute = {
        "type": "input_audio",
        "input_audio": {"data": packed(header + bytes(60 * 48_000)), "format": "wav"},
    }
    heard = beyond([minute], "gpt-4o-audio-preview")
    assert 600 <= heard.tokens <= 630
    assert heard.audio == heard.tokens
    assert heard.estimated
    assert beyond([minute], "gemini-2.5-flash").tokens > 60 * 32
    compressed = {"type": "input_audio", "input_audio": {"data": packed(bytes(60_000)), "format": "mp3"}}
    assert 600 <= beyond([compressed], "gpt-4o-audio-preview").tokens <= 630
    assert beyond([{"type": "input_audio"}], "gpt-4o-audio-preview").tokens == AUDIO_UNSEEN


def test_an_earlier_spoken_answer_counts_by_its_id():
    document = {"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}
    assert count("openai-chat", document, "gpt-4o-audio-preview").audio == AUDIO_UNSEEN


def test_files_count_by_the_page_and_texts_as_texts():
    pdf = b"%PDF-1.7 " + b"<< /Type /Page >> " * 3 + b"<< /Type /Pages >>" + bytes(50_000)
    inside = {
        "type": "file",
        "file": {"filename": "a", "file_data": f"data:application/pdf;base64,{packed(pdf)}"},
    }
    assert beyond([inside], "gpt-4o") == Counted(3 * PAGE_TOKENS + 1, estimated=True)
    document = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": packed(pdf)},
    }
    assert beyond([document], "gpt-4o").tokens == 3 * PAGE_TOKENS
    closed = {"type": "input_file", "file_data": packed(b"%PDF" + bytes(9_000))}
    assert beyond([closed], "gpt-4o").tokens == 3 * PAGE_TOKENS
    many = {"type": "input_file", "file_data": packed(b"/Type/Page " * 2_000)}
    assert beyond([many], "gpt-4o").tokens == PAGES_MAX * PAGE_TOKENS
    assert beyond([{"type": "file", "file": {"file_id": "f"}}], "gpt-4o").tokens == PAGES_UNSEEN * PAGE_TOKENS
    words = f"data:text/plain;base64,{packed('안녕하세요!'.encode())}"
    assert beyond([{"type": "input_file", "file_data": words}], "gpt-4o") == Counted(3)
    source = {"type": "text", "media_type": "text/plain", "data": "안녕하세요!"}
    assert beyond([{"type": "document", "source": source}], "gpt-4o") == Counted(3)
    blocks = {"type": "content", "content": [{"type": "text", "text": "안녕하세요!"}]}
    assert beyond([{"type": "document", "title": "a", "source": blocks}], "gpt-4o") == Counted(4)


def test_parts_that_nobody_knows_count_as_json_but_their_files_as_files():
    clip = {"type": "video_url", "video_url": {"url": "data:video/mp4;base64," + packed(bytes(8_000))}}
    counted = beyond([clip], "qwen3-vl")
    assert 2 * PAGE_TOKENS <= counted.tokens <= 2 * PAGE_TOKENS + 30
    assert beyond([{"type": "hologram", "depth": [1, 10**5_000]}], "gpt-4o").estimated


def test_a_deep_body_is_counted_without_recursion():
    deep = "x"
    for _ in range(50_000):
        deep = {"type": "tool_result", "content": [deep]}
    for content in (deep, [deep], [{"type": "odd", "x": deep}]):
        assert (
            0
            < count("openai-chat", chat(content), "gpt-4o").tokens
            <= bound("openai-chat", chat(content), "gpt-4o")
        )
