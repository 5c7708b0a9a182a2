#!/bin/sh
# Pins every dependency with its hashes. The registry is whatever uv is set up for; the
# locks name none. Upgrades nothing unless asked: sh scripts/lock.sh --upgrade
set -eu
cd "$(dirname "$0")/.."

uv=$(.venv/bin/python -m scripts.bootstrap uv)

compile() {
    echo "locking $1"
    output=$1
    shift
    "$uv" pip compile --quiet --universal --generate-hashes --no-header \
        --no-emit-index-url --output-file "$output" "$@"
}

compile requirements/dev.lock pyproject.toml --all-extras --python-version 3.14 ${1:+"$1"}
compile requirements/serve.lock pyproject.toml --python-version 3.14 ${1:+"$1"}
compile requirements/train.lock pyproject.toml --extra train --python-version 3.14 ${1:+"$1"}
compile requirements/spark.lock pyproject.toml requirements/spark.in --extra train -c requirements/dev.lock --python-version 3.14 ${1:+"$1"}
compile requirements/build.lock requirements/build.in --python-version 3.14 ${1:+"$1"}
compile requirements/load.lock requirements/load.in --python-version 3.10 ${1:+"$1"}
compile requirements/audit.lock requirements/audit.in --python-version 3.10 ${1:+"$1"}
compile requirements/bench.lock requirements/bench.in --python-version 3.11 ${1:+"$1"}
compile requirements/browser.lock requirements/browser.in --python-version 3.11 ${1:+"$1"}
compile requirements/deploy.lock requirements/deploy.in --python-version 3.11 ${1:+"$1"}
compile requirements/docs.lock requirements/docs.in --python-version 3.11 ${1:+"$1"}
compile requirements/engine.lock requirements/engine.in --python-version 3.11 ${1:+"$1"}
compile requirements/feast.lock requirements/feast.in --python-version 3.11 ${1:+"$1"}
compile requirements/fuzz.lock requirements/fuzz.in --python-version 3.11 ${1:+"$1"}
compile requirements/offline.lock requirements/offline.in --python-version 3.11 ${1:+"$1"}
compile requirements/peers.lock requirements/peers.in --python-version 3.11 ${1:+"$1"}
compile requirements/kernels.lock requirements/kernels.in -c requirements/dev.lock --python-version 3.14 ${1:+"$1"}
compile requirements/sim.lock requirements/sim.in -c requirements/dev.lock --python-version 3.14 ${1:+"$1"}
compile requirements/bootstrap.lock requirements/bootstrap.in --python-version 3.9 ${1:+"$1"}
