"""``polyhead.sklearn``: scikit-learn's own checks, its tools at work, and the same numbers as without it."""

import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import joblib  # type: ignore[import-untyped]
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from polyhead import Polyhead, UserError
from polyhead.pretrained import DEFAULT_BACKBONE
from polyhead.sklearn import KEPT, EmbeddingClassifier, EmbeddingVectorizer, InvalidInput, close_encoders, open_encoder
from polyhead.starter import FOLDER

ROWS = [json.loads(line) for line in (FOLDER / "train.jsonl").read_text(encoding="utf-8").splitlines()][:120]
TEXTS = [row["text"] for row in ROWS]
TOPICS = [row["topic"] for row in ROWS]


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The models that were opened, one entry each time; nothing is open at first."""
    names: list[str] = []
    really = Polyhead.from_pretrained

    def counted(name: str, **options: Any) -> Polyhead:
        names.append(name)
        return really(name, **options)

    monkeypatch.setattr(Polyhead, "from_pretrained", counted)
    close_encoders()
    yield names
    close_encoders()


@pytest.fixture(scope="module")
def folder(backbones: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model with a prompt."""
    made = tmp_path_factory.mktemp("prompted") / "model"
    Polyhead.from_pretrained(backbones("bert")).save_pretrained(made)
    settings = made / "config_sentence_transformers.json"
    prompts = {"prompts": {"query": "the station of "}}
    settings.write_text(json.dumps({**json.loads(settings.read_text(encoding="utf-8")), **prompts}), encoding="utf-8")
    return str(made)


# scikit-learn runs its checks on numbers only. So they are run on estimators that write each row of numbers out as a
# text and leave all else to the real ones.


def _as_texts(estimator: Any, X: Any, *, reset: bool) -> Any:  # noqa: N803
    rows = validate_data(estimator, np.asarray(X), reset=reset, dtype="numeric")
    texts = [" ".join(f"{number:.1f}" for number in row) for row in rows]
    return type(X.iloc[:, 0])(texts, index=X.index) if hasattr(X, "iloc") else texts


def _takes_numbers(tags: Any) -> Any:
    tags.input_tags.two_d_array = True
    return tags


class NumbersVectorizer(EmbeddingVectorizer):
    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: N803
        return super().fit(_as_texts(self, X, reset=True), y)

    def transform(self, X: Any) -> Any:  # noqa: N803
        return super().transform(_as_texts(self, X, reset=False))

    def __sklearn_tags__(self) -> Any:
        return _takes_numbers(super().__sklearn_tags__())


class NumbersClassifier(EmbeddingClassifier):
    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        return super().fit(_as_texts(self, X, reset=True), y)

    def predict(self, X: Any) -> Any:  # noqa: N803
        return super().predict(_as_texts(self, X, reset=False))

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return super().predict_proba(_as_texts(self, X, reset=False))

    def decision_function(self, X: Any) -> Any:  # noqa: N803
        return super().decision_function(_as_texts(self, X, reset=False))

    def __sklearn_tags__(self) -> Any:
        return _takes_numbers(super().__sklearn_tags__())


