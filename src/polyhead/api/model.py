"""Polyhead: the user's object."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import numpy as np
from numpy.typing import NDArray

from polyhead.api.heads import (
    check_head,
    check_texts,
    check_vectors,
    merge,
    new_task,
    probabilities,
    rename,
    set_learning,
    wanted_heads,
)
from polyhead.data.example import Example
from polyhead.errors import UserError, shown
from polyhead.inference.encode import Encoded, encode
from polyhead.inference.engines.torch import TorchEngine
from polyhead.inference.inputs import Text, as_examples
from polyhead.inference.predictor import Predictor, stacked
from polyhead.inference.quantize import Precision
from polyhead.inference.similarity import similarity
from polyhead.kinds import ClassificationTask, MultilabelTask, Task
from polyhead.kinds.base import FloatArray
from polyhead.predictions import Prediction
from polyhead.pretrained import DEFAULT_BACKBONE, Pretrained, load, push, save
from polyhead.pretrained.hardware import resolve_device

if TYPE_CHECKING:
    from polyhead.data.pairs import Pairs
    from polyhead.evaluation import Report
    from polyhead.evaluation.embeddings import EmbeddingReport


class Polyhead:
    """One sentence encoder and its heads."""

    def __init__(self, pretrained: Pretrained, *, device: str | None = None, dtype: str = "auto") -> None:
        self.pretrained = pretrained
        self._device = device
        self._dtype = dtype
        self._engine: TorchEngine | None = None

    @classmethod
    def from_pretrained(
        cls,
        name_or_folder: str | Path = DEFAULT_BACKBONE,
        *,
        revision: str | None = None,
        device: str | None = None,
        dtype: str = "auto",
        allow_mismatch: bool = False,
    ) -> Self:
        """Open a model folder, a run's folder, a sentence-transformers or transformers folder, or a Hub name.

        ``dtype`` is what the backbone computes in: auto, float32, bfloat16, float16; weights are kept and saved
        in fp32.
        ``allow_mismatch`` opens heads that were trained on another encoder than the one beside them.

        Raises:
            UserError: no such model, or one that is damaged, of another make, or tampered with.
        """
        loaded = load(name_or_folder, revision=revision, allow_mismatch=allow_mismatch)
        return cls(loaded, device=device, dtype=dtype)

    @property
    def tasks(self) -> dict[str, Task]:
        """Every head's task, by name."""
        return self.pretrained.tasks

    @property
    def width(self) -> int:
        """Width of the embedding."""
        return self.pretrained.model.encoder.width

    @property
    def max_length(self) -> int:
        """Tokens that are read of a text, special ones included."""
        return self.pretrained.tokenizer.max_length

    @property
    def prompts(self) -> Mapping[str, str]:
        """Prompts by name, as the model folder keeps them."""
        return self.pretrained.settings.prompts

    @property
    def engine(self) -> TorchEngine:
        """What runs the forward pass; made when it is first needed, and anew after ``refresh``."""
        if self._engine is None:
            self._engine = TorchEngine(self.pretrained.model, device=self._device, dtype=self._dtype)
        return self._engine

    @property
    def predictor(self) -> Predictor:
        """Texts to answers."""
        pretrained = self.pretrained
        return Predictor(
            engine=self.engine,
            tokenizer=pretrained.tokenizer,
            tasks=self.tasks,
            pool_prompt=pretrained.settings.pool_prompt,
        )

    def refresh(self) -> None:
        """Take up changed weights: call it after training ``pretrained`` by hand."""
        self._engine = None

    def encode(
        self,
        inputs: str | Sequence[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        output_value: Literal["sentence_embedding", "token_embeddings"] | None = "sentence_embedding",
        precision: Precision = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> Encoded:
        """Embeddings, with sentence-transformers' arguments.

        A string gives a vector (width,), a list a matrix (texts, width), an empty list (0, width). ``batch_size`` caps
        the rows of a batch, which are otherwise as many as its token budget holds. ``truncate_dim`` keeps the first
        dimensions; with ``normalize_embeddings`` they are normalised after that.

        Raises:
            UserError: an unknown prompt name, precision or output value, or an input that is no text.
        """
        if device is not None and resolve_device(device) != self.engine.device:
            self._device = device
            self.refresh()
        return encode(
            self.predictor,
            inputs,
            prompt=self.pretrained.settings.prompt_text(prompt, prompt_name),
            batch_size=batch_size,
            show_progress_bar=bool(show_progress_bar),
            output_value=output_value,
            precision=precision,
            convert_to_numpy=convert_to_numpy,
            convert_to_tensor=convert_to_tensor,
            normalize_embeddings=normalize_embeddings,
            truncate_dim=truncate_dim,
            width=self.width,
            advance=advance,
        )

    def encode_query(self, inputs: str | Sequence[str], **options: Any) -> Encoded:
        """``encode`` behind the prompt named ``query``, where the model has one."""
        return self.encode(inputs, **self._with_prompt(("query",), options))

    def encode_document(self, inputs: str | Sequence[str], **options: Any) -> Encoded:
        """``encode`` behind the prompt named ``document``, ``passage`` or ``corpus``, where the model has one."""
        return self.encode(inputs, **self._with_prompt(("document", "passage", "corpus"), options))

    def similarity(self, left: Any, right: Any) -> FloatArray:
        """The model's own similarity of embeddings. *Shapes:* (a, width), (b, width) → (a, b)."""
        return similarity(left, right, self.pretrained.settings.similarity)

    @overload
    def predict(  # type: ignore[overload-overlap]  # a string is a sequence of strings, too; the first wins
        self, inputs: str | Mapping[str, str], tasks: Collection[str] | None = None, *, batch_size: int | None = None
    ) -> Prediction: ...

    @overload
    def predict(
        self,
        inputs: Sequence[Text],
        tasks: Collection[str] | None = None,
        *,
        batch_size: int | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> list[Prediction]: ...

    def predict(
        self,
        inputs: Text | Sequence[Text],
        tasks: Collection[str] | None = None,
        *,
        batch_size: int | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> Prediction | list[Prediction]:
        """Every task's answer from one forward pass: a ``Prediction`` for a string, a list of them for a list.

        An input may be a list of words, taken as they are; offsets refer to them joined by single spaces. Or it is two
        texts, ``{"text": …, "text_pair": …}``, for heads that read both. ``tasks`` names the heads to run, and
        ``embedding``; if left out, all that the input has enough texts for.

        Raises:
            UserError: a task that the model lacks, an input that is no text, or one text for a head that reads two.
        """
        single = isinstance(inputs, str | Mapping)
        predictions = list(self.predictions(inputs, tasks, batch_size, advance))
        return predictions[0] if single else predictions

    def predictions(
        self,
        inputs: Text | Sequence[Text],
        tasks: Collection[str] | None = None,
        batch_size: int | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> Iterator[Prediction]:
        """``predict`` for many inputs, one answer at a time; raises as ``predict``."""
        examples = as_examples(inputs)
        heads, embedding = wanted_heads(self.tasks, tasks)
        if tasks is not None:
            check_texts(self.tasks, heads, examples)
        yield from self.predictor.predict(
            examples,
            tasks=heads,
            embedding=embedding,
            prompt=self.pretrained.settings.prompt_text(),
            max_rows=batch_size,
            advance=advance or (lambda count: None),
        )

    def logits(
        self, inputs: Text | Sequence[Text], tasks: Collection[str] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """What the heads give before it is decoded, by task; calibration is not in it.

        *Shapes:* (texts, outputs); of heads of tokens (texts, tokens, outputs), NaN behind a text's own tokens.

        Raises:
            UserError: a task that the model lacks, an input that is no text, or one text for a head that reads two.
        """
        examples = as_examples(inputs)
        heads, _ = wanted_heads(self.tasks, tasks)
        if tasks is None:
            heads = [name for name in heads if self.tasks[name].level != "pair"]
        check_texts(self.tasks, heads, examples)
        prompt = self.pretrained.settings.prompt_text()
        rows = list(self.predictor.rows(examples, tasks=heads, prompt=prompt))
        return {name: stacked([row.logits[name] for row in rows], len(self.tasks[name].outputs)) for name in heads}

    def predict_proba(self, inputs: Text | Sequence[Text], task: str) -> NDArray[np.float32]:
        """Probabilities of a task's labels, columns in the order of its labels. *Shape:* (texts, labels).

        Raises:
            UserError: the model lacks the task, or it gives no probability for each label of a text.
        """
        heads, _ = wanted_heads(self.tasks, [task])
        if not heads or not isinstance(self.tasks[task], ClassificationTask | MultilabelTask):
            raise UserError(f"predict_proba: needs a classification or multilabel task, found {shown(task)}")
        labels = self.tasks[task].labels
        found = [probabilities(each[task], labels) for each in self.predictions(inputs, [task])]
        return np.asarray(found, dtype=np.float32).reshape(-1, len(labels))

    def predict_embeddings(self, embeddings: FloatArray, tasks: Collection[str] | None = None) -> list[Prediction]:
        """Answers to embeddings that ``encode`` gave earlier, by the heads with ``input: embedding``; no text is read.

        *Shape:* (texts, width). ``tasks`` names the heads to run; all that can if left out.

        Raises:
            UserError: embeddings of another width, or a head that reads something else.
        """
        heads, _ = wanted_heads(self.tasks, tasks)
        if tasks is None:
            heads = [name for name in heads if self.tasks[name].reads_embedding]
        check_vectors(embeddings, self.width, self.tasks, heads)
        return list(self.predictor.predict_vectors(embeddings, tasks=heads))

    def evaluate(
        self,
        examples: Iterable[Example],
        *,
        resamples: int = 0,
        on_mistake: Callable[[dict[str, Any]], None] | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> "Report":
        """Score the heads on examples with labels, by the heads' own labels, scheme and order.

        ``resamples`` bootstrap samples (1,000 are usual) give each metric a 95 % interval; ``on_mistake`` is told of
        every row that went wrong. Memory does not grow with the number of examples.
        """
        from polyhead.evaluation import evaluate

        prompt = self.pretrained.settings.prompt_text()
        answers = self.predictor.scored(examples, prompt=prompt, advance=advance or (lambda count: None))
        return evaluate(self.tasks, answers, resamples=resamples, on_mistake=on_mistake)

    def evaluate_embedding(
        self, pairs: "Pairs | None" = None, texts: Sequence[str] = (), *, original: "Polyhead | None" = None
    ) -> "EmbeddingReport":
        """Measure the embedding on scored pairs, or else on ``texts``; against another model's where one is given."""
        from polyhead.evaluation.embeddings import report

        own = list(texts) if pairs is None else [*pairs.left, *pairs.right]
        vectors = np.asarray(self.encode(own, normalize_embeddings=True))
        others = None if original is None else np.asarray(original.encode(own, normalize_embeddings=True))
        return report(vectors, others, None if pairs is None else pairs.scores)

    def add_head(self, name: str, kind: str, labels: Sequence[str] = (), **settings: Any) -> None:
        """Put a new, untrained head on the encoder; ``settings`` are those of the kind.

        Raises:
            UserError: a name that is taken or no task name, an unknown kind, or settings that it does not have.
        """
        self.pretrained.add_head(name, new_task(name, kind, labels, settings, self.tasks))
        self.refresh()

    def remove_head(self, name: str) -> None:
        """Take a head off; the others and the embedding stay as they are.

        Raises:
            UserError: there is no such head.
        """
        self.pretrained.remove_head(check_head(self.tasks, name))
        self.refresh()

    def rename_head(self, old: str, new: str) -> None:
        """Give a head another name; its answers stay as they are.

        Raises:
            UserError: there is no such head, or the new name is taken or none.
        """
        rename(self.pretrained, old, new)
        self.refresh()

    def merge_heads(self, other: "Polyhead", names: Mapping[str, str] | None = None) -> None:
        """Put the heads of ``other`` on this model, which must have the very same encoder; all answers stay.

        ``names`` maps those that come to what they are called here; all of them, under their own names, if left out.

        Raises:
            UserError: another encoder, tokenizer or reading of texts, or a name that is taken.
        """
        merge(self.pretrained, other.pretrained, {name: name for name in other.tasks} if names is None else names)
        self.refresh()

    def freeze(self, *names: str) -> None:
        """Keep ``backbone`` or heads from learning in a loop of your own (recipes say it under ``training.plan``)."""
        set_learning(self.pretrained, names, learns=False)

    def unfreeze(self, *names: str) -> None:
        """Undo ``freeze``."""
        set_learning(self.pretrained, names, learns=True)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a model folder that sentence-transformers and transformers open, too, with the heads beside.

        Raises:
            UserError: the disk is full, or the place cannot be written.
        """
        save(self.pretrained, folder)

    def push_to_hub(self, repository: str, *, private: bool = False, token: str | None = None) -> str:
        """Upload the model folder to the Hugging Face Hub; the address of the commit."""
        return push(self.pretrained, repository, private=private, token=token)

    def _with_prompt(self, names: Sequence[str], options: dict[str, Any]) -> dict[str, Any]:
        if options.get("prompt") is not None or options.get("prompt_name") is not None:
            return options
        found = next((name for name in names if name in self.prompts), None)
        return {**options, "prompt": "" if found is None else self.prompts[found]}
