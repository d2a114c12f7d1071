"""Becomes another program, with what it needs around it. Run as a script, before any import.

Usage: python -IS shim.py [options] -- PROGRAM [ARGUMENT...]

    --namespace UID:GID   be this user inside a user namespace of its own (nothing changes outside)
    --user UID:GID        be this user for good
    --death-signal N      receive this signal when the parent ends, however it ends (Linux)
    --starts PATH         end what a former run left behind, and add our process id to this file

It stays a script of the standard library alone because it runs before each program that is
supervised, and because another user may not be able to read the packages.
"""

import ctypes
import os
import select
import signal
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
END_SECONDS = 5


def enter_namespace(uid: int, gid: int) -> None:
    """A user namespace in which we are `uid`; outside, files and processes stay ours."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "this system refuses user namespaces")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {outer_gid} 1")


def become(uid: int, gid: int) -> None:
    """Another user. The log pipes become theirs too, or nginx cannot open /dev/stdout again."""
    for descriptor in (1, 2):
        os.fchown(descriptor, uid, gid)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with_parent(number: int) -> None:
    """Asks the kernel for a signal at the parent's end, so nothing runs on unsupervised.

    After any change of user: a change of credentials clears the request.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, number) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit("the parent ended before we began")


def end_survivors(starts: Path, program: str) -> None:
    """Ends what remains of the former run's process group, and notes the run that begins.

    Workers of a master that was killed keep its port (nginx) or its shared memory (Postgres), and
    the new master could not start beside them. They are known by their group and their program, so
    a group number that the system has used again harms nobody.
    """
    former = starts.read_text().split() if starts.exists() else []
    if former and sys.platform == "linux":
        group = int(former[-1])
        real = os.path.realpath(program)
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                pid = int(stat.parent.name)
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            try:
                if os.getpgid(pid) == group and os.path.realpath(f"/proc/{pid}/exe") == real:
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    select.select([handle], [], [], END_SECONDS)
            except (ProcessLookupError, PermissionError):
                continue
            finally:
                os.close(handle)
    with starts.open("a") as file:
        file.write(f"{os.getpgrp()}\n")


def main(arguments: list[str]) -> None:
    separator = arguments.index("--")
    options = dict(zip(arguments[:separator:2], arguments[1:separator:2], strict=True))
    program = arguments[separator + 1 :]
    if "--starts" in options:
        end_survivors(Path(options["--starts"]), program[0])
    for option, change in (("--namespace", enter_namespace), ("--user", become)):
        if option in options:
            uid, _, gid = options[option].partition(":")
            change(int(uid), int(gid))
    if "--death-signal" in options:
        die_with_parent(int(options["--death-signal"]))
    os.execv(program[0], program)  # noqa: S606 -- becoming another program is the purpose


if __name__ == "__main__":
    main(sys.argv[1:])
