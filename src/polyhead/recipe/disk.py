"""What a run will take on the disk, said before it begins."""

import shutil
from pathlib import Path

from polyhead.pretrained import Pretrained
from polyhead.printing import size
from polyhead.training import TrainingSettings, plan


def disk_note(pretrained: Pretrained, settings: TrainingSettings, folder: Path) -> str:
    """Checkpoints (what learns in fp32, and AdamW's two moments of it), the best model, and what is free."""
    model = 4 * sum(parameter.numel() for parameter in pretrained.model.parameters())
    checkpoint = 3 * 4 * plan.learning(pretrained.model, settings.plan)
    keep = settings.save_total_limit
    here = next(place for place in (folder.resolve(), *folder.resolve().parents) if place.exists())
    free, needed = shutil.disk_usage(here).free, (keep + 1) * checkpoint + 2 * model
    each = f"{keep} checkpoints of {size(checkpoint)}" if keep > 1 else f"1 checkpoint of {size(checkpoint)}"
    line = f"disk: {each}, one more while it is written, and the best model of {size(model)}; {size(free)} are free"
    return line if needed < free else f"! {line}: too little; lower save_total_limit, or choose another --output"
