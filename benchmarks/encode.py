"""Embeddings: tokens a second, milliseconds for one text, agreement and memory, beside sentence-transformers.

Polyhead as it comes and in fp32; sentence-transformers as it comes (fp32, batches of 32) and at its best (bf16, the
fastest of some batch sizes). Tokenising is inside the time. Run from the repository's root, on a quiet machine:

    python -m benchmarks.encode --data ag_news/test.csv

The file has the columns class, title, description and no header. It is read for its texts alone.
"""

import argparse
import csv
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.common import (
    add_arguments,
    as_json,
    console,
    fresh_process,
    interleaved,
    machine,
    notes,
    peak_memory,
    ratio_table,
    show_machine,
    write_json,
)
from polyhead.pretrained import DEFAULT_BACKBONE, find, load
from polyhead.pretrained.hardware import resolve_dtype

Encode = Callable[[Any], NDArray[np.float32]]
"""A text, or a list of them → embeddings."""

OURS, OURS_FP32 = "polyhead", "polyhead fp32"
THEIRS, THEIRS_BF16 = "sentence-transformers", "sentence-transformers bf16"
SIDES = (OURS, OURS_FP32, THEIRS, THEIRS_BF16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="CSV", help="columns class, title, description")
    parser.add_argument("--texts", type=int, default=1024, help="the file's first texts (%(default)s)")
    parser.add_argument("--single", type=int, default=128, help="texts encoded one at a time (%(default)s)")
    parser.add_argument("--model", default=DEFAULT_BACKBONE, help="a sentence-transformers folder or name")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[16, 32, 64], help="tried for the best bf16 one")
    add_arguments(parser)
    options = parser.parse_args()

    described = machine()
    show_machine(described)
    folder = find(options.model)
    texts = read_texts(options.data, options.texts)
    tokens = count_tokens(folder, texts)
    console.print(f"{len(texts):,} texts, {tokens:,} tokens, {tokens / len(texts):.1f} a text", highlight=False)
    if resolve_dtype("auto", torch.device(options.device)) == torch.float32:
        notes.print("! no fast bf16 on this device: polyhead as it comes is fp32", style="yellow")

    batch_size = best_batch_size(folder, options.device, texts, options.batch_sizes)
    encoders = {name: open_side(name, folder, options.device, batch_size) for name in SIDES}
    embeddings = {name: encode(texts) for name, encode in encoders.items()}  # the warm-up, too
    speed = interleaved(
        {name: partial(tokens_per_second, encode, texts, tokens) for name, encode in encoders.items()},
        rounds=options.rounds,
    )
    latency = interleaved(
        {name: partial(single_milliseconds, encode, texts[: options.single]) for name, encode in encoders.items()},
        rounds=options.rounds,
    )
    cosines = {name: row_cosines(embeddings[name], embeddings[THEIRS]) for name in SIDES if name != THEIRS}
    weighed = SIDES if options.device == "cpu" else ()  # the process's memory says nothing of a GPU's
    memory = {name: fresh_process(peak_of, name, folder, options.device, batch_size, texts) for name in weighed}

    baselines = [THEIRS, THEIRS_BF16]
    console.print(ratio_table("Many texts, tokenising included", "tokens/s", speed, baselines=baselines))
    console.print(f"{THEIRS_BF16}: batches of {batch_size}, its best of {options.batch_sizes}", highlight=False)
    title = f"One text at a time, p50 of {len(texts[: options.single])}"
    console.print(ratio_table(title, "ms", latency, baselines=baselines, less_is_better=True, digits=2))
    show_facts(cosines, memory)
    write_json(
        options.json,
        {
            "machine": described,
            "texts": len(texts),
            "tokens": tokens,
            "sentence_transformers_best_batch_size": batch_size,
            "tokens_per_second": as_json(speed),
            "single_milliseconds": as_json(latency),
            "cosine_to_sentence_transformers_fp32": {
                name: {"min": float(found.min()), "mean": float(found.mean())} for name, found in cosines.items()
            },
            "peak_memory_mib": memory,
        },
    )


