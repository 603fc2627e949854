"""What a model reads: context joined, long statements cut into windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.config import Inputs
from pipeline.typography import normalise


def second_segments(contexts: Sequence[str], titles: Sequence[str], inputs: Inputs) -> list[str]:
    """The optional second segment of each statement: the context, behind the title where asked for."""
    if not inputs.context:
        return [""] * len(contexts)
    if not inputs.title:
        return list(contexts)
    return [f"{title}. {context}" if title else context for title, context in zip(titles, contexts, strict=True)]


@dataclass(frozen=True, slots=True)
class Windows:
    """Token windows of a batch of statements.

    Attributes:
        features: One mapping a window (``input_ids`` and, where the encoder has them, ``token_type_ids``), unpadded,
            special tokens included, at most ``max_tokens`` long.
        owner: Index of the statement that each window belongs to, ascending.
        windowed: Whether a statement did not fit and was cut into several windows.
    """

    features: list[dict[str, list[int]]]
    owner: list[int]
    windowed: list[bool]


def encode(tokenizer: Any, texts: Sequence[str], seconds: Sequence[str], max_tokens: int) -> Windows:
    """Token windows of statements with their second segments.

    Nothing of a statement is ever dropped: the second segment loses its beginning first (what stands next to the
    statement stays), and a statement longer than the window is cut into windows that overlap by a quarter.

    Args:
        tokenizer: A fast tokenizer; its own post-processor adds the special tokens.
        texts: Statements as they stand in the article.
        seconds: Second segment of each statement, ``""`` for none.
        max_tokens: Longest window, special tokens included.
    """
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    statements = backend.encode_batch([normalise(text) for text in texts], add_special_tokens=False)
    behind = backend.encode_batch([normalise(second) for second in seconds], add_special_tokens=False)
    body = max_tokens - backend.num_special_tokens_to_add(False)
    pair_body = max_tokens - backend.num_special_tokens_to_add(True)
    windows = Windows([], [], [])
    for i, (statement, second) in enumerate(zip(statements, behind, strict=True)):
        room = pair_body - len(statement)
        if len(statement) > body:
            statement.truncate(body, stride=body // 4)
            parts = [statement, *statement.overflowing]
            joined = [backend.post_process(part) for part in parts]
        elif len(second) and room > 0:
            second.truncate(room, direction="left")
            joined = [backend.post_process(statement, second)]
        else:
            joined = [backend.post_process(statement)]
        windows.windowed.append(len(joined) > 1)
        for window in joined:
            feature = {"input_ids": window.ids}
            if "token_type_ids" in tokenizer.model_input_names:
                feature["token_type_ids"] = window.type_ids
            windows.features.append(feature)
            windows.owner.append(i)
    return windows
