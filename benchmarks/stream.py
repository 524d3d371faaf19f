"""Memory and speed of training and evaluating from a file that stays on disk, against the number of its rows.

For each number of rows a file is written, a tiny random backbone is trained for one epoch with ``stream: true`` (and,
for comparison, with the rows in memory), and evaluated on the whole file; each in a process of its own, whose peak
memory is noted. Run from the repository's root:

    python -m benchmarks.stream --rows 20000 200000 2000000
"""

import argparse
import json
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.table import Table

from benchmarks.common import console, fresh_process, machine, notes, peak_memory, show_machine, write_json

WORDS = [f"word{number}" for number in range(400)]
TOPICS = {"red": WORDS[:20], "green": WORDS[20:40], "blue": WORDS[40:60]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 200_000, 2_000_000])
    parser.add_argument("--in-memory", type=int, default=200_000, help="most rows to train on in memory, too")
    parser.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    described = machine()
    show_machine(described)
    table = Table(title="A file on disk", title_justify="left")
    for column in ("rows", "file, MB", "streamed", "training, MiB", "training, s", "evaluation, MiB", "evaluation, s"):
        table.add_column(column, justify="right")
    found = []
    for rows in options.rows:
        with TemporaryDirectory() as folder:
            place = Path(folder)
            fresh_process(write_files, place, rows, options.format)
            size = (place / f"rows.{options.format}").stat().st_size / 1e6
            for stream in (True, False) if rows <= options.in_memory else (True,):
                notes.print(f"{rows:,} rows, {'streamed' if stream else 'in memory'}")
                trained = fresh_process(measure_training, place, stream, options.format)
                scored = fresh_process(measure_evaluation, place, stream, options.format)
                found.append({"rows": rows, "megabytes": size, "stream": stream, "train": trained, "evaluate": scored})
                cells = (f"{each[key]:,.0f}" for each in (trained, scored) for key in ("peak_memory_mib", "seconds"))
                table.add_row(f"{rows:,}", f"{size:,.0f}", "yes" if stream else "no", *cells)
    console.print(table)
    write_json(options.json, {"machine": described, "format": options.format, "results": found})


def write_files(folder: Path, rows: int, form: str) -> None:
    """The rows, and a tiny backbone that knows their words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    generator = random.Random(1)
    with open(folder / f"rows.{form}", "w", encoding="utf-8") as file:
        if form == "csv":
            file.write("text,topic\n")
        for _ in range(rows):
            topic = generator.choice(list(TOPICS))
            text = " ".join([*generator.choices(WORDS, k=generator.randint(4, 16)), generator.choice(TOPICS[topic])])
            file.write(f"{text},{topic}\n" if form == "csv" else json.dumps({"text": text, "topic": topic}) + "\n")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(models.WordLevel({name: index for index, name in enumerate([*special, *WORDS])}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=32, **names).save_pretrained(folder / "tiny")
    config = BertConfig(
        vocab_size=404, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=32,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder / "tiny")
    recipe = (
        "model: {backbone: tiny}\ntasks: {topic: {kind: classification}}\n"
        f"data: {{rows: {{format: {form}, stream: true, train: rows.{form}, tasks: {{topic: {{}}}}}}}}\n"
        "training: {epochs: 1, batch_size: 256, bf16: false, head_learning_rate: 0.01, learning_rate: 0.003}\n"
    )
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")


def measure_training(folder: Path, stream: bool, form: str) -> dict[str, float]:
    """Seconds and peak memory of an epoch, reading included."""
    from polyhead import load_recipe, train

    started = time.perf_counter()
    recipe = load_recipe(folder / "recipe.yaml", overrides={"data.rows.stream": str(stream).lower()})
    train(recipe, folder / f"run-{stream}")
    return {"seconds": time.perf_counter() - started, "peak_memory_mib": peak_memory()}


def measure_evaluation(folder: Path, stream: bool, form: str) -> dict[str, float]:
    """Seconds and peak memory of scoring the trained model on every row, with intervals."""
    from polyhead import Polyhead
    from polyhead.recipe.examples import recipe_examples

    started = time.perf_counter()
    model = Polyhead.from_pretrained(folder / f"run-{stream}", dtype="float32")
    changed = folder / "evaluate.yaml"
    text = (folder / "recipe.yaml").read_text(encoding="utf-8")
    changed.write_text(text.replace("stream: true", f"stream: {str(stream).lower()}"), encoding="utf-8")
    [rows], _ = recipe_examples(changed, "train", model.tasks, data_root=None, count_unseen=False)
    report = model.evaluate(rows, resamples=1000)
    metrics = report.metrics()
    return {
        "seconds": time.perf_counter() - started,
        "peak_memory_mib": peak_memory(),
        "rows": report.tasks["topic"].rows,
        "accuracy": metrics["topic.accuracy"],
    }


if __name__ == "__main__":
    main()
