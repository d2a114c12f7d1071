"""Starts, watches and stops the embedded platform of one state folder."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil

from harena_core.clock import Clock
from harena_local import backup, health, logs, preflight
from harena_local.health import Status
from harena_local.layout import DATABASE, OWNER, Layout, Part
from harena_local.postgres import literal
from harena_local.process import LocalError, wait_until
from harena_local.state import LocalSettings
from harena_local.supervisor import Supervisor, configuration, processes_of

HEALTHY_SECONDS = 120.0
DOWN_SECONDS = 60.0
LOG_LINES = 15
RESET_SECONDS = 3600.0  # a million rows, each with its row-level triggers and keys
# A part that was started as often as this will not become healthy by waiting.
HOPELESS_STARTS = 5

# Told what is being done now; the command shows it.
Report = Callable[[str], None]


class Embedded:
    """The platform of one state folder, running or not."""

    def __init__(self, settings: LocalSettings) -> None:
        self.state = settings.state
        self.state.make_folders()
        self.layout = Layout(settings)
        self.supervisor = Supervisor(self.state)

    @property
    def parts(self) -> Mapping[str, Part]:
        return self.layout.parts

    def part(self, name: str) -> Part:
        """Raises LocalError for a name that is none."""
        if name not in self.parts:
            raise LocalError(f"There is no {name} here, only {', '.join(self.parts)}.")
        return self.parts[name]

    # --- up -----------------------------------------------------------------------------------

    def start(self, report: Report) -> int:
        """Starts what is not running, and returns once all is healthy.

        A running platform only gets the demo rows that came meanwhile. Returns their number.

        Raises LocalError for an obstacle, and for a part that does not become healthy.
        """
        programs = [part.program for part in self.parts.values()]
        text = configuration(self.state, programs)
        if not self.supervisor.runs_with(text):
            self._start_supervisor(text, report)
        # All at once: services connect when they are first asked, which is at the end.
        self._start(self.layout.required)
        report("Postgres and Valkey")
        self.wait_healthy(["postgres", "valkey"])
        report("database schema")
        self._bring_up_database()
        report("demo households")
        added = self.top_up_demo()
        report("services and edge")
        self.wait_healthy(self.layout.required)
        return added

    def _start_supervisor(self, text: str, report: Report) -> None:
        self.stop(report)  # another configuration, or what a killed supervisor has left
        report("checks")
        preflight.check(
            self.state,
            {port: part.name for part in self.layout.required.values() for port in part.ports},
        )
        report("data folder")
        self.layout.postgres.forget_ended()
        self.layout.postgres.initialise()
        self.layout.configure()
        for part in self.parts.values():
            self.state.starts(part.name).unlink(missing_ok=True)
        self.supervisor.start(text)

    def _bring_up_database(self) -> None:
        # Alembic takes a second to import, for which no other command should wait.
        from harena_local import database

        layout = self.layout
        database.create(layout.postgres, DATABASE, OWNER, self.state.secret(OWNER))
        asyncio.run(database.bring_up(layout.postgres, layout.owner_url, layout.role_passwords))

    def _start(self, names: Iterable[str]) -> None:
        processes = self.supervisor.processes()
        for name in names:
            if processes[name].state not in {"STARTING", "RUNNING"}:
                self.supervisor.start_program(self.parts[name].program)

    def _is_started(self, name: str) -> bool:
        process = self.supervisor.processes().get(name)
        return process is not None and process.state != "STOPPED"

    def wait_healthy(self, names: Iterable[str], seconds: float = HEALTHY_SECONDS) -> None:
        """Raises LocalError that names who is not healthy in time, with the end of their logs."""
        waiting = list(names)
        hopeless = {name: self.starts(name) + HOPELESS_STARTS for name in waiting}

        def over() -> bool:
            # One after the other: the edge is not asked before there is something behind it.
            while waiting and self.parts[waiting[0]].healthy():
                del waiting[0]
            return any(self.starts(name) >= hopeless[name] for name in waiting) or not waiting

        # Not more often: what starts needs the processor more than we do.
        wait_until(over, seconds, every=0.1)
        failing = [name for name in waiting if not self.parts[name].healthy()]
        if failing:
            ends = (
                f"\n\n{name}, the last lines of {self.state.log(name)}:\n"
                + "\n".join(logs.last_lines(self.state.log(name), LOG_LINES))
                for name in failing
            )
            raise LocalError(f"Not healthy: {', '.join(failing)}.{''.join(ends)}")

    # --- monitoring ---------------------------------------------------------------------------

    def monitor(self, report: Report) -> Sequence[str]:
        """Starts Prometheus and the exporters that are here, and returns once all of them answer.

        The platform does without them, so an obstacle is no error: returns a sentence about each
        thing that is missing. Raises LocalError where one of them starts and does not answer.
        """
        layout = self.layout
        where = (
            f"in {layout.programs} or on PATH: run `tools/prometheus.sh {layout.programs}`, which "
            f"unpacks Debian's there without root, or install it yourself, and run this again."
        )
        if not layout.prometheus.installed:
            return [f"Monitoring is off, because no prometheus is {where}"]
        obstacle = self._taken_port("prometheus")
        if obstacle:
            return [f"Monitoring is off. {obstacle}"]
        absent = [each for each in layout.exporters if not each.installed]
        here = [each for each in layout.exporters if each.installed]
        blocked = {each.job: taken for each in here if (taken := self._taken_port(each.name))}
        used = [each for each in here if each.job not in blocked]
        parts = [self.parts[name] for name in (*(each.name for each in used), "prometheus")]
        if layout.configure_monitoring(used):
            self.supervisor.stop_program(self.parts["prometheus"].program)
        starting = [part for part in parts if not self._is_started(part.name)]
        if starting:
            report("Prometheus")
        for part in starting:
            self.supervisor.start_program(part.program)
        try:
            self.wait_healthy(part.name for part in parts)
        except LocalError:
            for part in parts:
                self.supervisor.stop_program(part.program)  # it would be tried for ever
            raise
        remarks = [f"There are no figures of {job}. {taken}" for job, taken in blocked.items()]
        if absent:
            jobs = ", ".join(each.job for each in absent)
            names = ", ".join(each.binary.name for each in absent)
            remarks.append(f"There are no figures of {jobs}, for want of {names} {where}")
        rules = layout.settings.rules
        if not any(rules.glob("*.yaml")):
            remarks.append(
                f"There are no alerts, because no rules are in {rules}: set HARENA_RULES."
            )
        return remarks

    def _taken_port(self, name: str) -> str | None:
        """What to tell of a part that does not run and whose port somebody else has."""
        if self._is_started(name):
            return None
        try:
            preflight.check_ports(dict.fromkeys(self.parts[name].ports, name))
        except LocalError as error:
            return str(error)
        return None

    @property
    def alerts(self) -> str | None:
        """The page with the alerts, where Prometheus runs."""
        return self.layout.prometheus.alerts() if self._is_started("prometheus") else None

    # --- demo data ----------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        settings = self.layout.settings
        return Clock(settings.timezone, settings.today)

    def top_up_demo(self) -> int:
        """Loads the demo households, or what came since they were loaded; how many rows."""
        from harena_demo.loader import top_up
        from harena_demo.store import DemoRefused

        try:
            return sum(asyncio.run(top_up(self.layout.owner_url, clock=self.clock)).values())
        except DemoRefused as error:
            raise LocalError(f"{error}") from error

    def load_many(
        self,
        users: int,
        transactions: int,
        largest: int | None,
        progress: Callable[[int, int], None],
    ) -> int:
        """Adds many users for measuring; how many rows. `progress` is told rows done and in all."""
        from harena_demo.bulk import load_many

        self.must_run()
        try:
            return asyncio.run(
                load_many(
                    self.layout.owner_url,
                    users=users,
                    transactions=transactions,
                    largest=largest,
                    today=self.clock.today(),
                    progress=progress,
                )
            )
        except ValueError as error:
            raise LocalError(f"{error}") from error

    def reset_demo(self) -> int:
        """Removes every demo user, whatever was done to them, and loads the households anew."""
        from harena_demo.bulk import EMAILS
        from harena_demo.generator import DEMO_LOGINS

        self.must_run()
        emails = ", ".join(literal(login.email) for login in DEMO_LOGINS)
        self.layout.postgres.execute(
            f"DELETE FROM users WHERE email IN ({emails}) OR email LIKE {literal(EMAILS)}",  # noqa: S608 -- quoted
            DATABASE,
            seconds=RESET_SECONDS,
        )
        return self.top_up_demo()

    def must_run(self) -> None:
        """Raises LocalError where the platform is not running."""
        if not self.supervisor.running:
            raise LocalError("The platform is not running: `harena up` starts it.")

    # --- down ---------------------------------------------------------------------------------

    def stop(self, report: Report) -> bool:
        """Stops everything, and leaves no process; whether there was any."""
        supervised = self.supervisor.running
        if supervised:
            report("stopping")
            supervisor = psutil.Process(self.supervisor.pid)
            self.supervisor.shut_down()
            with suppress(psutil.TimeoutExpired):
                supervisor.wait(DOWN_SECONDS)
        # Nobody is left, unless the supervisor was killed: then its children were told to end.
        left = processes_of(self.state, self.layout.binaries)
        if left:
            report("ending what was left running")
            _, stubborn = psutil.wait_procs(left, timeout=0 if supervised else 5)
            for process in stubborn:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(stubborn, timeout=10)
        self.state.socket.unlink(missing_ok=True)
        return supervised or bool(left)

    def restart(self, name: str) -> None:
        """Stops and starts one part, and returns once it is healthy."""
        part = self.part(name)
        self.must_run()
        if part.optional and not self._is_started(name):
            raise LocalError(f"{name} is off: `harena up --monitoring` starts it.")
        self.supervisor.stop_program(part.program)
        self.supervisor.start_program(part.program)
        self.wait_healthy([name])

    def restore(self, file: Path, report: Report) -> None:
        """Replaces the database's content; services are down meanwhile.

        Raises LocalError, and then the services run again with what was there before.
        """
        services = [part for part in self.parts.values() if part.program.kind == "service"]
        self.must_run()
        report("stopping the services")
        for part in services:
            self.supervisor.stop_program(part.program)
        try:
            report(f"restoring {file.name}")
            backup.restore(self.layout.postgres, file)
            self._bring_up_database()
            # Answers that were remembered for the data that has been replaced.
            self.layout.valkey.forget()
        finally:
            report("starting the services")
            self._start(self.layout.required)
        self.wait_healthy(self.layout.required)

    # --- status -------------------------------------------------------------------------------

    def starts(self, name: str) -> int:
        """How often the part was started since `up` or `restart`."""
        file = self.state.starts(name)
        return len(file.read_text().splitlines()) if file.exists() else 0

    def status(self) -> Sequence[Status]:
        """One row a part, in the order of the table."""
        processes = self.supervisor.processes()
        rows = []
        with ThreadPoolExecutor() as pool:  # one that hangs delays the others by nothing
            answers = list(pool.map(lambda part: part.healthy(), self.parts.values()))
        for part, answers_well in zip(self.parts.values(), answers, strict=True):
            process = processes.get(part.name)
            state = process.state.lower() if process else "stopped"
            if state in {"running", "starting"}:
                state = "healthy" if answers_well else "unhealthy"
            elif process and state == "stopped" and part.optional:
                state = "off"
            pid = process.pid if process and process.pid else None
            rows.append(
                Status(
                    name=part.name,
                    address=part.address,
                    state="restarting" if state == "backoff" else state,
                    pid=pid,
                    uptime=health.uptime(process.started_at) if process and pid else None,
                    restarts=max(0, self.starts(part.name) - 1),
                    memory=health.memory(pid) if pid else None,
                )
            )
        return rows
