# Polyhead in a container: the quickstart by default; every other verb behind the image's name.
#   docker build --tag polyhead .                            for CPUs
#   docker build --tag polyhead --build-arg TORCH=cu130 .    for CUDA 13.0, or another build of constraints.txt's torch
#   docker run --rm polyhead
#   docker run --rm --publish 8080:8080 polyhead serve
FROM python:3.11-slim AS build
ARG TORCH=cpu
WORKDIR /opt/polyhead
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY scripts scripts
COPY src src
# torch comes from PyTorch's index, all else from PyPI, by the script that installs it anywhere.
RUN python -m venv .venv \
  && .venv/bin/python -m pip install --no-cache-dir --no-deps --constraint constraints.txt \
    --index-url "https://download.pytorch.org/whl/${TORCH}" torch \
  && PIP_NO_CACHE_DIR=1 scripts/install train,bundled,serve

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home polyhead && install --directory --owner polyhead /data
COPY --from=build /opt/polyhead /opt/polyhead
ENV PATH="/opt/polyhead/.venv/bin:${PATH}" POLYHEAD_HOST=0.0.0.0 HF_HOME=/data/hub PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /data
EXPOSE 8080
# Says something of `serve` alone; other verbs end by themselves.
HEALTHCHECK --start-period=300s --interval=30s --timeout=15s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:8080/health', timeout=12)"]
ENTRYPOINT ["polyhead"]
CMD ["quickstart"]
