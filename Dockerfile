# One image for all our processes; docker-compose.yml says which one a container is.
FROM python:3.11-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt requirements-encoder.txt ./
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt \
    && .venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements-encoder.txt

FROM python:3.11-slim-bookworm
# The wheel of lightgbm, which EvaDB's AutoML imports, leaves OpenMP to the system.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --create-home evals \
    && install -d -o evals -g evals -m 0700 /data
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY LICENSE THIRD_PARTY.md ./
COPY manage.py ./
COPY evals_backend evals_backend
COPY mlapi mlapi
COPY registry registry
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=9090
USER evals
VOLUME /data
EXPOSE 9090
CMD ["python", "-m", "evals_backend.serve", "web"]
