"""The heads' losses against those that other libraries have, and against their formulas."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CoSENTLoss, MultipleNegativesRankingLoss
from sentence_transformers.util import pairwise_cos_sim
from torch.nn import functional

from polyhead.kinds import IGNORED
from polyhead.modeling.encoded import Encoded
from polyhead.modeling.heads import PairsHead, RegressionHead, SimilarityHead, TaggingHead
from polyhead.modeling.heads.crf import Crf, compact
from polyhead.modeling.heads.losses import BinaryLoss
from polyhead.modeling.heads.mix import ScalarMix
from polyhead.modeling.heads.regression import SquaredLoss
from polyhead.modeling.heads.tagging import _first_tokens


def drawn(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def encoded(embedding: torch.Tensor, parts: torch.Tensor | None = None) -> Encoded:
    nothing = torch.zeros(len(embedding), 0)
    return Encoded(nothing.unsqueeze(2), nothing, nothing, embedding, embedding, parts=parts)


def pairs_of(rows: int, texts: int = 2) -> torch.Tensor:
    return torch.arange(rows * texts).reshape(texts, rows).T


class Stub(SentenceTransformer):  # type: ignore[misc]
    """Sentence-transformers' losses ask a model for embeddings; these are given."""

    def __init__(self, vectors: list[torch.Tensor]) -> None:
        super().__init__(modules=[torch.nn.Identity()])
        self.vectors = iter(vectors)

    def forward(self, features: dict[str, torch.Tensor], **kwargs: object) -> dict[str, torch.Tensor]:
        return {"sentence_embedding": next(self.vectors)}


def test_cosent_is_sentence_transformers() -> None:
    left, right, gold = drawn(12, 8), drawn(12, 8, seed=2), torch.rand(12, generator=torch.Generator().manual_seed(3))
    head = SimilarityHead(loss="cosent", scale=20.0)
    logits = head(encoded(torch.cat([left, right]), pairs_of(12)))
    torch.testing.assert_close(logits[:, 0], pairwise_cos_sim(left, right))
    theirs = CoSENTLoss(Stub([left, right]), scale=20.0)([{}, {}], gold)
    torch.testing.assert_close(head.loss(logits, gold) / 12, theirs)


def test_squared_similarity_is_torchs_and_passes_over_rows_without_a_score() -> None:
    logits, gold = drawn(6, 1), torch.rand(6)
    head = SimilarityHead(loss="mse")
    torch.testing.assert_close(head.loss(logits, gold), functional.mse_loss(logits[:, 0], gold, reduction="sum"))
    for loss in ("mse", "cosent"):
        head = SimilarityHead(loss=loss)
        with_gap = torch.cat([gold, torch.tensor([float(IGNORED)])])
        torch.testing.assert_close(head.loss(torch.cat([logits, drawn(1, 1)]), with_gap), head.loss(logits, gold))
        assert head.loss(logits[:1], gold[:1]) >= 0


def test_ranking_is_sentence_transformers() -> None:
    texts = [drawn(7, 8, seed=seed) for seed in range(4)]
    head = PairsHead(scale=20.0)
    logits = head(encoded(torch.cat(texts), pairs_of(7, 4)))
    theirs = MultipleNegativesRankingLoss(Stub(texts), scale=20.0)([{}] * 4, torch.empty(0))
    torch.testing.assert_close(head.loss(logits, torch.full((7,), 4)) / 7, theirs)


def test_rows_with_fewer_negatives_have_fewer_candidates() -> None:
    vectors = functional.normalize(drawn(6, 8), dim=-1)
    parts = torch.tensor([[0, 2, 4], [1, 3, -1]])
    head = PairsHead(scale=3.0)
    loss = head.loss(head(encoded(vectors, parts)), torch.tensor([3, 2]))
    scores = 3.0 * vectors[:2] @ vectors[[2, 3, 4]].T
    torch.testing.assert_close(loss, functional.cross_entropy(scores, torch.tensor([0, 1]), reduction="sum"))


@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 4.0]])
def test_binary_loss_is_torchs(weights: list[float] | None) -> None:
    logits, targets = drawn(9, 3), (drawn(9, 3, seed=5) > 0).long()
    positive = None if weights is None else torch.tensor(weights)
    wanted = functional.binary_cross_entropy_with_logits(logits, targets.float(), pos_weight=positive, reduction="sum")
    torch.testing.assert_close(BinaryLoss(weights=weights)(logits, targets), wanted)
    missing = torch.cat([targets, torch.full((1, 3), IGNORED)])
    torch.testing.assert_close(BinaryLoss(weights=weights)(torch.cat([logits, drawn(1, 3)]), missing), wanted)


def test_binary_options_are_their_formulas() -> None:
    logits, targets = drawn(9, 3), (drawn(9, 3, seed=5) > 0).long()
    p = torch.where(targets == 1, logits.sigmoid(), 1 - logits.sigmoid())
    torch.testing.assert_close(BinaryLoss(focal_gamma=2.0)(logits, targets), (-((1 - p) ** 2) * p.log()).sum())
    smooth = targets * 0.9 + 0.05
    wanted = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="sum")
    torch.testing.assert_close(BinaryLoss(label_smoothing=0.1)(logits, targets), wanted)
    prior = [math.log(0.2 / 0.8), 0.0, 1.0]
    moved = functional.binary_cross_entropy_with_logits(logits + torch.tensor(prior), targets.float(), reduction="sum")
    torch.testing.assert_close(BinaryLoss(adjustment=prior)(logits, targets), moved)


