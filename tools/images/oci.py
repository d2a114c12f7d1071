"""OCI image archives, without Docker, a registry or a builder.

In: files with what is to be known of them. Out: one archive of several images that share layers,
for `ctr images import`, `docker load` or k3s's images folder. The same content has the same digest
wherever and whenever it is packed: entries are sorted, and have neither times nor users of the
machine that packed them. Needs nothing but Python's own library.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Layer:
    """A tar file, and the digest of its content."""

    file: Path
    digest: str

    @classmethod
    def pack(
        cls,
        file: Path,
        root: Path,
        owners: Mapping[str, int] | None = None,
        modes: Mapping[str, int] | None = None,
    ) -> "Layer":
        """Packs what lies under `root`.

        `owners` gives a path, and what is below it, to a user and the group of the same number;
        everything else is root's. `modes` are for folders that everyone may write to.
        """
        entries = sorted(path.relative_to(root) for path in root.rglob("*"))
        with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as tar:
            for entry in entries:
                info = tar.gettarinfo(root / entry, str(entry))
                # One file, even where the packing machine has linked it to another.
                if info.islnk():
                    info.type, info.size = tarfile.REGTYPE, (root / entry).stat().st_size
                _describe(info, owners or {}, modes or {})
                if info.isreg():
                    with (root / entry).open("rb") as stream:
                        tar.addfile(info, stream)
                else:
                    tar.addfile(info)
        with file.open("rb") as stream:
            return cls(file, "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest())


def _describe(info: tarfile.TarInfo, owners: Mapping[str, int], modes: Mapping[str, int]) -> None:
    owner = next(
        (
            number
            for path, number in owners.items()
            if info.name == path or info.name.startswith(path + "/")
        ),
        0,
    )
    info.uid = info.gid = owner
    info.uname = info.gname = ""
    info.mtime = 0
    info.pax_headers = {}
    # Whatever the umask was: readable by all, written by the owner, executable as it was.
    executable = info.isdir() or info.mode & 0o100
    info.mode = modes.get(info.name, 0o755 if executable else 0o644)


@dataclass(frozen=True)
class Image:
    """What `docker inspect` would show of an image."""

    name: str
    """With its registry, folder and tag."""
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = "/"

    def config(self) -> bytes:
        settings: dict[str, Any] = {
            "Env": [f"{k}={v}" for k, v in {"PATH": PATH, **self.environment}.items()],
            "WorkingDir": self.folder,
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "User": self.user,
        }
        return _json(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {key: value for key, value in settings.items() if value},
                "rootfs": {"type": "layers", "diff_ids": [x.digest for x in self.layers]},
            }
        )


def content(images: Iterable[Image]) -> str:
    """A short hash of what is in images and how they start, and of their names as they are now."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(image.name.encode() + b"\0" + image.config())
    return digest.hexdigest()[:12]


def write(file: Path, images: Iterable[Image]) -> None:
    """Writes one archive; a layer of several images is in it once."""
    part = file.with_name(file.name + ".part")
    with tarfile.open(part, "w") as tar:
        archive = _Archive(tar)
        manifests = [archive.image(image) for image in images]
        archive.add("index.json", _json({"schemaVersion": 2, "manifests": manifests}))
        archive.add("oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
    part.replace(file)


class _Archive:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self.tar = tar
        self.names: set[str] = set()

    def add(self, name: str, content: bytes) -> None:
        self._stream(name, io.BytesIO(content), len(content))

    def _stream(self, name: str, stream: IO[bytes], size: int) -> None:
        if name not in self.names:
            self.names.add(name)
            info = tarfile.TarInfo(name)
            info.size = size
            self.tar.addfile(info, stream)

    def _blob(self, media_type: str, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        self.add(f"blobs/sha256/{digest}", content)
        return _descriptor(media_type, f"sha256:{digest}", len(content))

    def _layer(self, layer: Layer) -> dict[str, Any]:
        size = layer.file.stat().st_size
        with layer.file.open("rb") as stream:
            self._stream(f"blobs/{layer.digest.replace(':', '/')}", stream, size)
        return _descriptor("layer.v1.tar", layer.digest, size)

    def image(self, image: Image) -> dict[str, Any]:
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self._blob("config.v1+json", image.config()),
            "layers": [self._layer(layer) for layer in image.layers],
        }
        return {
            **self._blob("manifest.v1+json", _json(manifest)),
            "platform": {"architecture": "amd64", "os": "linux"},
            "annotations": {
                "io.containerd.image.name": image.name,
                # With its registry, too: tools that know only this one find an image among several.
                "org.opencontainers.image.ref.name": image.name,
            },
        }


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {
        "mediaType": f"application/vnd.oci.image.{media_type}",
        "digest": digest,
        "size": size,
    }


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
