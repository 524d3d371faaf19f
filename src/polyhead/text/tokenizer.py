"""The tokenizer: texts to encodings, by the Rust library ``tokenizers``, offsets always on the original text."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from tokenizers import Tokenizer
from tokenizers.normalizers import Lowercase
from tokenizers.normalizers import Sequence as Normalizers

from polyhead.documents import IntArray
from polyhead.text.encoding import Encoding

_FEW, _SHORT = 8, 10_000
"""Texts, and characters of them, below which the library's threads are left asleep: they look for more work for longer
than these take. What is more is read without Python's lock, which others wait for."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a text, and the characters that it stands for (0, 0 for special ones)."""

    id: int
    text: str
    special: bool
    start: int
    end: int


class TextTokenizer:
    """Wraps a ``tokenizers.Tokenizer``; truncation is set by ``max_length``, padding is left to the batch."""

    def __init__(self, backend: Tokenizer, *, max_length: int, pad_id: int) -> None:
        self.backend = backend
        self.max_length = max_length
        self.pad_id = pad_id
        backend.no_padding()
        backend.no_truncation()
        self._special = backend.num_special_tokens_to_add(False)
        backend.enable_truncation(max_length)

    def limit(self, tokens: int) -> None:
        """Read no more than so many tokens of a text, special ones included; a limit that is lower stays."""
        if tokens < self.max_length:
            self.max_length = tokens
            self.backend.enable_truncation(tokens)

    def lower_case(self) -> None:
        """Lower-case every text first (sentence-transformers' ``do_lower_case``)."""
        normalizer = self.backend.normalizer
        self.backend.normalizer = Normalizers([Lowercase()] if normalizer is None else [Lowercase(), normalizer])

    def __call__(self, texts: Sequence[str], *, prompt: str = "", offsets: bool = True) -> list[Encoding]:
        """Tokenize ``texts``, each behind ``prompt``; ``offsets=False`` is faster where no word is asked for."""
        whole = [_clean(prompt + text) for text in texts]
        if len(whole) < _FEW and sum(map(len, whole)) < _SHORT:
            encoded = [self.backend.encode(text) for text in whole]
        else:
            encode = self.backend.encode_batch if offsets else self.backend.encode_batch_fast
            encoded = encode(whole)
        prompt_tokens = self._prompt_tokens(prompt)
        shift = len(prompt)
        return [
            Encoding(
                ids=each.ids
                or [self.pad_id],  # a text of no token, where there are no special ones, is a padding token
                offsets=(_shifted(each.offsets, shift) or [(0, 0)]) if offsets else (),
                prompt_tokens=prompt_tokens,
                truncated=bool(each.overflowing),
            )
            for each in encoded
        ]

    def lengths(self, texts: Sequence[str]) -> IntArray:
        """Tokens of each text as if there were no limit, special ones included. *Shape:* (texts,)."""
        encoded = self._whole.encode_batch_fast([_clean(text) for text in texts])
        return np.asarray([max(1, len(each.ids)) for each in encoded], dtype=np.int64)

    def tokens(self, texts: Sequence[str], *, special: bool = True) -> list[list[Token]]:
        """Every token of each text as if there were no limit; ``special`` ones beside."""
        encoded = self._whole.encode_batch([_clean(text) for text in texts], add_special_tokens=special)
        return [
            [
                Token(number, text, bool(special), *offsets)
                for number, text, special, offsets in zip(
                    one.ids, one.tokens, one.special_tokens_mask, one.offsets, strict=True
                )
            ]
            for one in encoded
        ]

    @cached_property
    def _whole(self) -> Tokenizer:
        """The same without a limit: another one, as others may be reading texts with it just now."""
        whole = Tokenizer.from_str(self.backend.to_str())
        whole.no_truncation()
        return whole

    def _prompt_tokens(self, prompt: str) -> int:
        """How many leading tokens the prompt takes: its own and the special ones before it."""
        if not prompt:
            return 0
        encoding = self.backend.encode(_clean(prompt))
        trailing = 0
        for special in reversed(encoding.special_tokens_mask):
            if not special:
                break
            trailing += 1
        return len(encoding.ids) - min(trailing, 1)


def _clean(text: str) -> str:
    """Lone surrogates, which UTF-8 cannot hold, as U+FFFD; every other text as it is. Offsets stay."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    return text


def _shifted(offsets: list[tuple[int, int]], shift: int) -> list[tuple[int, int]]:
    if not shift:
        return offsets
    return [(max(start - shift, 0), max(end - shift, 0)) for start, end in offsets]