def read_texts(path: Path, count: int) -> list[str]:
    """The first ``count`` texts: title, a space, description."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row, _ in zip(csv.reader(file), range(count), strict=False)]
    return [f"{title} {description}" for _, title, description in rows]


def count_tokens(folder: Path, texts: Sequence[str]) -> int:
    """Tokens that both sides read, special ones included; they must agree on where a text is cut."""
    from sentence_transformers import SentenceTransformer

    tokenizer = load(folder).tokenizer
    theirs = SentenceTransformer(str(folder), device="cpu").max_seq_length
    if tokenizer.max_length != theirs:
        raise SystemExit(f"polyhead reads {tokenizer.max_length} tokens of a text, sentence-transformers {theirs}")
    return sum(len(encoding.ids) for encoding in tokenizer(texts, offsets=False))


def open_side(name: str, folder: Path, device: str, batch_size: int) -> Encode:
    """The side's model, opened anew; ``batch_size`` is for sentence-transformers in bf16.

    Each side imports its own library, so that the other's is not in its memory.
    """
    if name in (OURS, OURS_FP32):
        from polyhead import Polyhead

        ours = Polyhead.from_pretrained(folder, device=device, dtype="auto" if name == OURS else "float32")
        return lambda inputs: np.asarray(ours.encode(inputs))
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    if name == THEIRS:
        theirs = SentenceTransformer(str(folder), device=device)
        return lambda inputs: np.asarray(theirs.encode(inputs, show_progress_bar=False))
    narrow = SentenceTransformer(str(folder), device=device, model_kwargs={"dtype": torch.bfloat16})
    return lambda inputs: np.asarray(narrow.encode(inputs, batch_size=batch_size, show_progress_bar=False))


def best_batch_size(folder: Path, device: str, texts: Sequence[str], sizes: Sequence[int]) -> int:
    """The batch size at which sentence-transformers in bf16 is fastest, the better of two tries each."""
    seconds = {size: float("inf") for size in sizes}
    for size in [*sizes, *sizes]:
        encode = open_side(THEIRS_BF16, folder, device, size)
        encode(texts[:64])
        started = time.perf_counter()
        encode(texts)
        seconds[size] = min(seconds[size], time.perf_counter() - started)
    return min(seconds, key=lambda size: seconds[size])


def tokens_per_second(encode: Encode, texts: Sequence[str], tokens: int, turn: int) -> float:
    started = time.perf_counter()
    encode(texts)
    return tokens / (time.perf_counter() - started)


def single_milliseconds(encode: Encode, texts: Sequence[str], turn: int) -> float:
    """The median over texts, each encoded by itself."""
    encode(texts[0])
    found = []
    for text in texts:
        started = time.perf_counter()
        encode(text)
        found.append(time.perf_counter() - started)
    return 1000 * statistics.median(found)


def row_cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float64]:
    """*Shapes:* (texts, width) twice → (texts,)."""
    left, right = left.astype(np.float64), right.astype(np.float64)
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    cosines: NDArray[np.float64] = (left * right).sum(axis=1) / lengths
    return cosines


def peak_of(name: str, folder: Path, device: str, batch_size: int, texts: Sequence[str]) -> float:
    """Peak memory in MiB of a process that opens one side and encodes all texts."""
    open_side(name, folder, device, batch_size)(texts)
    return peak_memory()


def show_facts(cosines: Mapping[str, NDArray[np.float64]], memory: Mapping[str, float]) -> None:
    for name, found in cosines.items():
        line = f"cosine of {name} to {THEIRS} (fp32): min {found.min():.6f}, mean {found.mean():.6f}"
        console.print(line, highlight=False)
    for name, peak in memory.items():
        console.print(f"peak memory of a process with {name}: {peak:,.0f} MiB", highlight=False)


if __name__ == "__main__":
    main()
