"""`harena`: the embedded platform from the command line."""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from harena_local import backup as backups
from harena_local import logs as log_files
from harena_local.console import Progress, bar, invitation, status_table
from harena_local.embedded import Embedded
from harena_local.layout import DATABASE, OWNER
from harena_local.postgres import program
from harena_local.process import ENVIRONMENT, LocalError, wait_until
from harena_local.state import LocalSettings

app = typer.Typer(
    help="The embedded platform: real servers as processes of yours, all on 127.0.0.1.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, soft_wrap=True)

Name = Annotated[str, typer.Argument(help="One of the names that `harena status` shows.")]


@app.command()
def up(
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay, follow the logs; Ctrl-C stops everything.")
    ] = False,
    monitoring: Annotated[
        bool, typer.Option("--monitoring", help="Prometheus too, with its rules and alerts.")
    ] = False,
) -> None:
    """Start everything that is not running; with demo data, topped up to today."""
    if foreground:
        # A hang-up or a stop as well, and a Ctrl-C although whoever started this ignores it.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
    platform = _platform()
    with platform.state.lock():
        ran_before = platform.supervisor.running
        try:
            with Progress(out).shown() as report:
                added = platform.start(report)
                remarks = platform.monitor(report) if monitoring else []
        except (KeyboardInterrupt, LocalError) as error:
            # What is not healthy stays for a look at it, unless nobody asked for it to stay.
            if foreground or (isinstance(error, KeyboardInterrupt) and not ran_before):
                with Progress(out).shown() as report:
                    platform.stop(report)
            raise
    try:
        if added:
            out.print(f"{added} demo transactions added, up to {platform.clock.today()}.\n")
        out.print(status_table(platform.status()))
        for remark in remarks:
            out.print(Text(f"\n{remark}", "yellow"))
        out.print(invitation(platform.layout, platform.alerts))
        if foreground:
            _follow_all(platform)
    except KeyboardInterrupt:
        # From the first line that is shown on: whoever reads it may press Ctrl-C at once.
        if not foreground:
            raise
        with platform.state.lock(), Progress(out).shown() as report:
            platform.stop(report)


def _follow_all(platform: Embedded) -> None:
    """Follows all logs, as long as the platform runs."""
    _follow(platform, list(platform.parts), while_true=lambda: platform.supervisor.running)
    raise LocalError("The platform was stopped by another command, or its supervisor ended.")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@app.command()
def down() -> None:
    """Stop everything; the data stays."""
    platform = _platform()
    with platform.state.lock(), Progress(out).shown() as report:
        was_running = platform.stop(report)
    out.print("Stopped." if was_running else "It was not running.")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show every process; exit with 1 unless all are healthy."""
    rows = _platform().status()
    if as_json:
        out.print_json(json.dumps([asdict(row) for row in rows]))
    else:
        out.print(status_table(rows))
    if not all(row.healthy for row in rows):
        raise typer.Exit(1)


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="One part only.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="And what comes.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Of each part.")] = 20,
) -> None:
    """Show the last lines of the logs."""
    platform = _platform()
    names = list(platform.parts) if name is None else [platform.part(name).name]
    for each in names:
        for line in log_files.last_lines(platform.state.log(each), lines):
            _print_line(each, line, named=len(names) > 1)
    if follow:
        _follow(platform, names, while_true=lambda: True)


def _follow(platform: Embedded, names: list[str], while_true: Callable[[], bool]) -> None:
    follower = log_files.Follower({each: platform.state.log(each) for each in names})
    try:

        def ended() -> bool:
            for each, line in follower.new_lines():
                _print_line(each, line, named=len(names) > 1)
            return not while_true()

        while not wait_until(ended, 3600, every=0.3):
            pass
    finally:
        follower.close()


def _print_line(name: str, line: str, *, named: bool) -> None:
    prefix = Text(f"{name:13}", "cyan") if named else Text()
    out.print(prefix + Text(line))


@app.command()
def restart(name: Name) -> None:
    """Stop and start one part, and wait until it is healthy."""
    platform = _platform()
    with platform.state.lock(), Progress(out).shown() as report:
        report(f"restarting {name}")
        platform.restart(name)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open the database as its owner; arguments go to psql."""
    platform = _platform()
    platform.must_run()
    layout = platform.layout
    command = [program("psql"), "-h", "127.0.0.1", "-p", str(layout.postgres.port)]
    command += ["-U", OWNER, "-d", DATABASE, *context.args]
    environment = {**ENVIRONMENT, "PGPASSWORD": layout.state.secret(OWNER)}
    sys.stdout.flush()
    os.execve(command[0], command, environment)  # noqa: S606 -- psql takes over the terminal


@app.command()
def backup() -> None:
    """Write the database into one file."""
    platform = _platform()
    platform.must_run()
    with platform.state.lock(), Progress(out).shown() as report:
        report("backup")
        file = backups.dump(platform.layout.postgres, platform.state.backups)
    out.print(f"{file}  {file.stat().st_size / (1 << 20):.1f} MB")


@app.command()
def restore(
    file: Annotated[Path | None, typer.Argument(help="Default: the newest.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Replace the database by a backup's content; all that came later is lost."""
    platform = _platform()
    chosen = file or backups.newest(platform.state.backups)
    if not yes:
        typer.confirm(f"Replace the whole database by {chosen}?", abort=True)
    with platform.state.lock(), Progress(out).shown() as report:
        platform.restore(chosen, report)


demo = typer.Typer(help="Demo data, which no database but this platform's own takes.")
app.add_typer(demo, name="demo", no_args_is_help=True)


@demo.command()
def load(
    users: Annotated[int | None, typer.Option(min=1, help="Many more users, to measure.")] = None,
    transactions: Annotated[int | None, typer.Option(min=1, help="How many, of all these.")] = None,
    largest: Annotated[int | None, typer.Option(min=1, help="How many of one of them.")] = None,
) -> None:
    """Bring the demo households up to today; or add many users for measuring."""
    platform = _platform()
    with platform.state.lock():
        if users is None and transactions is None and largest is None:
            platform.must_run()
            with Progress(out).shown() as report:
                report("demo households")
                added = platform.top_up_demo()
        elif users is None or transactions is None:
            raise LocalError("Say both --users and --transactions.")
        else:
            with bar("transactions", out) as progress:
                added = platform.load_many(users, transactions, largest, progress)
    out.print(f"{added} transactions added.")


@demo.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove every demo user and load the households anew."""
    platform = _platform()
    if not yes:
        typer.confirm("Remove every demo user, with what was added to them?", abort=True)
    with platform.state.lock(), Progress(out).shown() as report:
        report("demo households")
        platform.reset_demo()


def _platform() -> Embedded:
    try:
        return Embedded(LocalSettings())
    except ValidationError as error:
        first = error.errors()[0]
        raise LocalError(f"{'.'.join(map(str, first['loc'])).upper()}: {first['msg']}.") from error


def main() -> None:
    """Runs the command; what a person can mend is one sentence and status 1, not a traceback."""
    try:
        app()
    except LocalError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"harena: {error}", "red"))
        sys.exit(1)
