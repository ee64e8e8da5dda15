# The site: the web process, the portal's worker, beat and the one-off migration.
# Without torch and vLLM. Build from the repository's root:
#   docker build -f docker/web.Dockerfile -t gatehouse-web .
FROM python:3.11-slim-bookworm AS build
ENV PYTHONDONTWRITEBYTECODE=1 UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
# With PARQUET=1 the site can export tables as Parquet.
ARG PARQUET=0
COPY requirements/bootstrap.txt requirements/web.txt requirements/parquet.txt /tmp/requirements/
RUN pip install --no-cache-dir -r /tmp/requirements/bootstrap.txt \
    && uv venv /opt/venv \
    && uv pip install --no-cache --python /opt/venv/bin/python -r /tmp/requirements/web.txt \
    && if [ "$PARQUET" = 1 ]; then uv pip install --no-cache --python /opt/venv/bin/python -r /tmp/requirements/parquet.txt; fi
WORKDIR /app
COPY manage.py ./
COPY inference_workers/__init__.py inference_workers/
COPY inference_workers/contract inference_workers/contract
COPY capacity capacity
COPY tracing tracing
COPY portal portal
COPY static static
COPY templates templates
COPY releases releases
# Adds a hash to the name of every static file. It connects to nothing; the values only pass validation.
RUN DATABASE_URL=postgresql:///build REDIS_URL=redis://build SITE_URL=https://build.invalid \
    SECRET_KEY=used-while-building-the-image-only-and-never-when-it-runs \
    /opt/venv/bin/python manage.py collectstatic --noinput

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=portal.config.settings VAR_DIR=/var/lib/gatehouse
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent gatehouse \
    && install -d -o gatehouse -g gatehouse /var/lib/gatehouse
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
COPY docker/check_web.py /usr/local/lib/gatehouse/
WORKDIR /app
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "/usr/local/lib/gatehouse/check_web.py"]
# Only Django reads the proxy's headers, according to TRUSTED_PROXIES; uvicorn must not.
CMD ["uvicorn", "portal.config.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--no-proxy-headers", "--no-server-header", "--lifespan", "off", "--http", "portal.platform.core.http_protocol:PatientProtocol", "--no-access-log", "--timeout-graceful-shutdown", "25"]
