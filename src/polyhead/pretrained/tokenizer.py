"""A folder's tokenizer: read by transformers, run by ``TextTokenizer``."""

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer

from polyhead.errors import UserError, shown
from polyhead.folder.settings import EncoderSettings
from polyhead.text.tokenizer import TextTokenizer

_FALLBACK_LENGTH = 512
# Without one of these, transformers makes up an empty tokenizer.
_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model")


def read_tokenizer(folder: Path, *, vocabulary: int) -> Any:
    """The transformers tokenizer of a backbone with ``vocabulary`` token embeddings; it has a padding token.

    Raises:
        UserError: there is none, it has no fast form, or more tokens than the backbone.
    """
    if not any((folder / name).is_file() for name in _FILES):
        raise UserError(f"{folder}: no tokenizer that can be opened (none of {', '.join(_FILES)} is here)")
    try:
        files = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # noqa: BLE001  (the Rust library raises bare exceptions)
        raise UserError(f"{folder}: no tokenizer that can be opened ({shown(str(error).strip(), 120)})") from None
    if not getattr(files, "is_fast", False):
        raise UserError(f"{folder}: the tokenizer has no fast form (tokenizer.json), which offsets need")
    if len(files) > vocabulary:
        raise UserError(f"{folder}: the tokenizer has {len(files)} tokens, the backbone {vocabulary}; they differ")
    if files.pad_token is None:
        files.pad_token = files.eos_token or files.unk_token or files.convert_ids_to_tokens(0)
    files.padding_side = files.truncation_side = "right"
    return files


def token_limit(folder: Path, wanted: int | None, files: Any, *, positions: int | None) -> int:
    """``wanted`` tokens, or as many as the tokenizer declares and the backbone's ``positions`` hold.

    Raises:
        UserError: the backbone cannot read so many.
    """
    if wanted is None:
        declared = int(files.model_max_length)
        wanted = declared if declared < 1_000_000 else positions or _FALLBACK_LENGTH
        wanted = min(wanted, positions or wanted)
    if wanted < 3 or (positions and wanted > positions):
        raise UserError(f"{folder}: max_length must be from 3 to {positions} tokens for this backbone, found {wanted}")
    return wanted


def text_tokenizer(files: Any, settings: EncoderSettings, *, lower_case: bool) -> TextTokenizer:
    """What tokenizes; with ``lower_case`` the saved tokenizer does the same."""
    backend = Tokenizer.from_str(files.backend_tokenizer.to_str())
    assert settings.max_length is not None
    tokenizer = TextTokenizer(backend, max_length=settings.max_length, pad_id=int(files.pad_token_id))
    if lower_case:
        tokenizer.lower_case()
        files.backend_tokenizer.normalizer = backend.normalizer
    return tokenizer