_NUMBERS = "_as_texts alone would pass or fail it; what is asked of texts is in test_no_texts"
_FEATURES = "a text has no number of features, and CountVectorizer sets none either; _as_texts counts the numbers"
EXEMPT = {  # all that fail when _as_texts stops checking the numbers, but for check_classifiers_train, which does more
    "check_complex_data": _NUMBERS,
    "check_estimators_empty_data_messages": _NUMBERS,
    "check_estimators_nan_inf": _NUMBERS,
    "check_estimator_sparse_array": _NUMBERS,
    "check_estimator_sparse_matrix": _NUMBERS,
    "check_estimator_sparse_tag": _NUMBERS,
    "check_fit1d": _NUMBERS,
    "check_fit2d_predict1d": _NUMBERS,
    "check_n_features_in": _FEATURES,
    "check_n_features_in_after_fitting": _FEATURES,
}
FURTHER = [  # scikit-learn runs these on its own estimators only
    estimator_checks.check_global_output_transform_pandas,
    estimator_checks.check_set_output_transform,
    estimator_checks.check_set_output_transform_pandas,
]
CHECKS = [
    (estimator, getattr(check, "func", check).__name__, check)
    for estimator in (NumbersVectorizer(dtype="float32"), NumbersClassifier(dtype="float32"))
    for _, check in estimator_checks.estimator_checks_generator(estimator)
]


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(estimator, check, id=f"{type(estimator).__name__}-{name}")
        for estimator, name, check in CHECKS
        if name not in EXEMPT
    ],
)
def test_scikit_learns_checks(
    estimator: Any, check: Callable[[Any], None], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else scikit-learn skips its check with array dispatch on
    check(clone(estimator).set_params(model=folder))


@pytest.mark.parametrize("check", FURTHER, ids=[check.__name__ for check in FURTHER])
def test_scikit_learns_checks_of_its_own_transformers(check: Callable[[str, Any], None], folder: str) -> None:
    pytest.importorskip("pandas")
    check("NumbersVectorizer", NumbersVectorizer(model=folder, dtype="float32"))


def test_no_check_is_exempt_that_does_not_exist() -> None:
    assert set(EXEMPT) <= {name for _, name, _ in CHECKS}


@pytest.mark.parametrize("estimator", [EmbeddingVectorizer(), EmbeddingClassifier()])
def test_scikit_learn_knows_that_it_cannot_check_texts(estimator: Any) -> None:
    with pytest.warns(SkipTestWarning, match="requires input  of type .*string=True"):
        results = estimator_checks.check_estimator(estimator)
    assert [(result["check_name"], result["status"]) for result in results] == [("check_estimator_cloneable", "passed")]
    assert not get_tags(estimator).input_tags.two_d_array


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({}, {}),
        ({"normalize": True}, {"normalize_embeddings": True}),
        ({"truncate_dim": 5, "normalize": True}, {"truncate_dim": 5, "normalize_embeddings": True}),
        ({"truncate_dim": 99}, {"truncate_dim": 99}),
        ({"prompt_name": "query", "batch_size": 3}, {"prompt_name": "query", "batch_size": 3}),
    ],
)
def test_embeddings_are_those_of_encode(folder: str, settings: dict[str, Any], options: dict[str, Any]) -> None:
    vectorizer = EmbeddingVectorizer(model=folder, dtype="float32", device="cpu", **settings)
    expected = Polyhead.from_pretrained(folder, dtype="float32", device="cpu").encode(TEXTS[:20], **options)
    found = vectorizer.transform(TEXTS[:20])
    assert found.dtype == np.float32
    assert np.array_equal(found, expected)
    assert np.array_equal(vectorizer.fit_transform(TEXTS[:20], TOPICS[:20]), expected)
    assert len(vectorizer.get_feature_names_out()) == expected.shape[1] == min(32, settings.get("truncate_dim", 32))


@pytest.mark.parametrize("container", [tuple, np.array, lambda texts: np.array(texts, dtype=object)])
def test_lists_tuples_and_arrays_are_the_same(folder: str, container: Callable[[list[str]], Any]) -> None:
    vectorizer = EmbeddingVectorizer(model=folder, prompt_name="query")
    assert np.array_equal(vectorizer.transform(container(TEXTS[:9])), vectorizer.transform(TEXTS[:9]))


def test_tables(folder: str) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"text": TEXTS[:9], "length": range(9)}, index=list("abcdefghi"))
    vectorizer = EmbeddingVectorizer(model=folder, truncate_dim=3).set_output(transform="pandas")
    found = vectorizer.fit_transform(table["text"])
    assert list(found.columns) == [f"embeddingvectorizer{index}" for index in range(3)]
    assert list(found.index) == list(table.index)
    assert set(found.dtypes) == {np.dtype("float32")}
    columns = ColumnTransformer([("text", vectorizer, "text"), ("rest", "passthrough", ["length"])])
    assert np.array_equal(columns.fit_transform(table)[:, :3], found.to_numpy())
    with pytest.raises(InvalidInput, match=r"found the shape \(9, 1\); .* its name, not a list of names"):
        ColumnTransformer([("text", vectorizer, ["text"])]).fit(table)


