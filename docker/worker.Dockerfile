# The inference worker, without Django, torch and a database driver.
#   docker build -f docker/worker.Dockerfile -t gatehouse-worker .
FROM python:3.11-slim-bookworm AS build
ENV PYTHONDONTWRITEBYTECODE=1 UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
COPY requirements/bootstrap.txt requirements/worker.txt /tmp/requirements/
RUN pip install --no-cache-dir -r /tmp/requirements/bootstrap.txt \
    && uv venv /opt/venv \
    && uv pip install --no-cache --python /opt/venv/bin/python -r /tmp/requirements/worker.txt

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ENGINE_DIR=/run/engines WEIGHTS_DIR=/weights
# The engines' containers run as the same user, who owns the 0700 folder of the sockets.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent gatehouse \
    && install -d -m 0700 -o gatehouse -g gatehouse /run/engines \
    && install -d -o gatehouse -g gatehouse /weights
COPY --from=build /opt/venv /opt/venv
COPY capacity /app/capacity
COPY tracing /app/tracing
COPY inference_workers /app/inference_workers
COPY docker/check_worker.py /usr/local/lib/gatehouse/
WORKDIR /app
ENV PYTHONPATH=/app
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=4 \
    CMD ["python", "/usr/local/lib/gatehouse/check_worker.py"]
CMD ["celery", "-A", "inference_workers", "worker", "--without-gossip", "--without-mingle", "--without-heartbeat"]
