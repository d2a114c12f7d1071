"""What the images are called: as the chart asks for them, but for the end of ours.

A tag that follows the content is what makes an update one: Helm rolls pods and runs migrations only
where a name has changed.
"""

from dataclasses import dataclass

import yaml
from tools.images.workspace import ROOT

CHART = ROOT / "charts/harena"


@dataclass(frozen=True)
class Names:
    """Full references, or what makes them."""

    registry: str
    """Registry and folder of ours."""
    version: str
    """The chart's appVersion: what the tag of ours begins with."""
    tag: str
    """The tag of ours instead, where it is not blank."""
    postgres: str
    valkey: str

    @classmethod
    def of_chart(cls) -> "Names":
        """Those of the chart's default values."""
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        return cls(
            registry=values["image"]["registry"],
            version=chart["appVersion"],
            tag=values["image"]["tag"],
            postgres=values["database"]["image"],
            valkey=values["redis"]["image"],
        )

    def ours(self, image: str, content: str = "") -> str:
        """With the tag that was given; or the version, and a hash of the `content` if any."""
        tag = self.tag or "-".join(filter(None, (self.version, content)))
        return f"{self.registry}/{image}:{tag}"