@pytest.mark.parametrize(
    "settings", [{}, {"C": 0.01, "class_weight": "balanced"}, {"C": 50.0, "normalize": True, "truncate_dim": 8}]
)
@pytest.mark.parametrize("classes", [2, 4])
def test_classifier_is_logistic_regression_on_embeddings(folder: str, settings: dict[str, Any], classes: int) -> None:
    topics = sorted(set(TOPICS))[:classes]
    rows = [row for row in ROWS if row["topic"] in topics]
    texts, labels = [row["text"] for row in rows], [row["topic"] for row in rows]
    classifier = EmbeddingClassifier(model=folder, dtype="float32", random_state=3, **settings)
    classifier.fit(texts[20:], labels[20:])
    encoder = Polyhead.from_pretrained(folder, dtype="float32")
    learnt, fresh = (
        encoder.encode(
            each, normalize_embeddings=settings.get("normalize", False), truncate_dim=settings.get("truncate_dim")
        )
        for each in (texts[20:], texts[:20])
    )
    regression = LogisticRegression(
        C=settings.get("C", 1.0), class_weight=settings.get("class_weight"), max_iter=1000, random_state=3
    ).fit(learnt, labels[20:])
    assert classifier.classifier_.get_params() == regression.get_params()
    assert list(classifier.classes_) == topics
    for method in ("predict", "predict_proba", "decision_function"):
        assert np.array_equal(getattr(classifier, method)(texts[:20]), getattr(regression, method)(fresh))
    assert classifier.score(texts[20:], labels[20:]) == accuracy_score(labels[20:], regression.predict(learnt))


def test_max_iter_arrives(folder: str) -> None:
    with pytest.warns(UserWarning, match="failed to converge"):
        classifier = EmbeddingClassifier(model=folder, max_iter=2).fit(TEXTS, TOPICS)
    assert list(classifier.n_iter_) == [2]


@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_a_grid_search_opens_the_encoder_once(folder: str, opened: list[str], backend: str) -> None:
    search = GridSearchCV(EmbeddingClassifier(model=folder), {"C": [0.1, 1.0], "truncate_dim": [4, None]}, cv=2)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        search.fit(TEXTS[:60], TOPICS[:60])
    assert opened == [folder]
    assert set(search.best_params_) == {"C", "truncate_dim"}
    assert search.predict_proba(TEXTS[60:]).shape == (60, 4)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_pipeline_with_memory_encodes_once(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    encode = Polyhead.encode

    def counted(self: Polyhead, inputs: list[str], **options: Any) -> Any:
        calls.append(len(inputs))
        return encode(self, inputs, **options)

    monkeypatch.setattr(Polyhead, "encode", counted)
    pipeline = make_pipeline(EmbeddingVectorizer(model=folder), LogisticRegression(max_iter=1000), memory=str(tmp_path))
    grid = {"logisticregression__C": [0.1, 1.0, 10.0]}
    search = GridSearchCV(pipeline, grid, cv=2, refit=False, return_train_score=False).fit(TEXTS[:60], TOPICS[:60])
    assert calls.count(30) == 2 + 2 * 3, "each half once to be learnt from, and once for each value to be scored"
    assert list(search.cv_results_["param_logisticregression__C"]) == [0.1, 1.0, 10.0]


def test_pickles_hold_no_weights(folder: str, opened: list[str]) -> None:
    vectorizer = EmbeddingVectorizer(model=Path(folder), truncate_dim=4)
    classifier = EmbeddingClassifier(model=folder, class_weight={"travel": 2.0}, normalize=True).fit(TEXTS, TOPICS)
    before = vectorizer.fit_transform(TEXTS[:5]), classifier.predict_proba(TEXTS[:5])
    packed = pickle.dumps((vectorizer, classifier))
    assert len(packed) < 5000
    assert b"torch" not in packed
    close_encoders()
    again, classes = pickle.loads(packed)
    assert np.array_equal(again.transform(TEXTS[:5]), before[0])
    assert np.array_equal(classes.predict_proba(TEXTS[:5]), before[1])
    assert again.get_params() == vectorizer.get_params()
    assert len(opened) == 2, "once before the pickle, once after"


def test_clones_are_not_fitted(folder: str) -> None:
    classifier = EmbeddingClassifier(model=folder, C=3.0, class_weight={"travel": 2.0}).fit(TEXTS[:40], TOPICS[:40])
    copy = clone(classifier)
    assert copy.get_params() == classifier.get_params()
    for method in (copy.predict, copy.predict_proba, copy.decision_function):
        with pytest.raises(NotFittedError):
            method(TEXTS[:5])
    check_is_fitted(EmbeddingVectorizer())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("one text", "found the single text 'one text'; put it into a list"),
        (b"bytes", "found the single text"),
        ([], "at least one, found none"),
        (np.array([["a"], ["b"]]), r"in one dimension, found the shape \(2, 1\)"),
        (np.array("a"), r"found the shape \(\)"),
        ((text for text in TEXTS), r"\(generator\); make a list of it"),
        ({"a": 1}, r"found .*\(dict\)"),
        ({"a", "b"}, r"\(set\)"),
        (None, "found None"),
        (7, r"found 7 \(int\)"),
        (["a", None], r"X\[1\]: must be a text, found None"),
        (["a", "b", float("nan")], r"X\[2\]: must be a text, found nan"),
        ([["a", "word", "list"]], r"X\[0\]: must be a text"),
        (np.array([1.5, 2.5]), r"X\[0\]: must be a text, found .*1.5"),
    ],
)
def test_no_texts(folder: str, wrong: Any, words: str) -> None:
    classifier = EmbeddingClassifier(model=folder).fit(TEXTS[:20], TOPICS[:20])
    vectorizer = EmbeddingVectorizer(model=folder)
    calls: list[Callable[[], object]] = [
        lambda: vectorizer.fit(wrong),
        lambda: vectorizer.transform(wrong),
        lambda: classifier.predict(wrong),
        lambda: clone(classifier).fit(wrong, ["a", "b"]),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=words) as caught:
            call()
        assert isinstance(caught.value, UserError)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (None, "requires y to be passed, but the target y is None"),
        (["a"], "inconsistent numbers of samples"),
        ([["a", "b"], ["c", "d"]], "1d array"),
        ([0.5, 1.7], "continuous"),
        ([0.0, float("nan")], "Input y contains NaN"),
    ],
)
def test_labels_are_checked_before_the_encoder_is_opened(opened: list[str], labels: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        EmbeddingClassifier(model="no/such/model").fit(TEXTS[:2], labels)
    assert not opened


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"prompt_name": "poem"}, "prompt_name: this model's prompts are: query"),
        ({"truncate_dim": 0}, "truncate_dim: must be at least 1"),
        ({"batch_size": 0}, "batch_size: must be at least 1"),
        ({"device": "abacus"}, "device: must be one"),
        ({"dtype": "float8"}, "dtype: must be one"),
        ({"model": "/no/such/folder"}, "no such folder"),
    ],
)
def test_fit_refuses_wrong_settings(folder: str, settings: dict[str, Any], words: str) -> None:
    for estimator in (EmbeddingVectorizer(), EmbeddingClassifier()):
        with pytest.raises(UserError, match=words):
            estimator.set_params(**{"model": folder, **settings}).fit(TEXTS[:4], ["a", "b", "a", "b"])


