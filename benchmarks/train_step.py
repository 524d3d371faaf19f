"""Examples a second of the joint training step, beside transformers' ``Trainer`` on the same model and data.

A step takes one batch of AG News and one of CoNLL-2003 (``sampling: round_robin``). Polyhead's side is its own loop;
Trainer's side wraps the same model and losses, with transformers' standard "sdpa" attention and the same collator,
optimizer with its groups of rates, clipping and bf16, and without logging, saving or evaluation. In each round all
sides see the same rows, Trainer in the batches of "group_by_length off". Run from the repository's root:

    python -m benchmarks.train_step --data-root DIR

DIR holds ag_news/ and conll2003/ as the recipe agnews-conll.yaml names their files.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from benchmarks.common import (
    RECIPE,
    add_arguments,
    as_json,
    console,
    interleaved,
    machine,
    ratio_table,
    show_machine,
    write_json,
)
from polyhead.data.collate import Batch, Collator
from polyhead.data.example import DataSet, Example
from polyhead.kinds import Task
from polyhead.modeling.components import components
from polyhead.modeling.model import MultiTaskModel
from polyhead.pretrained import Pretrained, load
from polyhead.pretrained.hardware import fast_bf16
from polyhead.recipe import Recipe, load_recipe
from polyhead.recipe.data import prepare
from polyhead.training import Callbacks, StepReport, TrainingSettings, train
from polyhead.training.optimizer import build_optimizer
from polyhead.training.plans import apply, stages
from polyhead.training.sampling import Rows, Sampler


@dataclass(frozen=True, slots=True)
class Side:
    """Whose loop, and what differs; ``attention_dropout`` of None is the backbone's own."""

    trainer: bool
    group_by_length: bool = True
    attention_dropout: float | None = 0.0
    plan: str = "full"
    cache: bool = False


SIDES = {
    "polyhead": Side(trainer=False, group_by_length=True, attention_dropout=0.0),
    "polyhead, group_by_length off": Side(trainer=False, group_by_length=False, attention_dropout=0.0),
    "Trainer": Side(trainer=True, group_by_length=False, attention_dropout=0.0),
    "polyhead, backbone's attention dropout": Side(trainer=False, group_by_length=True, attention_dropout=None),
    "Trainer, backbone's attention dropout": Side(trainer=True, group_by_length=False, attention_dropout=None),
}


@dataclass(frozen=True, slots=True)
class Work:
    """What all sides share; ``steps`` of None: an epoch of all rows."""

    recipe: Recipe
    data: Sequence[DataSet]
    tasks: Mapping[str, Task]
    warmup: int
    steps: int | None
    device: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, metavar="DIR")
    parser.add_argument("--steps", type=int, default=30, help="timed steps (%(default)s)")
    parser.add_argument("--warmup", type=int, default=5, help="steps before them (%(default)s)")
    parser.add_argument("--device", default="cpu")
    add_arguments(parser)
    options = parser.parse_args()
    if options.warmup < 1:
        parser.error("--warmup must be at least 1: the clock starts when a step ends")

    described = machine()
    show_machine(described)
    work = work_of(options.data_root, warmup=options.warmup, steps=options.steps, device=options.device)
    recipe = work.recipe
    speed = interleaved({name: partial(measure, side, work) for name, side in SIDES.items()}, rounds=options.rounds)
    names = ", ".join(f"{recipe.training.batch_size} of {each.name}" for each in work.data)
    title = f"Joint step of {names}: {options.steps} steps after {options.warmup}"
    baselines = [name for name, side in SIDES.items() if side.trainer]
    console.print(ratio_table(title, "examples/s", speed, baselines=baselines, digits=1))
    write_json(
        options.json,
        {
            "machine": described,
            "steps": options.steps,
            "warmup": options.warmup,
            "batch_size": recipe.training.batch_size,
            "examples_per_second": as_json(speed),
        },
    )


def work_of(data_root: Path, *, warmup: int, steps: int | None, device: str = "cpu") -> Work:
    """The joint recipe's data, both sets in every step; in an epoch of all rows, as many batches of each as it has."""
    sampling = "proportional" if steps is None else "round_robin"
    recipe = load_recipe(RECIPE, overrides={"training.sampling": sampling}, data_root=data_root)
    prepared = prepare(recipe)
    return Work(recipe, prepared.sets, prepared.tasks, warmup, steps, device)


def measure(side: Side, work: Work, turn: int) -> float:
    """Examples a second of one side, after the warmup; rows, order and new weights change with ``turn``."""
    seed = work.recipe.training.seed + turn
    changes = {"seed": seed, "group_by_length": side.group_by_length, "epochs": 1}
    changed = {**work.recipe.training.model_dump(by_alias=True), **changes, "plan": side.plan, "cache": side.cache}
    settings = TrainingSettings.model_validate(changed)
    data = [DataSet(each.name, train=each.train) for each in work.data]
    rows = sum(len(each.train) for each in data) - work.warmup * settings.batch_size
    if work.steps is not None:
        data = [drawn(each, (work.warmup + work.steps) * settings.batch_size, seed) for each in work.data]
        rows = work.steps * settings.batch_size * len(data)
    torch.manual_seed(seed)
    pretrained = build(work, side.attention_dropout)
    run = run_trainer if side.trainer else run_polyhead
    with TemporaryDirectory() as folder:
        stamps = run(pretrained, data, settings, Path(folder), work.device)
    assert work.steps is None or len(stamps) == work.warmup + work.steps
    return rows / (stamps[-1] - stamps[work.warmup - 1])


