"""A model in memory → the Hugging Face Hub."""

import tempfile
from dataclasses import replace
from pathlib import Path

from polyhead.errors import UserError, shown
from polyhead.folder.hub import HUB_NAME
from polyhead.pretrained.pretrained import Pretrained
from polyhead.pretrained.save import save


def push(pretrained: Pretrained, repository: str, *, private: bool = False, token: str | None = None) -> str:
    """Upload the model folder; the address of the commit. A folder that training started from is not named there.

    Raises:
        UserError: the Hub cannot be reached, or does not let this token write there.
    """
    from huggingface_hub import HfApi

    origin = pretrained.origin
    if origin is not None and not HUB_NAME.fullmatch(origin.model):
        pretrained = replace(pretrained, origin=None)
    with tempfile.TemporaryDirectory() as place:
        folder = save(pretrained, Path(place) / "model", name=repository)
        try:
            api = HfApi(token=token)
            api.create_repo(repository, private=private, exist_ok=True)
            return str(api.upload_folder(repo_id=repository, folder_path=folder))
        except (OSError, ValueError) as error:
            reason = shown(str(error).strip().split("\n")[0], 120)
            raise UserError(f"{shown(repository)}: the Hub did not take it ({reason})") from None
