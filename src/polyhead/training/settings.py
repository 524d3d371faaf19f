"""The settings of training, as they stand under ``training:`` in a recipe."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from polyhead.training.plans.settings import Plan, PlanSetting

Score = str | dict[str, float]
Tracker = Literal["tensorboard", "wandb", "mlflow"]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class TrainingSettings(BaseModel):
    """How to train. Rates are those at the end of the warm-up."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: int = Field(3, ge=1, description="times over the data; the sampling says what one is")
    batch_size: int = Field(32, ge=1, description="rows per data set and micro-batch")
    gradient_accumulation_steps: int = Field(
        1, ge=1, description="micro-batches per step: k of them are one batch k times as large, in less memory"
    )
    learning_rate: float = Field(5e-5, ge=0, description="AdamW's rate for the backbone")
    head_learning_rate: float = Field(1e-3, ge=0, description="AdamW's rate for heads, projection and learned pooling")
    weight_decay: float = Field(0.01, ge=0, description="decoupled decay; never on biases and norms")
    warmup_steps: Annotated[float, Field(ge=0)] = Field(0.1, description="steps, or below 1 a share of all steps")
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = Field("linear", description="decay after the warm-up")
    max_grad_norm: float = Field(1.0, gt=0, description="gradients are clipped to this norm")
    bf16: bool | Literal["auto"] = Field("auto", description="bf16 autocast; auto: where the hardware is fast at it")
    fp16: bool = Field(False, description="fp16 autocast with loss scaling; on GPUs only")
    plan: PlanSetting = Field(
        Plan(), description="what learns, from when on and how fast: a name or a mapping, see below"
    )
    max_train_samples: int | None = Field(
        None, ge=1, description="the most rows of each data set that are trained on, drawn by the seed"
    )
    cache: bool | Literal["auto"] = Field(
        "auto",
        description="keep the output of frozen layers on the disk, instead of running them in every epoch; auto: "
        "where a stage lasts two epochs or longer and there is room",
    )
    cache_gb: float = Field(20.0, gt=0, description="the most that may be kept of it, in gigabytes")
    sampling: Literal["proportional", "alternating", "round_robin", "temperature"] = Field(
        "proportional", description="which data set a step draws from"
    )
    temperature: float = Field(2.0, ge=1, description="temperature sampling draws a data set of n rows by n^(1/T)")
    group_by_length: bool = Field(True, description="batches of texts of like length: less padding, a faster step")
    score: Score | None = Field(
        None,
        description="what chooses the best epoch: loss, task.metric, or {task.metric: weight}; "
        "the mean of the tasks' first metrics if left out",
    )
    eval_steps: int | None = Field(
        None, ge=1, description="steps between evaluations, beside the one at each epoch's end"
    )
    early_stopping_patience: int | None = Field(
        None, ge=1, description="evaluations without a better score before stopping"
    )
    save_steps: int | None = Field(
        None, ge=1, description="steps between checkpoints, beside the one at each epoch's end"
    )
    save_total_limit: int = Field(2, ge=1, description="checkpoints that are kept; older ones are deleted")
    seed: int = Field(
        13, ge=0, lt=2**63, description="of everything drawn at random: samples, splits, order, new weights, dropout"
    )
    logging_steps: int = Field(10, ge=1, description="steps between lines in metrics.jsonl")
    report_to: Annotated[tuple[Tracker, ...], BeforeValidator(_as_list)] = Field(
        (), description="where metrics are logged beside metrics.jsonl"
    )

    @model_validator(mode="after")
    def _one_precision(self) -> "TrainingSettings":
        if self.fp16 and self.bf16 is True:
            raise ValueError("give either fp16 or bf16")
        return self

    @property
    def cache_bytes(self) -> int:
        """The most that may be kept on the disk."""
        return int(self.cache_gb * 1e9)


OTHER_SPELLINGS = {
    "num_train_epochs": "epochs",
    "per_device_train_batch_size": "batch_size",
    "train_batch_size": "batch_size",
    "lr": "learning_rate",
    "warmup_ratio": "warmup_steps (a value below 1 is a share)",
    "metric_for_best_model": "score",
    "patience": "early_stopping_patience",
    "scheduler": "lr_scheduler_type",
    "freeze": "plan: {freeze: […]}",
    "layer_decay": "plan: {layer_decay: …}",
    "layerwise_lr_decay": "plan: {layer_decay: …}",
    "freeze_backbone": "plan: probe",
    "eval_strategy": "eval_steps (each epoch is evaluated anyway)",
    "evaluation_strategy": "eval_steps (each epoch is evaluated anyway)",
    "save_strategy": "save_steps (each epoch is saved anyway)",
    "accumulate_grad_batches": "gradient_accumulation_steps",
    "grad_accum": "gradient_accumulation_steps",
    "load_best_model_at_end": "nothing (it always is)",
    "resume_from_checkpoint": "--resume on the command line",
}
"""What other libraries call these settings, so that a recipe can be told how they are spelled here."""
