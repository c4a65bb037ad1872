# One image for every role: docker run IMAGE serve | work | deliver | tick | migrate
FROM python:3.11-slim AS build
WORKDIR /build
RUN python -m venv /opt/countersign
ENV PATH=/opt/countersign/bin:$PATH
# A second index for pip. An index whose torch wants a GPU (Linux on x86-64) needs PyTorch's CPU wheels beside it:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=ADDRESS .
ARG PIP_EXTRA_INDEX_URL=""
COPY requirements.lock ./
# torch first and everything without dependencies: the lock file is complete, and a resolver left to itself would add
# several GB for GPUs. Wheels only: nothing is compiled here, and no setup script runs.
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --only-binary :all: "$(grep -E '^torch==' requirements.lock)"
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --only-binary :all: -r requirements.lock
RUN python -c 'import torch' || { \
    echo "this torch wants a GPU: give --build-arg PIP_EXTRA_INDEX_URL the index of PyTorch's CPU wheels" >&2; exit 1; }
COPY pyproject.toml README.md LICENSE ./
RUN pip install --no-deps --no-build-isolation . && pip uninstall --yes pip setuptools
COPY governance /app/governance
COPY models /app/models
COPY agents /app/agents
COPY api /app/api
COPY evals /app/evals
# The running containers cannot write here: what would be made at the first start is made now, and is the same on every
# machine that runs this image. Training takes about a minute.
RUN python -m compileall -q --invalidation-mode unchecked-hash /app
RUN PYTHONPATH=/app OMP_NUM_THREADS=1 python -c \
    "from pathlib import Path; from models.bundle import default_bundle; default_bundle(Path('/build/home'), print)"

FROM python:3.11-slim
# Pictures and scans are read by Tesseract, in these six languages.
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends tesseract-ocr tesseract-ocr-eng \
        tesseract-ocr-deu tesseract-ocr-fra tesseract-ocr-spa tesseract-ocr-ita tesseract-ocr-nld \
    && rm -rf /var/lib/apt/lists/*
# HOME is closed to others. A new volume that is mounted on one of its folders takes the folder's owner over.
RUN pip uninstall --yes pip setuptools wheel \
    && groupadd --gid 10001 countersign \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/countersign --shell /usr/sbin/nologin countersign \
    && install --directory --owner=10001 --group=10001 --mode=0700 \
        /var/lib/countersign /var/lib/countersign/checkpoints /var/lib/countersign/mlflow
COPY --from=build /opt/countersign /opt/countersign
COPY --from=build /app /app
COPY --from=build --chown=10001:10001 /build/home/models /var/lib/countersign/models
ENV PATH=/opt/countersign/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    OMP_NUM_THREADS=1 \
    COUNTERSIGN_HOME=/var/lib/countersign \
    COUNTERSIGN_HOST=0.0.0.0
WORKDIR /app
USER 10001:10001
EXPOSE 8400
# serve: can it work? The others have no port: is a connection open, to Postgres above all?
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 CMD \
    case "$(tr '\0' ' ' < /proc/1/cmdline)" in \
    *" serve "*) exec python -IS -c "import os, urllib.request as u; u.urlopen('http://127.0.0.1:%s/readyz' % os.environ.get('COUNTERSIGN_PORT', '8400'), timeout=4)" ;; \
    *) exec grep -q ' 01 ' /proc/net/tcp /proc/net/tcp6 ;; \
    esac
ENTRYPOINT ["countersign"]
CMD ["serve"]
