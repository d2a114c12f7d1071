"""The log files of the parts: their last lines, and new ones as they come."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

_TAIL_BYTES = 256 * 1024


def last_lines(file: Path, count: int) -> list[str]:
    """The last lines of a file, none of one that does not exist."""
    if count == 0 or not file.exists():
        return []
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - _TAIL_BYTES))
        return opened.read().decode(errors="replace").splitlines()[-count:]


class Follower:
    """Reads what is added to files, through their rotation."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._open: dict[str, tuple[int, TextIO]] = {}
        self._partial: dict[str, str] = {}
        for name in files:
            with suppress(FileNotFoundError):
                self._reopen(name)[1].seek(0, 2)

    def _reopen(self, name: str) -> tuple[int, TextIO]:
        opened = self._files[name].open(errors="replace")
        self._open[name] = (self._files[name].stat().st_ino, opened)
        return self._open[name]

    def new_lines(self) -> Iterator[tuple[str, str]]:
        """Name and line of everything added since the last call."""
        for name, file in self._files.items():
            for text in self._new_text(name, file):
                *lines, rest = (self._partial.get(name, "") + text).split("\n")
                self._partial[name] = rest
                for line in lines:
                    yield name, line

    def _new_text(self, name: str, file: Path) -> Iterator[str]:
        if name in self._open:
            yield self._open[name][1].read()
        with suppress(FileNotFoundError):
            if name not in self._open or self._open[name][0] != file.stat().st_ino:
                if name in self._open:
                    self._open[name][1].close()
                yield self._reopen(name)[1].read()

    def close(self) -> None:
        for _, opened in self._open.values():
            opened.close()
