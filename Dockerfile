# One image for the Prefect server, for setting it up and for the worker; compose.yaml says which runs what.
# No container engine has built it yet: docs/containers.md tells what was checked instead.

# A tag moves. To build the same image again, name the base by its digest:
# --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# A city's own package index, if it has one. Nothing of this stage but the venv gets into the image.
ARG PIP_INDEX_URL
WORKDIR /src
RUN python -m venv --without-pip /opt/fivestar
COPY requirements-run.lock ./
# Wheels only, so that no compiler is needed; the lock holds every package.
RUN pip --python /opt/fivestar/bin/python --disable-pip-version-check install --no-cache-dir \
        --require-hashes --no-deps --only-binary :all: --requirement requirements-run.lock
COPY pyproject.toml README.md ./
COPY flows/ flows/
# setuptools is locked too, for building this one package; running it needs none. Nor does it need other packages' tests,
# an eighth of what they install.
RUN pip --python /opt/fivestar/bin/python --disable-pip-version-check install --no-cache-dir \
        --no-deps --no-build-isolation . \
    && pip --python /opt/fivestar/bin/python --disable-pip-version-check uninstall --yes setuptools \
    && find /opt/fivestar -type d -name tests -prune -exec rm -r {} +

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="fivestar" \
      org.opencontainers.image.description="A city's monthly five-star results and grade proposals, as Prefect flows"
ENV PATH="/opt/fivestar/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=1 \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    GX_ANALYTICS_ENABLED=false \
    FIVESTAR_HOME=/var/lib/fivestar \
    FIVESTAR_CONFIG=/app/config \
    FIVESTAR_CHECKOUT=/app \
    PREFECT_HOME=/var/lib/prefect \
    PREFECT_SERVER_UI_STATIC_DIRECTORY=/var/lib/prefect/ui
# A number that never changes owns the volumes.
RUN groupadd --gid 10001 fivestar \
    && useradd --no-log-init --uid 10001 --gid 10001 --home-dir /var/lib/fivestar --shell /usr/sbin/nologin fivestar \
    && install --directory --mode=0700 --owner=10001 --group=10001 /var/lib/fivestar /var/lib/prefect
COPY --from=build /opt/fivestar /opt/fivestar
WORKDIR /app
COPY prefect.yaml prefect.toml ./
COPY config/ config/
COPY deploy/ deploy/
USER 10001:10001
# No HEALTHCHECK: server, worker and a single command are well in different ways. compose.yaml has one for each.
CMD ["fivestar", "--help"]
