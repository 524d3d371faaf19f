"""One sentence: the shape of its embedding, and the probabilities that the softmax gives each label.

python examples/genre-sentiment/show.py RUN [SENTENCE]
"""

import sys

from rich.console import Console

from polyhead import Polyhead

SENTENCE = "The council's plan to close the library is short-sighted, and it should think again."
console = Console(width=120)


def main(run: str, sentence: str = SENTENCE) -> None:
    """Print it all."""
    model = Polyhead.from_pretrained(run)
    console.print(sentence, markup=False)
    console.print(f"embedding: {model.encode([sentence]).shape}")
    for task in model.tasks:
        for label, share in zip(model.tasks[task].labels, model.predict_proba([sentence], task)[0], strict=True):
            console.print(f"  {task:10} {label:14} {share:.3f} {'█' * round(40 * float(share))}", highlight=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
