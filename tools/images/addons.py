"""Packs the images of the test cluster's own add-ons: what the kubelet and a volume need.

    python -m tools.images.addons FOLDER-OF-PROGRAMS ARCHIVE

Each is one static program. Runs before anything of the project is installed.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tools.images import oci

BUSYBOX = Path("/bin/busybox")
SHELL = ("sh", "mkdir", "rm")  # what a volume's set-up and tear-down call


def main(programs: Path, archive: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:

        def image(name: str, program: Path, target: str, *names: str) -> oci.Image:
            root = Path(scratch, name)
            file = root / target
            file.parent.mkdir(parents=True)
            shutil.copy(program, file)
            for link in names:
                file.with_name(link).symlink_to(file.name)
            layer = oci.Layer.pack(root.with_suffix(".tar"), root)
            start = () if names else (f"/{target}",)
            return oci.Image(f"cluster.test/{name}:1", (layer,), entrypoint=start)

        provisioner = "local-path-provisioner"
        oci.write(
            archive,
            [
                image("pause", programs / "pause", "pause"),
                image("coredns", programs / "coredns", "coredns"),
                image(provisioner, programs / provisioner, f"usr/bin/{provisioner}"),
                image("busybox", BUSYBOX, "bin/busybox", *SHELL),
            ],
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
