"""What the edges cannot do: `capabilities.yaml`.

The contract suite asks `Capabilities.of(edge)` before a check that some edge cannot pass.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, RootModel

EdgeKind = Literal["nginx", "ingress-nginx", "traefik"]
EDGE_KINDS: tuple[EdgeKind, ...] = get_args(EdgeKind)


class Capability(BaseModel):
    """One thing that some edge cannot do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    says: str = Field(description="What holds where the capability is there.")
    lacking: Mapping[EdgeKind, str] = Field(
        min_length=1, description="The edges without it: what they do instead, and the source."
    )


class Capabilities(RootModel[Mapping[str, Capability]]):
    """The table."""

    model_config = ConfigDict(frozen=True)

    def of(self, edge: EdgeKind) -> frozenset[str]:
        """The names of what the edge can do."""
        return frozenset(name for name, row in self.root.items() if edge not in row.lacking)


def load() -> Capabilities:
    """The table of the package."""
    text = (files("harena_edge") / "capabilities.yaml").read_text(encoding="utf-8")
    return Capabilities.model_validate(yaml.safe_load(text))