def test_a_model_that_was_trained_anew_is_opened_anew(
    backbones: Callable[[str], Path], tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Polyhead.from_pretrained(backbones("bert"))
    run = tmp_path / "run"
    run.mkdir()
    model.save_pretrained(run / "model")
    monkeypatch.chdir(tmp_path)
    vectorizer = EmbeddingVectorizer(model="run", dtype="float32")
    before = vectorizer.transform(TEXTS[:3])
    (run / "metrics.jsonl").write_text("{}\n", encoding="utf-8")
    vectorizer.transform(TEXTS[:3])
    assert opened[1:] == ["run"], "a file beside the model is no change of it"
    for parameter in model.pretrained.model.encoder.parameters():
        parameter.data *= 1.5
    model.save_pretrained(run / "model")
    assert not np.allclose(vectorizer.transform(TEXTS[:3]), before)
    assert opened[1:] == ["run", "run"]


def test_only_the_last_encoders_stay_open(folder: str, tmp_path: Path, opened: list[str]) -> None:
    models = [tmp_path / f"model-{index}" for index in range(KEPT + 1)]
    for model in models:
        model.symlink_to(folder)
        open_encoder(model)
    assert len(opened) == KEPT + 1
    open_encoder(models[-1])
    open_encoder(str(models[1]))
    assert len(opened) == KEPT + 1
    open_encoder(models[0])
    assert len(opened) == KEPT + 2


def test_an_open_encoder_is_on_its_device(folder: str) -> None:
    with pytest.raises(UserError, match="device: must be one"):  # later, two threads would put it there at once
        open_encoder(folder, device="abacus")


def test_the_default_is_the_default_backbone() -> None:
    assert EmbeddingVectorizer().model == EmbeddingClassifier().model == DEFAULT_BACKBONE


WITHOUT = """
import sys
class Without:
    def find_spec(self, name, *others):
        if name.partition(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Without())
import polyhead.sklearn
print({"torch", "transformers"} & set(sys.modules))
polyhead.sklearn.EmbeddingVectorizer().fit(["a"])
"""


@pytest.mark.parametrize(("library", "printed"), [("sklearn", ""), ("torch", "set()")])
def test_optional_libraries_come_late_and_are_named(library: str, printed: str) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT, library], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == printed
    last = done.stderr.strip().splitlines()[-1]
    assert f"{library} is needed for this and not installed; run: pip install 'polyhead[train]'" in last
