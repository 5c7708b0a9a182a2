# Three images from one file, all on free-threaded CPython built from the distribution's source:
#
#   docker build --target serve -t braid .         the service; also what `docker build .` makes
#   docker build --target train -t braid-train .   learns an artifact and fills Redis
#   docker build --target load  -t braid-load .    locust (with a GIL: gevent needs one)
#
# docs/docker.md tells how to build and run them, with and without Docker.

ARG DEBIAN=debian:12.12-slim

# --- the interpreter: 3 minutes, and cached until scripts/ changes ---------------------------
FROM ${DEBIAN} AS python

RUN apt-get update \
    && apt-get install -y --no-install-recommends binutils ca-certificates gcc libc6-dev make python3 \
    && rm -rf /var/lib/apt/lists/*
ENV XDG_CACHE_HOME=/opt
WORKDIR /build
COPY scripts/bootstrap scripts/bootstrap
RUN python3 -m scripts.bootstrap source \
    && rm -rf /var/lib/apt/lists/* /opt/braid/*.log \
    && find /opt/braid -name '*.so' -exec strip --strip-unneeded {} + \
    && strip --strip-unneeded /opt/braid/python-*/bin/python3.14t

# --- what the service imports, and nothing else ----------------------------------------------
FROM python AS packages

COPY requirements/serve.lock requirements/
RUN /opt/braid/python-*/bin/python3.14t -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/serve.lock \
    && /opt/venv/bin/pip uninstall -y pip
# Headers, docs, other people's test suites: no service needs them.
RUN rm -rf /opt/braid/python-*/include /opt/braid/python-*/share /opt/braid/python-*/lib/pkgconfig \
        /opt/braid/python-*/lib/python3.14t/ensurepip /opt/braid/python-*/lib/python3.14t/idlelib \
        /opt/braid/python-*/lib/python3.14t/turtledemo /opt/braid/python-*/lib/python3.14t/config-* \
        /opt/braid/python-*/lib/python3.14t/site-packages/* \
    && find /opt/venv -type d -name tests -prune -exec rm -rf {} +

# --- what learns: the same, and the libraries of `train`; keeps pip, which fetches MovieLens ---
FROM python AS train-packages

COPY requirements/train.lock requirements/
RUN /opt/braid/python-*/bin/python3.14t -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/train.lock

# --- the project itself: a wheel, unpacked ------------------------------------------------------
FROM python AS project

COPY requirements/build.lock requirements/
RUN /opt/braid/python-*/bin/python3.14t -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/build.lock
COPY LICENSE README.md pyproject.toml ./
COPY features features
COPY ranking ranking
COPY service service
COPY training training
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation --target /srv/braid .

# --- the system below both: runtime libraries, a user, no compiler ----------------------------
FROM ${DEBIAN} AS system

RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libffi8 libgomp1 libsqlite3-0 libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --home-dir /var/lib/braid --shell /usr/sbin/nologin braid \
    && install -d -o braid -g braid /artifacts /var/cache/braid /var/lib/braid
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/srv/braid \
    PYTHON_GIL=0 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OPENBLAS_NUM_THREADS=1 \
    NUMBA_CACHE_DIR=/var/cache/braid \
    BRAID_DATA=/var/lib/braid
WORKDIR /srv/braid

# --- braid-train -------------------------------------------------------------------------------
FROM system AS train

COPY --from=train-packages /opt/braid /opt/braid
COPY --from=train-packages /opt/venv /opt/venv
COPY --from=project /srv/braid /srv/braid
COPY requirements/data.lock requirements/
COPY deploy/prepare deploy/
USER braid
ENTRYPOINT ["python", "-m", "service.cli"]
CMD ["train", "--out", "/artifacts"]

# --- braid-load --------------------------------------------------------------------------------
FROM ${DEBIAN} AS load

RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin locust
COPY requirements/load.lock requirements/
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/load.lock
COPY locustfile.py /srv/locustfile.py
USER locust
WORKDIR /tmp
ENTRYPOINT ["/opt/venv/bin/python", "-m", "locust", "-f", "/srv/locustfile.py"]

# --- braid: last, so that it is what a plain build makes ------------------------------------------
FROM system AS serve

COPY --from=packages /opt/braid /opt/braid
COPY --from=packages /opt/venv /opt/venv
COPY --from=project /srv/braid /srv/braid
USER braid
EXPOSE 8000
VOLUME ["/artifacts", "/var/cache/braid"]
# Alive, not ready: without Redis it answers all the same, and a restart would not bring Redis back.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
ENTRYPOINT ["python", "-m", "service.cli"]
# Every interface is off loopback: it starts with BRAID_KEYS, or with BRAID_WITHOUT_KEYS=true where
# the network is closed, and else says so and ends.
CMD ["serve", "--host", "0.0.0.0", "--artifact", "/artifacts"]
