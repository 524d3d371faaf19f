"""``polyhead plot``."""

from pathlib import Path
from typing import Annotated

import typer

from polyhead.cli.common import out
from polyhead.errors import UserError, shown


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(no_args_is_help=True)(plot)


def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN …", help="Runs' folders.", show_default=False)],
    output: Annotated[Path, typer.Option(help="The picture.")] = Path("curves.png"),
) -> None:
    """Draw the curves of runs side by side: losses above, validation metrics below, on the same scales."""
    from polyhead.evaluation.pictures import draw_runs
    from polyhead.recipe.run import read_history
    from polyhead.training.history import METRICS_FILE

    if output.suffix != ".png":
        raise UserError(f"--output: the picture is a PNG, its name must end in .png; found {shown(str(output))}")
    histories = {}
    for run in dict.fromkeys(runs):
        if not (run / METRICS_FILE).is_file():
            raise UserError(f"{run}: no run's folder, {METRICS_FILE} is missing; give folders that polyhead train made")
        name = run.name if run.name not in histories else str(run)
        histories[name] = read_history(run)
        if not histories[name]:
            raise UserError(f"{run}: {METRICS_FILE} is empty, no step was taken yet; draw it later")
    draw_runs(histories, output)
    out.print(f"{output}  the curves of {len(histories)} run{'s' if len(histories) > 1 else ''}", markup=False)