def drawn(data: DataSet, rows: int, seed: int) -> DataSet:
    """So many rows of the training split, at random: whole batches, and each side the same ones."""
    if rows > len(data.train):
        raise SystemExit(f"{data.name}: {rows} rows are needed, there are {len(data.train)}; take fewer --steps")
    order = np.random.default_rng(seed).permutation(len(data.train))[:rows]
    return DataSet(data.name, train=[data.train[row] for row in order])


def build(work: Work, attention_dropout: float | None) -> Pretrained:
    """The recipe's backbone with new heads."""
    length = work.recipe.model.max_length
    pretrained = load(
        work.recipe.model.backbone,
        change=lambda settings: replace(settings, max_length=length or settings.max_length),
        attention_dropout=attention_dropout,
        with_heads=False,
    )
    for name, task in work.tasks.items():
        pretrained.add_head(name, task)
    return pretrained


def run_polyhead(
    pretrained: Pretrained, data: Sequence[DataSet], settings: TrainingSettings, folder: Path, device: str
) -> list[float]:
    """When each step ended."""
    stamps: list[float] = []

    def stamp(report: StepReport) -> None:
        stamps.append(time.perf_counter())

    train(pretrained, data, settings, folder=folder, device=device, callbacks=Callbacks(on_step=stamp))
    return stamps


def run_trainer(
    pretrained: Pretrained, data: Sequence[DataSet], settings: TrainingSettings, folder: Path, device: str
) -> list[float]:
    """When each step ended; a row of Trainer's data is a joint step's batches."""
    pretrained.model.encoder.backbone.network.set_attn_implementation("sdpa")
    kept = pretrained.settings
    collate = Collator(pretrained.tokenizer, pretrained.tasks, prompt=kept.prompt_text(), pool_prompt=kept.pool_prompt)
    lengths = [collate.lengths(each.train) for each in data]
    sampler = Sampler([Rows(len(each), each.__getitem__, settings.batch_size) for each in lengths], settings)
    rows = [[[data[draw.data_set].train[row] for row in draw.rows] for draw in draws] for draws in sampler.steps(1)]
    stamps = Stamps()
    parts = components(pretrained.model)
    apply(parts, stages(settings.plan, parts)[0].learns)
    model = JointModel(pretrained.model, {name: task.weight for name, task in pretrained.tasks.items()})
    trainer = Trainer(
        model=model.train(),
        args=trainer_arguments(settings, folder, steps=len(rows), device=torch.device(device)),
        train_dataset=rows,
        data_collator=joint_collator(collate),
        optimizers=(build_optimizer(parts, settings), None),
        callbacks=[stamps],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return stamps.times


def trainer_arguments(settings: TrainingSettings, folder: Path, *, steps: int, device: torch.device) -> Any:
    return TrainingArguments(
        output_dir=str(folder),
        use_cpu=device.type == "cpu",
        bf16=fast_bf16(device) if settings.bf16 == "auto" else settings.bf16,
        max_steps=steps,
        per_device_train_batch_size=1,
        train_sampling_strategy="sequential",  # the rows are in random order already
        optim="adamw_torch_fused",
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=settings.warmup_steps,
        lr_scheduler_type=settings.lr_scheduler_type,
        max_grad_norm=settings.max_grad_norm,
        seed=settings.seed,
        logging_strategy="no",
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )


def joint_collator(collate: Collator) -> Callable[[Sequence[Sequence[Sequence[Example]]]], dict[str, list[Batch]]]:
    """Rows of Trainer's data → the one argument of ``JointModel``."""
    return lambda rows: {"batches": [collate(examples) for row in rows for examples in row]}


class JointModel(nn.Module):
    """What a Trainer wants: batches → the loss, each task's mean over the step times its weight."""

    def __init__(self, model: MultiTaskModel, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.model = model
        self.weights = weights

    def forward(self, batches: Sequence[Batch]) -> dict[str, Tensor]:
        """One pass over each batch, one loss."""
        counts: Counter[str] = Counter()
        for batch in batches:
            counts.update(batch.counts)
        losses = []
        for batch in batches:
            device = next(self.model.parameters()).device
            logits = self.model(batch.inputs.to(device), tasks=batch.targets.keys()).logits
            for name, target in batch.targets.items():
                mean = self.model.heads[name].loss(logits[name], target.to(device)) / max(1, counts[name])
                losses.append(self.weights[name] * mean)
        return {"loss": torch.stack(losses).sum()}


class Stamps(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Notes when each step ended."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by Trainer."""
        self.times.append(time.perf_counter())


if __name__ == "__main__":
    main()
