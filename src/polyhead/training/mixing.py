"""After a training: the best mixture of its start and end weights, by validation data and what may be lost."""

from dataclasses import replace

from polyhead.pretrained import save
from polyhead.training.embedding.mixtures import END, SHARES, START, keep_weights, mix, read_weights
from polyhead.training.keep import MODEL, evaluated
from polyhead.training.plans.lora import ADAPTER, scale_adapter
from polyhead.training.result import EvaluationReport, Mixture
from polyhead.training.run import Run
from polyhead.training.selection import Selection


def interpolate(run: Run, best: EvaluationReport) -> tuple[EvaluationReport, list[Mixture]]:
    """Keep the best mixture of the weights that the run started with and those of ``best``, which it has now.

    The chosen one's report, and what each gave.
    """
    whole, selection, tried = run.subject.whole, Selection(None), []
    if not (run.folder / END).is_dir():  # it is there if a run was killed in here
        keep_weights(whole.model, run.folder / END)
    start, end = read_weights(run.folder / START), read_weights(run.folder / END)
    chosen = SHARES[-1]
    for share in SHARES:
        mix(whole.model, start, end, share)
        scores = run.scored()
        beyond = run.beyond(scores.embedding)
        tried.append(Mixture(share, scores.score, None if scores.embedding is None else scores.embedding.drop))
        if selection.update(scores.score, worse=beyond):
            chosen, best = share, replace(best, held=beyond is None, **scores._asdict())
    tried = [replace(each, kept=each.share == chosen) for each in tried]
    mix(whole.model, start, end, chosen)
    whole.embedding = None if best.embedding is None else best.embedding.as_dict()
    whole.heads = {
        name: replace(head, evaluation=evaluated(best.report, name) or head.evaluation)
        for name, head in whole.heads.items()
    }
    save(whole, run.folder / MODEL)
    if (run.folder / ADAPTER).is_dir():
        scale_adapter(run.folder / ADAPTER, chosen)
    return best, tried
