"""The files that the chart mounts, given to the servers that read them."""

import subprocess
from pathlib import Path

from tests.chart.conftest import CHART, Render

from harena_core.testing import free_port
from harena_local.postgres import Postgres
from harena_local.valkey import Valkey

CREDENTIALS = "/run/secrets/harena"

OWNER = """
    SELECT rolname, rolsuper, rolcreaterole, rolcreatedb
    FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE datname = 'harena'
"""


def test_the_first_start_makes_the_database_and_its_owner(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "data", free_port(), "superuser-secret", durable=False)
    server.initialise()
    password = "the 'owner''s"
    (tmp_path / "owner-password").write_text(password)
    script = (CHART / "files" / "init-database.sh").read_text().replace(CREDENTIALS, str(tmp_path))
    [psql, *_], variables = server.client("psql")
    variables |= {
        "PATH": f"{Path(psql).parent}:/usr/bin:/bin",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "POSTGRES_USER": "postgres",
    }

    with server.running(tmp_path / "log"):
        run(["/bin/sh", "-euc", script], variables)

        assert server.execute(OWNER) == [["harena", "f", "f", "f"]]
        run([psql, server.url("harena", "harena", password), "-c", "SELECT 1"], variables)


def test_redis_takes_its_configuration_and_asks_for_the_password(
    render: Render, tmp_path: Path
) -> None:
    objects = render()
    given = objects["Secret", "rel-redis"]["stringData"]
    server = Valkey(tmp_path, free_port(), given["password"])
    configuration = objects["ConfigMap", "rel-redis"]["data"]["redis.conf"]
    configuration = configuration.replace(CREDENTIALS, str(tmp_path))
    configuration = configuration.replace("dir /data", f"dir {tmp_path}")
    (tmp_path / "password.conf").write_text(given["password.conf"])
    (tmp_path / "valkey.conf").write_text(f"{configuration}\nport {server.port}\n")
    server.who.own(tmp_path)

    with server.running(tmp_path / "log"):
        assert server.ready()
        assert not Valkey(tmp_path, server.port, "another").ready()


def run(command: list[str], variables: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=variables, check=False, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
