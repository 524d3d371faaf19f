"""``push_to_hub`` against a stand-in of the Hub's API in this process: what is sent is the folder, and opens again."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polyhead import Polyhead
from polyhead.folder.manifest import Origin

TOKEN = "hf_of_a_test"
REPOSITORY = "someone/many-heads"


class Hub:
    """What the Hub was told, and what it keeps."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.files: dict[str, bytes] = {}
        self.card = ""
        self.refuses = False
        self.large: tuple[str, ...] = ()
        self.objects: dict[str, bytes] = {}

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """The status and the answer to a POST or PUT; files whose names end as one of ``large`` go by LFS."""
        if self.refuses:
            return 403, {"error": "this token may not write here"}
        if path == "/api/repos/create":
            return 200, {"url": f"{self.url}/{REPOSITORY}", "name": REPOSITORY, "id": "1"}
        if path == "/api/validate-yaml":
            self.card = json.loads(body)["content"]
            return 200, {"errors": [], "warnings": []}
        if path == f"/api/models/{REPOSITORY}/preupload/main":
            names = [each["path"] for each in json.loads(body)["files"]]
            modes = {name: "lfs" if name.endswith(self.large) else "regular" for name in names}
            return 200, {"files": [{"path": name, "uploadMode": modes[name], "shouldIgnore": False} for name in names]}
        if path == f"/{REPOSITORY}.git/info/lfs/objects/batch":
            objects = [
                {**each, "actions": {"upload": {"href": f"{self.url}/objects/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            return 200, {"transfer": "basic", "objects": objects}
        if path.startswith("/objects/"):
            self.objects[path.removeprefix("/objects/")] = body
            return 200, {}
        if path == f"/api/models/{REPOSITORY}/commit/main":
            for line in body.splitlines():
                row = json.loads(line)
                if row["key"] == "file":
                    self.files[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
                if row["key"] == "lfsFile":
                    content = self.objects[row["value"]["oid"]]
                    assert (hashlib.sha256(content).hexdigest(), len(content)) == (
                        row["value"]["oid"],
                        row["value"]["size"],
                    )
                    self.files[row["value"]["path"]] = content
            return 200, {"commitUrl": f"{self.url}/{REPOSITORY}/commit/abc", "commitOid": "abc", "success": True}
        return 404, {"error": f"a stand-in does not know {path}"}

    url = ""


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = b""
            if self.headers.get("transfer-encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    content += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                content = self.rfile.read(int(self.headers.get("content-length", 0)))
            path = self.path.partition("?")[0]
            made.asked.append((path, self.headers.get("authorization")))
            status, found = made.answer(path, content)
            answer = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_POST  # noqa: N815 (the library's name)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def model(backbones: Callable[[str], Path], tmp_path: Path) -> Path:
    found = Polyhead.from_pretrained(backbones("bert"), dtype="float32")
    found.add_head("topic", "classification", ["sport", "travel"])
    found.pretrained.origin = Origin(str(tmp_path / "private"), "0" * 64)
    found.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def push(hub: Hub, model: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the library reads its address once."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    environment |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    code = (
        f"import sys\nfrom polyhead import Polyhead, UserError\nmodel = Polyhead.from_pretrained({str(model)!r})\n"
        f"try: print(model.push_to_hub({REPOSITORY!r}, token={TOKEN!r}))\n"
        "except UserError as error: sys.exit(f'refused: {error}')"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120)


@pytest.mark.parametrize("large", [(), (".safetensors",)], ids=["in the commit", "weights by LFS"])
def test_the_folder_goes_up_and_opens_again(hub: Hub, model: Path, tmp_path: Path, large: tuple[str, ...]) -> None:
    hub.large = large
    done = push(hub, model, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{hub.url}/{REPOSITORY}/commit/abc"
    api = {said for path, said in hub.asked if not path.startswith("/objects/")}
    assert api == {f"Bearer {TOKEN}"} | ({None} & api)
    assert all(said is None for path, said in hub.asked if path.startswith("/objects/")), "another host's business"
    assert len(hub.objects) == (sum(name.endswith(large) for name in hub.files) if large else 0)
    for name, content in hub.files.items():
        (tmp_path / "again" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "again" / name).write_bytes(content)
    assert not any(str(tmp_path).encode() in content for content in hub.files.values()), "no place of this machine"
    assert hub.files.keys() == {str(path.relative_to(model)) for path in model.rglob("*") if path.is_file()}
    text = hub.files["README.md"].decode()
    assert f"Polyhead.from_pretrained('{REPOSITORY}')" in text
    assert "pipeline_tag: sentence-similarity" in hub.card
    texts = ["Anna visits Oslo", "the river"]
    one, two = (Polyhead.from_pretrained(folder, dtype="float32") for folder in (model, tmp_path / "again"))
    assert np.array_equal(one.encode(texts), two.encode(texts))
    assert one.predict(texts)[0].tasks == two.predict(texts)[0].tasks


def test_a_refusal_is_one_line(hub: Hub, model: Path, tmp_path: Path) -> None:
    hub.refuses = True
    done = push(hub, model, tmp_path / "home")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(f"refused: '{REPOSITORY}': the Hub did not take it (")
    assert TOKEN not in done.stderr
