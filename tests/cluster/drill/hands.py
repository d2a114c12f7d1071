"""What the causes are made with: each of these undoes itself on the way out."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cluster import SCRIPT, Harena, Object

INSIDE = Path(__file__).parent / "inside"
CALM_SECONDS = 180.0
END_SECONDS = 20.0


@dataclass(frozen=True)
class Hands:
    """The platform of the test cluster, and how to lay hands on it."""

    harena: Harena
    say: Callable[[str], None]

    async def kubectl(
        self, *arguments: str, namespace: str = "", given: str | None = None, seconds: float = 60
    ) -> str:
        return await asyncio.to_thread(
            self.harena.cluster.kubectl,
            f"--namespace={namespace or self.harena.namespace}",
            *arguments,
            given=given,
            seconds=seconds,
        )

    async def apply(self, *objects: Object, namespace: str) -> None:
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        await self.kubectl("apply", "--filename=-", namespace=namespace, given=given)

    async def execute(self, component: str, *command: str) -> int:
        """The exit status of a command inside a container."""
        return (await asyncio.to_thread(self.harena.execute, component, command)).returncode

    async def figure(self, expression: str) -> float:
        """One number from Prometheus; 0 where there is none."""
        found = await asyncio.to_thread(self.harena.series, expression)
        return float(found[0]["value"][1]) if found else 0.0

    async def until(
        self, condition: Callable[[], bool], what: str, seconds: float = CALM_SECONDS
    ) -> None:
        """Waits for it. Raises TimeoutError that says what did not come."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not await asyncio.to_thread(condition):
            if loop.time() > deadline:
                raise TimeoutError(f"not in {seconds:.0f} s: {what}")
            await asyncio.sleep(2)

    @asynccontextmanager
    async def scaled_to_nothing(self, workload: str, *, namespace: str = "") -> AsyncIterator[None]:
        """A Deployment or StatefulSet without a pod; returns to one."""
        await self.kubectl("scale", workload, "--replicas=0", namespace=namespace)
        try:
            yield
        finally:
            await self.kubectl("scale", workload, "--replicas=1", namespace=namespace)
            await self.kubectl(
                *("rollout", "status", workload, f"--timeout={CALM_SECONDS:.0f}s"),
                namespace=namespace,
                seconds=CALM_SECONDS + 20,
            )

    @asynccontextmanager
    async def changed(
        self, kind: str, name: str, edit: Callable[[Object], None]
    ) -> AsyncIterator[None]:
        """An object that is other than it was."""
        before = json.loads(await self.kubectl("get", kind, name, "--output=json"))
        del before["metadata"]["resourceVersion"]
        after = deepcopy(before)
        edit(after)
        await self._replace(after)
        try:
            yield
        finally:
            await self._replace(before)

    async def _replace(self, item: Object) -> None:
        await self.kubectl("replace", "--filename=-", given=json.dumps(item))

    @asynccontextmanager
    async def namespace(self, name: str, *objects: Object) -> AsyncIterator[None]:
        """A namespace of its own with these objects."""
        await asyncio.to_thread(self.harena.cluster.fresh_namespace, name)
        try:
            await self.apply(*objects, namespace=name)
            yield
        finally:
            await self.kubectl("delete", "namespace", name, "--timeout=120s", seconds=150)

    @asynccontextmanager
    async def inside(self, component: str, command: Sequence[str]) -> AsyncIterator[None]:
        """A command that runs in a container until its input ends."""
        async with self._process(
            *(str(SCRIPT), "run", "kubectl", "--namespace", self.harena.namespace),
            *("exec", "--stdin", "--quiet", self.harena.workload(component)),
            *("--container", component, "--", *command),
        ):
            yield

    @asynccontextmanager
    async def script(self, component: str, name: str, *arguments: str) -> AsyncIterator[None]:
        """A program of `inside/`, in the container of a service."""
        text = (INSIDE / name).read_text()
        async with self.inside(component, ["python", "-c", text, *arguments]):
            yield

    @asynccontextmanager
    async def on_the_machine(self, name: str, *arguments: str) -> AsyncIterator[None]:
        """The same, here."""
        async with self._process(sys.executable, str(INSIDE / name), *arguments):
            yield

    @asynccontextmanager
    async def _process(self, *command: str) -> AsyncIterator[None]:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin
        assert process.stderr
        try:
            yield
        finally:
            process.stdin.close()
            try:
                async with asyncio.timeout(END_SECONDS):
                    await process.wait()
            except TimeoutError:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            if said := (await process.stderr.read()).decode().strip():
                self.say(f"  it said: {said[-300:]}")

    async def restart(self, component: str, end: Sequence[str], starts: str, times: int) -> None:
        """Ends the first process of a container so often, each time once Prometheus has seen it.

        `starts` is the expression for how often it has started.
        """
        for _ in range(times):
            before = await self.figure(starts)
            await self.execute(component, *end)
            deadline = asyncio.get_running_loop().time() + CALM_SECONDS
            while await self.figure(starts) <= before:
                if asyncio.get_running_loop().time() > deadline:
                    raise TimeoutError(f"{component} was not seen to start again")
                await asyncio.sleep(5)
