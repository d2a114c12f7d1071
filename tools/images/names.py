"""What the images are called: as the chart asks for them, so that an installation names none."""

from dataclasses import dataclass

import yaml
from tools.images.workspace import ROOT

CHART = ROOT / "charts/harena"


@dataclass(frozen=True)
class Names:
    """Full references, or what makes them."""

    registry: str
    """Registry and folder of ours."""
    tag: str
    postgres: str
    valkey: str

    @classmethod
    def of_chart(cls) -> "Names":
        """Those of the chart's default values."""
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        return cls(
            registry=values["image"]["registry"],
            tag=values["image"]["tag"] or chart["appVersion"],
            postgres=values["database"]["image"],
            valkey=values["redis"]["image"],
        )

    def ours(self, image: str) -> str:
        return f"{self.registry}/{image}:{self.tag}"
