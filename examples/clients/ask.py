"""Ask a running server through clients that know nothing of Polyhead: OpenAI's SDK and Hugging Face's.

polyhead serve                                  # the quickstart's model, at http://localhost:8080
pip install openai
python examples/clients/ask.py                  # or another address: ask.py http://host:port
"""

import sys

from huggingface_hub import InferenceClient
from openai import APIConnectionError, OpenAI
from rich.console import Console
from rich.table import Table

TEXTS = [
    "The night train from Vienna to Zagreb was spotless and on time.",
    "Parliament in Lisbon postponed the vote until Thursday.",
    "The new phone from Norvik overheats after ten minutes.",
]


def main(url: str = "http://localhost:8080") -> None:
    """Three questions, and a table of the answers."""
    openai = OpenAI(base_url=f"{url}/v1", api_key="none")
    try:
        [model, *_] = openai.models.list()
    except APIConnectionError:
        raise SystemExit(f"{url}: no server answers; start one with: polyhead serve") from None
    embedded = openai.embeddings.create(input=TEXTS, model=model.id)
    near = InferenceClient(f"{url}/pipeline/sentence-similarity").sentence_similarity(TEXTS[0], other_sentences=TEXTS)

    console = Console(width=118)
    console.print(f"{model.id}: {len(embedded.data[0].embedding)} numbers a text, {embedded.usage.total_tokens} tokens")
    shown = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("text", "topic", "sentiment", "entities", "cosine to the first"):
        shown.add_column(column)
    base = f"{url}/models/{model.id}/tasks"
    for text, cosine in zip(TEXTS, near, strict=True):
        labels = [
            InferenceClient(f"{base}/{task}/pipeline/text-classification").text_classification(text, top_k=1)[0]
            for task in ("topic", "sentiment")
        ]
        entities = InferenceClient(f"{base}/entities/pipeline/token-classification").token_classification(text)
        shown.add_row(
            text,
            *(f"{each.label} {each.score:.2f}" for each in labels),
            ", ".join(f"{each.word} {each.entity_group}" for each in entities),
            f"{cosine:.2f}",
        )
    console.print(shown)


if __name__ == "__main__":
    main(*sys.argv[1:2])
