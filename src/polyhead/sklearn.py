"""scikit-learn's way in: texts → embeddings, and texts → classes, over an encoder that stays as it is.

Estimators hold settings alone. The encoder is opened when it is first needed and kept by this module, so that clones,
pickles and a grid search's workers carry no weights, and the fits of a grid search share one encoder.
"""

# ruff: noqa: N803  # scikit-learn's names: X is what is given, C the inverse of the penalty

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from polyhead.errors import UserError, missing_extra, shown

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.linear_model import LogisticRegression
    from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted
except ModuleNotFoundError as error:
    raise missing_extra(error) from None

if TYPE_CHECKING:
    from polyhead.api import Polyhead

__all__ = ["KEPT", "EmbeddingClassifier", "EmbeddingVectorizer", "InvalidInput", "close_encoders", "open_encoder"]

KEPT = 4
"""Encoders that stay open: the last ones used."""

_BACKBONE = "sentence-transformers/all-MiniLM-L6-v2"  # pretrained.DEFAULT_BACKBONE, which cannot be had without torch
_opening = Lock()  # threads that want the same encoder must not open it twice


class InvalidInput(UserError, ValueError):
    """Texts or labels that are none; a ``ValueError``, too, as scikit-learn's tools expect."""


class _FrozenEncoder(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What the estimators share: the encoder's settings, and how texts become embeddings."""

    model: str | Path
    prompt_name: str | None
    normalize: bool
    truncate_dim: int | None
    batch_size: int | None
    device: str | None
    dtype: str

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings, by ``Polyhead.encode``; of no texts to check the settings alone. *Shape:* (texts, width)."""
        encoder = open_encoder(self.model, device=self.device, dtype=self.dtype)
        embeddings: NDArray[np.float32] = encoder.encode(
            texts,
            prompt_name=self.prompt_name,
            batch_size=self.batch_size,
            normalize_embeddings=self.normalize,
            truncate_dim=self.truncate_dim,
        )
        return embeddings

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


class EmbeddingVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, _FrozenEncoder):  # type: ignore[misc]
    """Texts to embeddings, where ``CountVectorizer`` or ``TfidfVectorizer`` would stand.

    There is nothing to learn: ``fit`` checks settings and texts, and ``transform`` works without it. The settings are
    those of ``Polyhead.from_pretrained`` and ``Polyhead.encode``; ``normalize`` divides rows by their Euclidean norm.
    """

    def __init__(
        self,
        *,
        model: str | Path = _BACKBONE,
        prompt_name: str | None = None,
        normalize: bool = False,
        truncate_dim: int | None = None,
        batch_size: int | None = None,
        device: str | None = None,
        dtype: str = "auto",
    ) -> None:
        self.model = model
        self.prompt_name = prompt_name
        self.normalize = normalize
        self.truncate_dim = truncate_dim
        self.batch_size = batch_size
        self.device = device
        self.dtype = dtype

    def fit(self, X: Sequence[str], y: Any = None) -> Self:
        """Check settings and texts; ``y`` is not looked at.

        Raises:
            InvalidInput: ``X`` is not one or more texts.
            UserError: the model cannot be opened, or has no such prompt, device or dtype.
        """
        _texts(X)
        self._embed([])
        return self

    def transform(self, X: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings of ``X``; a table after ``set_output``. *Shape:* (texts, width). Raises as ``fit``."""
        return self._embed(_texts(X))

    @property
    def _n_features_out(self) -> int:
        """Width of the embeddings, for ``get_feature_names_out``."""
        return int(self._embed([]).shape[1])

    def __sklearn_is_fitted__(self) -> bool:
        """Always; scikit-learn before 1.6 asks here and not for tags."""
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class EmbeddingClassifier(ClassifierMixin, _FrozenEncoder):  # type: ignore[misc]
    """Logistic regression on embeddings: texts to classes, in the time that one forward pass takes.

    ``C``, ``max_iter``, ``class_weight`` and ``random_state`` are ``sklearn.linear_model.LogisticRegression``'s, the
    rest is ``EmbeddingVectorizer``'s. To try many regressions on the same embeddings, put that class into a pipeline
    with ``memory``: here every fit reads its texts anew.

    Fitted, it has ``classes_``, ``n_iter_`` and the regression itself as ``classifier_``.
    """

    def __init__(
        self,
        *,
        model: str | Path = _BACKBONE,
        prompt_name: str | None = None,
        normalize: bool = False,
        truncate_dim: int | None = None,
        batch_size: int | None = None,
        device: str | None = None,
        dtype: str = "auto",
        C: float = 1.0,
        max_iter: int = 1000,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.prompt_name = prompt_name
        self.normalize = normalize
        self.truncate_dim = truncate_dim
        self.batch_size = batch_size
        self.device = device
        self.dtype = dtype
        self.C = C
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: Sequence[str], y: Any) -> Self:
        """Learn the classes ``y`` (texts,) of ``X``; labels are checked before any text is encoded.

        Raises:
            ValueError: ``y`` is not one class a text, has a single class, or a setting is out of range.
            InvalidInput: ``X`` is not one or more texts.
            UserError: the model cannot be opened, or has no such prompt, device or dtype.
        """
        texts = _texts(X)
        if y is None:
            name = type(self).__name__  # the words are scikit-learn's, whose tools look for them
            raise InvalidInput(f"{name} requires y to be passed, but the target y is None; give a class for each text")
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_consistent_length(texts, labels)
        check_classification_targets(labels)
        regression = LogisticRegression(
            C=self.C, max_iter=self.max_iter, class_weight=self.class_weight, random_state=self.random_state
        )
        self.classifier_ = regression.fit(self._embed(texts), labels)
        self.classes_ = self.classifier_.classes_
        self.n_iter_ = self.classifier_.n_iter_
        return self

    def predict(self, X: Sequence[str]) -> NDArray[Any]:
        """The likeliest class of each text. *Shape:* (texts,).

        Raises:
            NotFittedError: ``fit`` was not called.
            InvalidInput: ``X`` is not one or more texts.
        """
        classes: NDArray[Any] = self._fitted().predict(self._embed(_texts(X)))
        return classes

    def predict_proba(self, X: Sequence[str]) -> NDArray[Any]:
        """Probabilities in the order of ``classes_``. *Shape:* (texts, classes). Raises as ``predict``."""
        probabilities: NDArray[Any] = self._fitted().predict_proba(self._embed(_texts(X)))
        return probabilities

    def decision_function(self, X: Sequence[str]) -> NDArray[Any]:
        """Logits: (texts, classes), or (texts,) for the second of two classes. Raises as ``predict``."""
        logits: NDArray[Any] = self._fitted().decision_function(self._embed(_texts(X)))
        return logits

    def _fitted(self) -> Any:
        check_is_fitted(self, "classifier_")
        return self.classifier_


def open_encoder(model: str | Path, *, device: str | None = None, dtype: str = "auto") -> "Polyhead":
    """The encoder: the one in memory if it is among the last ``KEPT`` and its folder did not change since.

    Raises:
        UserError: as ``Polyhead.from_pretrained``.
        MissingExtra: torch or transformers is not installed.
    """
    with _opening:
        return _open(str(model), device, dtype, _files(model))


def close_encoders() -> None:
    """Give back the memory of the encoders that are kept; they are opened anew when they are needed."""
    _open.cache_clear()


@lru_cache(maxsize=KEPT)
def _open(model: str, device: str | None, dtype: str, files: tuple[tuple[str, int, int], ...]) -> "Polyhead":
    from polyhead import Polyhead  # by this door, a missing torch is reported with the extra that brings it

    encoder = Polyhead.from_pretrained(model, device=device, dtype=dtype)
    encoder.encode([])  # puts it on its device now, while other threads wait
    return encoder


def _files(model: str | Path) -> tuple[tuple[str, int, int], ...]:
    """Path, time and size of every file of a local model, so that one trained anew is not taken for the old one."""
    with suppress(OSError, RuntimeError, ValueError):  # too long for a path, nobody's home, a NUL: a name on the Hub
        folder = Path(model).expanduser()
        for each in (folder, folder / "model"):  # where `pretrained.find` looks, in its order
            if (each / "config.json").is_file() or (each / "modules.json").is_file():
                found = [(str(path), path.stat()) for path in sorted(each.rglob("*")) if path.is_file()]
                return tuple((path, status.st_mtime_ns, status.st_size) for path, status in found)
    return ()


def _texts(X: Any) -> list[str]:
    """``X``, a list, an array or a table's column, as a list.

    Raises:
        InvalidInput: it is something else, empty, or something in it is no text.
    """
    rule = "X: must be a list, an array or a column of texts"
    if isinstance(X, str | bytes):
        raise InvalidInput(f"{rule}, found the single text {shown(X)}; put it into a list")
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) != 1:
        remedy = "give the column itself (to a ColumnTransformer: its name, not a list of names)"
        raise InvalidInput(f"{rule}, in one dimension, found the shape {tuple(shape)}; {remedy}")
    if isinstance(X, Mapping) or not (hasattr(X, "__len__") and hasattr(X, "__getitem__")):
        raise InvalidInput(f"{rule}, found {shown(X)} ({type(X).__name__}); make a list of it")
    texts = list(X)
    if not texts:
        raise InvalidInput(f"{rule}, at least one, found none")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InvalidInput(f"X[{index}]: must be a text, found {shown(text)}; leave it out, or give it as a string")
    return texts
