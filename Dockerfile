# syntax=docker/dockerfile:1
# The base can be named at build time: --build-arg BASE=... It has to bring Python 3.11 or newer with venv, and setpriv.
# `make release-prepare` pins it by its digest.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock ./
RUN python3 -m venv /opt/fitferry \
 && /opt/fitferry/bin/pip install --no-compile --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY tools/hatch_build.py tools/compile_translations.py ./tools/
COPY daemon ./daemon
# Babel's data of languages that Fitferry does not speak is more than all the rest; Pygments colours no code here.
# Byte code does not depend on the files' times, which are set anew when the image is written.
RUN /opt/fitferry/bin/pip install --no-compile --no-deps . \
 && find /opt/fitferry -path '*/babel/locale-data/*' ! -name 'en*' ! -name 'ko*' ! -name root.dat -delete \
 && find /opt/fitferry -path '*/pygments/lexers/*' ! -name '__init__.py' ! -name '_mapping.py' ! -name 'python.py' -type f -delete \
 && /opt/fitferry/bin/pip uninstall -y pip setuptools \
 && find /opt/fitferry -depth -name __pycache__ -exec rm -r {} + \
 && /opt/fitferry/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/fitferry/lib

FROM ${BASE} AS files
# ca-certificates for Strava, tzdata so that TZ means something.
# Then everything goes that nobody uses in a container: the package manager with what it needs, Perl, log-ins, papers,
# foreign character sets, Kerberos, Python's own installer, editor and tests. dpkg still knows what is there, for
# whoever scans the image. (dpkg-query prints what it finds of these names, and fails for those that a base has not.)
# hadolint ignore=DL3008  # security fixes are wanted, so no versions
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates tzdata \
 && { dpkg-query -W -f '${Package}\n' apt 'libapt-pkg*' 'libgnutls*' 'libp11-kit*' 'libseccomp*' gpgv debian-archive-keyring \
      perl-base debconf ucf e2fsprogs 'libext2fs*' 'libss2*' logsave python3-pip-whl python3-setuptools-whl openssl \
      adduser login passwd mount diffutils bsdutils libstdc++6 'libsemanage*' 'libsepol*' 'libdb5*' \
      'libkrb5*' 'libk5crypto*' 'libgssapi*' 'libnsl*' 'libtirpc*' \
      >/tmp/unused 2>/dev/null || true; } \
 && xargs dpkg --purge --force-depends --force-remove-essential --force-remove-protected </tmp/unused \
 && rm -rf /tmp/unused /var/lib/apt /var/cache/* /var/log/* /etc/apt /usr/share/man/* /usr/share/info/* /usr/share/locale/* \
      /usr/share/zoneinfo/right /usr/share/zoneinfo/posix /usr/share/perl5 /usr/share/lintian /usr/share/bash-completion /usr/lib/*-linux-gnu/gconv \
 && find /usr/share/doc -type f ! -name copyright -delete \
 && find /usr/local/lib /usr/lib -maxdepth 4 -path '*python3*' \
      \( -name ensurepip -o -name idlelib -o -name turtledemo -o -name lib2to3 -o -name pydoc_data -o -name test \
      -o -name 'pip' -o -name 'pip-*' -o -name setuptools \) -prune -exec rm -rf {} + \
 # any user may run it; everything that it keeps is in /config, which has to be a folder, not a single file
 && mkdir -m 0777 /config /rides
COPY --from=build /opt/fitferry /opt/fitferry
COPY --chmod=755 docker-entrypoint.sh /usr/local/bin/docker-entrypoint

# One layer, without what was deleted above.
FROM scratch
# hadolint ignore=DL3067  # that is what it is for
COPY --from=files / /
LABEL org.opencontainers.image.title="Fitferry" \
      org.opencontainers.image.description="Watches a folder and puts every activity file on Strava, exactly once" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/fitferry/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
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
