"""The demo provider: offline answers in every wire format, the same for the same request, exactly counted.

Pure: `thought` decides what is said, `openai` and `anthropic` write it down whole or in chunks. The edge that
serves it (`edges/demo.py`) adds time, and misbehaviour on request.
"""

from tokenhouse.providers.demo.shapes import SHAPES, Chunk, Shape
from tokenhouse.providers.demo.thought import MODELS, Thought, Wish, think, wished

__all__ = ["MODELS", "SHAPES", "Chunk", "Shape", "Thought", "Wish", "think", "wished"]
