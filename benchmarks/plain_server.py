"""What one writes in five minutes: sentence-transformers behind a plain FastAPI route. One side of ``serving``."""

import argparse

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer

from polyhead.pretrained import DEFAULT_BACKBONE, find


class Body(BaseModel):
    """As TEI's."""

    inputs: str | list[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bf16", action="store_true")
    options = parser.parse_args()
    model = SentenceTransformer(str(find(DEFAULT_BACKBONE)), device="cpu")
    model = model.bfloat16() if options.bf16 else model
    app = FastAPI()

    @app.post("/embed")
    def embed(body: Body) -> list[list[float]]:
        texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
        found: list[list[float]] = model.encode(texts, convert_to_tensor=True, show_progress_bar=False).float().tolist()
        return found

    @app.get("/health")
    def health() -> str:
        return "ok"

    uvicorn.run(app, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
