"""What mkdocs is told beside docs/: the README is the first page, and pages outside docs/ are pages of the site, too.

The pages are written to be read in the repository as well, so that their links leave docs/ for examples/ and the like.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)]*)?\))")
_OUTSIDE = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE")


def on_files(files: Files, config: Any) -> Files:
    """Add the README as index.md, and every page and picture of the examples."""
    places = [ROOT / name for name in _OUTSIDE]
    places += sorted(path for path in ROOT.glob("examples/*/*") if path.suffix in (".md", ".png", ".ipynb"))
    for path in places:
        name = str(path.relative_to(ROOT))
        uri = "index.md" if name == "README.md" else name
        content = _turned(path.read_text("utf-8"), name) if path.suffix == ".md" else path.read_bytes()
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links that leave docs/ to where the site has the page."""
    uri = page.file.src_uri
    return markdown if page.file.generated_by else _turned(markdown, f"docs/{uri}")


def _turned(markdown: str, name: str) -> str:
    """Links of a file of the repository as links of the site."""
    here = PurePosixPath(_site(name)).parent

    def turn(found: re.Match[str]) -> str:
        target = found[2]
        if "://" in target or target.startswith("mailto:"):
            return found[0]
        whole = _normal(PurePosixPath(name).parent / target)
        return f"{found[1]}{_relative(_site(whole), here)}{found[3]}"

    return _LINK.sub(turn, markdown)


def _site(name: str) -> str:
    """Where the site has a file of the repository."""
    return "index.md" if name == "README.md" else name.removeprefix("docs/")


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _relative(target: str, here: PurePosixPath) -> str:
    up = [part for part in here.parts if part != "."]
    goal = list(PurePosixPath(target).parts)
    while up and goal and up[0] == goal[0]:
        up.pop(0)
        goal.pop(0)
    return "/".join([".."] * len(up) + goal)
