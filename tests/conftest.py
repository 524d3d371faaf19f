"""Models for tests: the bundled MiniLM for what matters, tiny random ones of six architectures for breadth."""

import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

os.environ["HF_HUB_OFFLINE"] = "1"
if "PYTEST_XDIST_WORKER" in os.environ:  # workers, and what they start, must not each take the whole processor
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
import yaml
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

from polyhead import Polyhead
from polyhead.cli import main

if TYPE_CHECKING:
    from live import Live

WORDS = """
the a of to and in on for with by from river mountain station bridge harbour market school garden winter summer
Anna Berlin Tokyo Oslo Kofi Lima Thursday government election engine software battery telescope violin recipe
unbelievable internationalisation quick slow bright café naïve Zürich 東京 привет 3.5 2019 U.N. don't e-mail 🙂
walks runs reads writes builds repairs paints sells visits opens closes remembers forgets carries measures
""".split()  # noqa: SIM905


def sentences(count: int, *, seed: int = 0, longest: int = 40) -> list[str]:
    """Random sentences of very different lengths."""
    generator = random.Random(seed)
    return [" ".join(generator.choices(WORDS, k=generator.randint(1, longest))) + "." for _ in range(count)]


def word_piece() -> PreTrainedTokenizerFast:
    """A small lower-casing WordPiece tokenizer with BERT's special tokens."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(sentences(300), trainers.WordPieceTrainer(vocab_size=400, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, mask_token="[MASK]", model_max_length=64, **names)


def byte_pairs(*, special: bool) -> PreTrainedTokenizerFast:
    """A small byte-level BPE tokenizer; with RoBERTa's special tokens, or like GPT's with an end token alone."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if special else ["<|endoftext|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=names, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(sentences(300), trainer)
    if not special:
        end = "<|endoftext|>"
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=end, bos_token=end, model_max_length=64)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", cls_token="<s>", eos_token="</s>", sep_token="</s>",
        pad_token="<pad>", unk_token="<unk>", mask_token="<mask>", model_max_length=64,
    )  # fmt: skip


_SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
ARCHITECTURES: dict[str, tuple[Callable[[], PreTrainedTokenizerFast], dict[str, Any]]] = {
    "bert": (word_piece, {**_SMALL, "max_position_embeddings": 64}),
    "mpnet": (word_piece, {**_SMALL, "max_position_embeddings": 66}),
    "distilbert": (
        word_piece,
        {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, "max_position_embeddings": 64},
    ),
    "roberta": (lambda: byte_pairs(special=True), {**_SMALL, "max_position_embeddings": 66, "pad_token_id": 1}),
    "modernbert": (
        lambda: byte_pairs(special=True),
        {**_SMALL, "max_position_embeddings": 64, "pad_token_id": 1, "cls_token_id": 0, "sep_token_id": 2}
        | {"bos_token_id": 0, "eos_token_id": 2},
    ),
    "gpt_neo": (
        lambda: byte_pairs(special=False),
        {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]]}
        | {"max_position_embeddings": 64, "intermediate_size": 48, "window_size": 8}
        | {"bos_token_id": 0, "eos_token_id": 0},
    ),
}


def make_backbone(folder: Path, architecture: str) -> Path:
    """Write a tiny random model of ``architecture`` as a plain transformers folder."""
    tokenizer_of, settings = ARCHITECTURES[architecture]
    tokenizer = tokenizer_of()
    torch.manual_seed(7)
    config = AutoConfig.for_model(architecture, vocab_size=len(tokenizer), **settings)
    model = AutoModel.from_config(config)
    for parameter in model.parameters():  # the usual 0.02 makes every token state nearly the same
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def starter_recipe(path: Path, backbone: Path, **training: Any) -> Path:
    """A recipe of the starter data's topics and entities on a tiny backbone; its paths are the starter folder's."""
    splits = {split: f"{split}.jsonl" for split in ("train", "validation", "test")}
    document = {
        "model": {"backbone": str(backbone), "max_length": 24},
        "tasks": {"topic": {"kind": "classification"}, "entities": {"kind": "tagging"}},
        "data": {"starter": {"format": "jsonl", **splits, "tasks": {"topic": {}, "entities": {}}}},
        "training": {"bf16": False, **training},
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny backbone, by architecture; made once."""
    made: dict[str, Path] = {}

    def get(architecture: str) -> Path:
        if architecture not in made:
            made[architecture] = make_backbone(tmp_path_factory.mktemp(architecture), architecture)
        return made[architecture]

    return get


@pytest.fixture(scope="session")
def minilm() -> Polyhead:
    """The bundled all-MiniLM-L6-v2 in fp32; tests do not change it."""
    return Polyhead.from_pretrained(dtype="float32")


@pytest.fixture(scope="session")
def served(backbones: Callable[[str], Path]) -> Polyhead:
    """The model that is served."""
    from live import with_heads

    return with_heads(backbones("bert"))


@pytest.fixture(scope="session")
def other(backbones: Callable[[str], Path]) -> Polyhead:
    """Another, with one head of each of two sorts."""
    found = Polyhead.from_pretrained(backbones("mpnet"), dtype="float32")
    found.add_head("tone", "classification", ["calm", "loud"])
    found.add_head("names", "tagging", ["PER"])
    return found


@pytest.fixture(scope="session")
def live(served: Polyhead) -> Iterator["Live"]:
    """A server of one model."""
    from live import serving
    from polyhead.serving import Served

    with serving([Served("tiny", served)]) as found:
        yield found


@pytest.fixture(scope="session")
def single(other: Polyhead) -> Iterator["Live"]:
    """A server of one model, whose bare routes are clear."""
    from live import serving
    from polyhead.serving import Served

    with serving([Served("other", other)]) as found:
        yield found


@pytest.fixture(scope="session")
def both(served: Polyhead, other: Polyhead) -> Iterator["Live"]:
    """A server of two models."""
    from live import serving
    from polyhead.serving import Served

    with serving([Served("tiny", served), Served("other", other)]) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, closed with its module, as no other event loop runs beside its own."""
    import shutil

    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright axe-playwright-python")
    with sync_api.sync_playwright() as started:
        made = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup() -> None:
    """New heads begin from the same numbers in every run, whichever tests came before: those of fixtures …"""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    """… and those of tests, whose wider fixtures are made by now, or were earlier."""
    torch.manual_seed(0)


class Result(NamedTuple):
    """What a command said."""

    status: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Runs the command line in this process."""

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["polyhead", *map(str, arguments)])
        capfd.readouterr()
        try:
            main()
            status = 0
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 0
        return Result(status, *capfd.readouterr())

    return call
