"""What the command shows: progress, tables, colours; plain lines where there is no terminal."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import rich.progress
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from harena_local.health import Status
from harena_local.layout import Layout

_COLOURS = {
    "healthy": "green",
    "stopped": "dim",
    "off": "dim",
    "restarting": "yellow",
    "unhealthy": "yellow",
}


class Progress:
    """Shows what is being done, and how long each step took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("")
        self._step: str | None = None
        self._since = 0.0

    def __call__(self, step: str) -> None:
        """The step that begins now; the one before is done."""
        self._finish("[green]✓[/green]")
        self._step, self._since = step, time.monotonic()
        self._status.update(step)

    def _finish(self, mark: str) -> None:
        if self._step is not None:
            seconds = time.monotonic() - self._since
            self._console.print(f"{mark} {self._step} [dim]{seconds:.1f} s[/dim]", highlight=False)
        self._step = None

    @contextmanager
    def shown(self) -> Iterator["Progress"]:
        with self._status:
            try:
                yield self
            except BaseException:
                self._finish("[red]✗[/red]")
                raise
            self._finish("[green]✓[/green]")


@contextmanager
def bar(what: str, console: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar, to be told how many are done of how many."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with rich.progress.Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def status_table(rows: Sequence[Status]) -> Table:
    """Service, address, state, memory."""
    table = Table(box=None, pad_edge=False)
    table.add_column("service")
    table.add_column("address", no_wrap=True)
    table.add_column("state")
    for column in ("up", "restarts", "memory"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row.name,
            row.address,
            Text(row.state, _COLOURS.get(row.state, "red")),
            "" if row.uptime is None else _duration(row.uptime),
            str(row.restarts) if row.restarts else "",
            "" if row.memory is None else f"{row.memory / (1 << 20):.0f} MB",
        )
    total = sum(row.memory or 0 for row in rows)
    table.add_section()
    table.add_row("", "", "", "", "", f"{total / (1 << 20):.0f} MB")
    return table


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def invitation(layout: Layout, alerts: str | None) -> str:
    """The documented login, a call to try, and where the alerts are."""
    from harena_demo.generator import DEMO_LOGINS

    email, password = DEMO_LOGINS[0].email, DEMO_LOGINS[0].password
    lines = {
        "Docs": f"{layout.public_url}/docs",
        "Alerts": alerts,
        "Login": f"{email} / {password}",
        "Try": f"curl -X POST {layout.public_url}/api/v1/users/auth/login "
        f"-d 'username={email}&password={password}'",
        "Stop": "make down",
    }
    return "".join(f"\n{name:8}{text}" for name, text in lines.items() if text) + "\n"
