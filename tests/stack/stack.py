"""The stack of compose.yaml without its engine: the same commands, environments and files.

What is replaced is places alone: a port of loopback for each service's name and port, a folder for
each volume, and DNS of our own for Docker's. Grafana and Jaeger are not here: Debian has neither.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import yaml

from benchmarks.proxy import Proxy
from benchmarks.servers import ROOT, free_port
from tests.features.shelves import until
from tests.stack.collector import Collector
from tests.stack.files import SERVICES, command_of, configuration, here
from tests.stack.names import Names
from tests.stack.prometheus import Prometheus

LOCUST = ROOT / ".venv-load" / "bin" / "python"
GRACE_S = float(SERVICES["braid"]["stop_grace_period"].removesuffix("s"))
FIRST = ("127.0.1.1", "127.0.1.2")
"""Where the replicas listen: one port, as in containers, so an address for each."""
WITHIN_S = 300.0
"""For what takes seconds where the machine has nothing else to do."""


class Stack:
    """All services that this machine has programs for; replicas can be added and taken away."""

    def __init__(self, folder: Path, surfaces: Path, names: Names, collector: Collector) -> None:
        """Write the files, with this machine's places in them; start nothing yet."""
        self.replicas: dict[str, subprocess.Popen[bytes]] = {}
        self.collector = collector
        self._started: list[subprocess.Popen[bytes]] = []
        self._folder, self._names, self._ports = folder, names, free_ports()
        self._surfaces = surfaces
        self.proxy = Proxy(
            ("127.0.0.1", self._ports["proxy"]), ("127.0.0.1", self._ports["health"]), 0
        )
        self.prometheus = Prometheus(f"http://127.0.0.1:{self._ports['prometheus']}")
        self._places = {
            "redis://redis:6379": f"redis://127.0.0.1:{self._ports['redis']}",
            "http://jaeger:4318": collector.url,
            "http://proxy:8000": f"http://127.0.0.1:{self._ports['proxy']}",
            "/artifacts": str(folder / "artifacts"),
            "deploy/prepare": str(folder / "prepare"),
            "/opt/venv/bin/python": str(LOCUST),
            "/srv/locustfile.py": str(ROOT / "locustfile.py"),
            "/usr/local/etc/haproxy": str(folder),
            "/etc/prometheus/prometheus.yml": str(folder / "prometheus.yml"),
            "tsdb.path=/prometheus": f"tsdb.path={folder / 'tsdb'}",
            "/run/secrets/braid-key": str(ROOT / "deploy/prometheus/no-key"),
        }
        self._write_files()

    def start_redis(self) -> None:
        """Start Redis with the data that it has, if any; return when it answers its healthcheck."""
        place = ["--bind", "127.0.0.1", "--port", str(self._ports["redis"])]
        self._redis = self.start("redis", *place, "--dir", str(self._folder))
        program, *words = SERVICES["redis"]["healthcheck"]["test"][1:]
        ask = [program, "-p", str(self._ports["redis"]), *words]
        until(lambda: succeeds(ask), WITHIN_S)

    def stop_redis(self) -> None:
        """Stop it; it keeps its data, as the volume would."""
        self._redis.terminate()
        assert self._redis.wait(GRACE_S) == 0

    def prepare(self) -> None:
        """Learn an artifact and fill Redis, as the service `prepare` does."""
        assert self.start("prepare").wait(WITHIN_S) == 0, self.log("prepare")

    def start_proxy(self) -> None:
        """Start the proxy."""
        self.start("proxy")

    def start_prometheus(self) -> None:
        """Start Prometheus."""
        self.start("prometheus", "--web.listen-address", f"127.0.0.1:{self._ports['prometheus']}")

    def start_replica(self, address: str) -> None:
        """Start one at an address of loopback; return when its healthcheck is content."""
        braid = self.start("braid", address=address)
        self.replicas[address] = braid
        at = f"{address}:{self._ports['braid']}"
        check = [
            here(word, {"127.0.0.1:8000": at, "python": sys.executable})
            for word in SERVICES["braid"]["healthcheck"]["test"][1:]
        ]
        end = time.monotonic() + WITHIN_S
        while not succeeds(check):
            assert braid.poll() is None, self.log("braid")[-3000:]
            assert time.monotonic() < end, "it never was healthy"
            time.sleep(0.2)
        self._tell_where()

    def stop_replica(self, address: str) -> int:
        """Stop one as `docker stop` does; return its exit status. Its name is forgotten after."""
        replica = self.replicas.pop(address)
        replica.terminate()
        status = replica.wait(GRACE_S)
        self._tell_where()
        return status

    def kill_replica(self, address: str) -> None:
        """Kill one; its name stays where it was, as when a container is restarted."""
        self.replicas[address].send_signal(signal.SIGKILL)
        self.replicas[address].wait()

    @contextmanager
    def locust(self, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
        """Let the service `locust` run for as long as what is done in the block takes."""
        locust = self.start("locust", *flags, "--run-time", "1h")
        yield locust
        assert locust.poll() is None, self.log("locust")[-3000:]
        locust.terminate()  # it ends with its report and its verdict
        locust.wait(WITHIN_S)

    def log(self, name: str) -> str:
        """Return what a service said."""
        return (self._folder / f"{name}.log").read_text()

    def start(self, name: str, *flags: str, address: str = "") -> subprocess.Popen[bytes]:
        """Start a service by its own command, with what a place needs behind it."""
        places = {**self._places, "0.0.0.0": address}  # noqa: S104  what is replaced
        words = [here(word, places) for word in command_of(name)]
        if words[0] == "python":
            words[0] = sys.executable
        environment = os.environ | self._environment(name, places)
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*words, *flags],
                env=environment,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def stop(self) -> None:
        """Stop what runs, the last one first."""
        for process in reversed(self._started):
            for number in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(process.pid, number)  # and what it has started
                    process.wait(GRACE_S)

    def _environment(self, name: str, places: Mapping[str, str]) -> dict[str, str]:
        said = SERVICES[name].get("environment", {})
        own = {key: here(value, places) for key, value in said.items()}
        own["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        if name == "braid":
            own |= {"BRAID_PORT": str(self._ports["braid"]), "BRAID_SURFACES": str(self._surfaces)}
            # The machine has more to do than this: nobody is sent away for that.
            own |= {"BRAID_LONGEST_WAIT_MS": "0", "BRAID_FETCH_BUDGET_MS": "5000"}
        return own

    def _write_files(self) -> None:
        port, health = self._ports["proxy"], self._ports["health"]
        places = {
            "bind :8000": f"bind 127.0.0.1:{port}",
            "bind :8404": f"bind 127.0.0.1:{health}",
            "parse-resolv-conf": f"nameserver names 127.0.0.1:{self._names.port}",
            "braid:8000": f"braid:{self._ports['braid']}",
            "    maxconn 20000": "    maxconn 256",  # a process here may have few files open
        }
        (self._folder / "haproxy.cfg").write_text(configuration("haproxy/haproxy.cfg", places))
        prepare = self._folder / "prepare"
        prepare.write_text(here((ROOT / "deploy/prepare").read_text(), self._places))
        prepare.chmod(0o755)
        rules = (ROOT / "deploy/prometheus/rules.yml").read_text()
        (self._folder / "rules.yml").write_text(rules)
        whole = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
        braid, itself = whole["scrape_configs"]
        # The program reads the machine's own DNS settings, and takes no others.
        del braid["dns_sd_configs"]
        braid["file_sd_configs"] = [{"files": [str(self._folder / "targets.json")]}]
        key = braid["authorization"]["credentials_file"]
        braid["authorization"]["credentials_file"] = here(key, self._places)
        itself["static_configs"][0]["targets"] = [f"127.0.0.1:{self._ports['prometheus']}"]
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(whole))
        self._tell_where()

    def _tell_where(self) -> None:
        """Tell the proxy and Prometheus which replicas there are; each hears it by itself."""
        there = tuple(self.replicas)
        self._names.addresses["braid"] = there
        targets = [
            {
                "targets": [f"{address}:{self._ports['braid']}"],
                # What Kubernetes' discovery would add, and its autoscaler's adapter asks for.
                "labels": {"namespace": "default", "pod": f"braid-{address}"},
            }
            for address in there
        ]
        whole = self._folder / "targets.json.new"
        whole.write_text(json.dumps(targets))
        whole.rename(self._folder / "targets.json")


def free_ports() -> dict[str, int]:
    """Return a free port for each service that listens."""
    return {name: free_port() for name in ("redis", "braid", "proxy", "health", "prometheus")}


def succeeds(command: list[str]) -> bool:
    """Tell whether a healthcheck's command ends well."""
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    return done.returncode == 0


@contextmanager
def running_stack(folder: Path, surfaces: Path) -> Iterator[Stack]:
    """Start all in the order that `depends_on` asks for; stop all, last one first."""
    with ExitStack() as ending, Collector() as collector, Names() as names:
        stack = Stack(folder, surfaces, names, collector)
        ending.callback(stack.stop)
        stack.start_redis()
        stack.prepare()
        for address in FIRST:
            stack.start_replica(address)
        stack.start_proxy()
        stack.start_prometheus()
        until(lambda: stack.proxy.up().count(True) == len(FIRST), WITHIN_S)
        yield stack