def test_squared_loss_is_torchs() -> None:
    logits, targets = drawn(5, 1), torch.tensor([0.1, 0.5, float(IGNORED), 1.0, 0.0])
    known = targets != IGNORED
    wanted = functional.mse_loss(logits[known, 0], targets[known], reduction="sum")
    torch.testing.assert_close(SquaredLoss()(logits, targets), wanted)


def test_pairs_of_texts_are_read_as_u_v_and_their_difference() -> None:
    head = RegressionHead(width=4, outputs=1, dropout=0.0, source="embedding", pair=True, criterion=SquaredLoss())
    u, v = drawn(3, 4), drawn(3, 4, seed=2)
    found = head(encoded(torch.cat([u, v]), pairs_of(3)))
    torch.testing.assert_close(found, head.linear(torch.cat([u, v, (u - v).abs()], dim=1)))


def test_the_mix_begins_as_the_mean_and_is_its_formula() -> None:
    layers = [drawn(2, 3, 4, seed=seed) for seed in range(3)]
    mix = ScalarMix(layers=3)
    torch.testing.assert_close(mix(layers), torch.stack(layers).mean(dim=0))
    with torch.no_grad():
        mix.scalars.copy_(torch.tensor([0.0, 1.0, -1.0]))
        mix.gamma.fill_(2.0)
    weights = torch.tensor([0.0, 1.0, -1.0]).softmax(0)
    torch.testing.assert_close(mix(layers), 2 * sum(w * each for w, each in zip(weights, layers, strict=True)))


def crf(tags: int = 3) -> Crf:
    made = Crf(tags=tags)
    for seed, parameter in enumerate(made.parameters()):
        parameter.data = drawn(*parameter.shape, seed=seed)
    return made


def score(made: Crf, emissions: torch.Tensor, tags: tuple[int, ...]) -> float:
    total = made.start[tags[0]] + made.end[tags[-1]] + sum(emissions[word, tag] for word, tag in enumerate(tags))
    return float(total + sum(made.transitions[before, after] for before, after in pairwise(tags)))


@torch.no_grad()
def test_the_crf_is_the_sum_over_all_sequences() -> None:
    """Brute force: every sequence of tags of every row, of different lengths."""
    made, emissions = crf(), drawn(3, 4, 3, seed=9)
    lengths = [4, 1, 3]
    mask = torch.arange(4) < torch.tensor(lengths)[:, None]
    tags = torch.tensor([[0, 2, 1, 1], [2, 0, 0, 0], [1, 1, 0, 0]])
    losses = made.negative_log_likelihood(emissions, tags, mask)
    marginals = made.log_marginals(emissions, mask)
    for row, length in enumerate(lengths):
        every = {each: math.exp(score(made, emissions[row], each)) for each in product(range(3), repeat=length)}
        total = sum(every.values())
        own = tuple(tags[row, :length].tolist())
        assert float(losses[row]) == pytest.approx(math.log(total) - score(made, emissions[row], own), abs=1e-4)
        for word, tag in product(range(length), range(3)):
            share = sum(value for each, value in every.items() if each[word] == tag) / total
            assert math.exp(float(marginals[row, word, tag])) == pytest.approx(share, abs=1e-4)


def test_compacting_keeps_order() -> None:
    chosen = torch.tensor([[0, 1, 0, 1, 1], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0]]).bool()
    values, mask = compact(torch.arange(15).reshape(3, 5), chosen)
    assert [row[own].tolist() for row, own in zip(values, mask, strict=True)] == [[1, 3, 4], [], [10]]


def test_first_tokens_of_words() -> None:
    index = torch.tensor([[-1, 0, 0, -1, 1, 3, 3, -1], [-1, -1, -1, -1, -1, -1, -1, -1]])
    assert _first_tokens(index).int().tolist() == [[0, 1, 0, 0, 1, 1, 0, 0], [0] * 8]


def test_the_tagging_head_answers_with_marginals_at_first_tokens() -> None:
    from polyhead.modeling.encoded import WordInputs

    head = TaggingHead(width=4, outputs=3, dropout=0.0, splitter="words", crf=True)
    assert head.crf is not None
    head.crf.load_state_dict(crf().state_dict())
    states, index = drawn(2, 5, 4), torch.tensor([[-1, 0, 0, 1, -1], [-1, 0, 1, 2, -1]])
    one = Encoded(states, torch.ones(2, 5), torch.ones(2, 5), states[:, 0], states[:, 0],
                  words={"words": WordInputs(index, index)})  # fmt: skip
    logits = head(one)
    answers = head.answer(logits, one)
    assert np.allclose(answers[0, [1, 3]].exp().sum(dim=-1).detach(), 1, atol=1e-5)
    own = head.crf.log_marginals(logits[1:, 1:4], torch.ones(1, 3, dtype=torch.bool))
    torch.testing.assert_close(answers[1, 1:4], own[0])
    torch.testing.assert_close(answers[:, 0], logits[:, 0])
    targets = torch.tensor([[IGNORED, 1, IGNORED, 0, IGNORED], [IGNORED, 2, 0, 0, IGNORED]])
    parts = [
        head.crf.negative_log_likelihood(logits[:1, [1, 3]], targets[:1, [1, 3]], torch.ones(1, 2, dtype=torch.bool)),
        head.crf.negative_log_likelihood(logits[1:, 1:4], targets[1:, 1:4], torch.ones(1, 3, dtype=torch.bool)),
    ]
    torch.testing.assert_close(head.loss(logits, targets), torch.cat(parts).sum())
    assert head.loss(logits, torch.full((2, 5), IGNORED)).item() == 0
