# The base can be named at build time: --build-arg BASE=...
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock ./
RUN python3 -m venv /opt/fitferry \
 && /opt/fitferry/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY daemon ./daemon
RUN /opt/fitferry/bin/pip install --no-deps .

FROM ${BASE}
COPY --from=build /opt/fitferry /opt/fitferry
# Any user may run it; everything it keeps is in /config, which has to be a folder, not a single file.
RUN mkdir -m 0777 /config /rides
ENV PATH=/opt/fitferry/bin:$PATH \
    FITFERRY_WEB_HOST=0.0.0.0 \
    FITFERRY_WATCH_FOLDER=/rides \
    PYTHONUNBUFFERED=1
USER 1000:1000
VOLUME ["/config"]
EXPOSE 8480
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=10s --start-period=30s CMD ["fitferry", "health"]
ENTRYPOINT ["fitferry"]
CMD ["run"]
