# syntax=docker/dockerfile:1
# The base can be named at build time: --build-arg BASE=... It has to bring Python 3.11 or newer with venv, and setpriv.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock ./
RUN python3 -m venv /opt/fitferry \
 && /opt/fitferry/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY daemon ./daemon
RUN /opt/fitferry/bin/pip install --no-deps . \
 && /opt/fitferry/bin/python -m compileall -q /opt/fitferry/lib \
 && /opt/fitferry/bin/pip uninstall -y pip

FROM ${BASE}
# ca-certificates for Strava, tzdata so that TZ means something.
# hadolint ignore=DL3008  # security fixes are wanted, so no versions
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates tzdata \
 && rm -rf /var/lib/apt/lists/* \
 # any user may run it; everything that it keeps is in /config, which has to be a folder, not a single file
 && mkdir -m 0777 /config /rides
COPY --from=build /opt/fitferry /opt/fitferry
COPY --chmod=755 docker-entrypoint.sh /usr/local/bin/docker-entrypoint
ENV PATH=/opt/fitferry/bin:$PATH \
    FITFERRY_WEB_HOST=0.0.0.0 \
    FITFERRY_WATCH_FOLDER=/rides \
    MALLOC_ARENA_MAX=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 1000:1000
VOLUME ["/config"]
EXPOSE 8480
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=10s --start-period=30s CMD ["fitferry", "health"]
ENTRYPOINT ["docker-entrypoint"]
CMD ["run"]
