"""The image of ingress-nginx, from its Go module and Debian's nginx.

Its template, its Lua and its chart are files of the module that `tools/cluster/build.sh` builds
from, so they are read there and kept nowhere else. Lua libraries that Debian does not have are
stand-ins of ours (tools/cluster/ingress-nginx/lua): balancing works, sticky sessions, a global rate
limit and OCSP do not.
"""

import re
import shutil
import subprocess
from pathlib import Path

from tools.images import oci
from tools.images.debian import SECONDS, USERS, Repository, finish
from tools.images.workspace import ROOT

SOURCE = ROOT / "tools/cluster/ingress-nginx"
FILES = ROOT / "tools/images/files"
TAG = "v1.11.0"  # the release that the module follows; the chart refuses a tag that is no release
NGINX = (
    "nginx",
    "libnginx-mod-http-lua",
    "libnginx-mod-http-ndk",
    "libnginx-mod-http-headers-more-filter",
    "libnginx-mod-stream",
    "lua-resty-core",
    "lua-resty-lrucache",
    "lua-cjson",
    "dumb-init",
    "busybox-static",
)
USER = USERS["www-data"]
_FOLDERS = (
    *(f"etc/ingress-controller/{name}" for name in ("ssl", "auth", "geoip", "telemetry")),
    *(f"var/lib/nginx/{name}" for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi")),
    "etc/nginx/template",
    "var/log/nginx",
    "tmp/nginx",
    "usr/bin",
)


def module() -> Path:
    """Where Go keeps the module."""
    found = subprocess.run(
        ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "k8s.io/ingress-nginx"],
        check=True,
        capture_output=True,
        text=True,
        cwd=SOURCE,
        timeout=SECONDS,
    )
    return Path(found.stdout.strip())


def template(source: str) -> str:
    """The template for Debian's nginx 1.22."""
    # Debian has no Lua for streams. The port stays: the controller sends its list of TCP services.
    stream = "\nstream {\n    server { listen 127.0.0.1:{{ .StreamPort }}; return ''; }\n}\n"
    text, streams = re.subn(r"\nstream \{.*?\n}\n", lambda _: stream, source, flags=re.DOTALL)
    text, http2 = re.subn(r"\n\s*http2 on;", "\n", text)  # came with 1.25.1
    if streams != 1 or not http2:
        raise ValueError("another template than the one that this was written for")
    return text


def layers(scratch: Path, debian: Repository, built: Path) -> tuple[oci.Layer, ...]:
    """With the controller from the folder `built`."""
    etc = module() / "rootfs/etc/nginx"

    nginx, controller = scratch / "nginx", scratch / "controller"
    debian.unpack(NGINX, nginx)
    finish(nginx)
    for folder in _FOLDERS:
        (controller / folder).mkdir(parents=True)
    settings = controller / "etc/nginx"
    shutil.copy(nginx / "etc/nginx/mime.types", settings)
    shutil.copy(etc / "nginx.conf", settings)
    shutil.rmtree(nginx / "etc/nginx")
    left_out = shutil.ignore_patterns("test", "hello_world")
    lua = settings / "lua"
    shutil.copytree(etc / "lua", lua, ignore=left_out, copy_function=shutil.copyfile)
    for path in (lua, *lua.rglob("*")):  # the module's folders are read-only
        if path.is_dir():
            path.chmod(0o755)
    shutil.copytree(SOURCE / "lua", lua, dirs_exist_ok=True)
    (settings / "template/nginx.tmpl").write_text(
        template((etc / "template/nginx.tmpl").read_text())
    )

    for program, target in (
        (built / "nginx-ingress-controller", "nginx-ingress-controller"),
        (FILES / "nginx", "usr/bin/nginx"),
        (FILES / "wait-shutdown", "wait-shutdown"),
    ):
        shutil.copy(program, controller / target)
        (controller / target).chmod(0o755)
    for log, stream in (("access.log", "stdout"), ("error.log", "stderr")):
        (controller / "var/log/nginx" / log).symlink_to(f"/dev/{stream}")

    owned = ("etc/nginx", "etc/ingress-controller", "var/log/nginx", "var/lib/nginx", "tmp/nginx")
    return (
        oci.Layer.pack(scratch / "nginx.tar", nginx, modes={"tmp": 0o1777}),
        oci.Layer.pack(
            scratch / "controller.tar",
            controller,
            owners=dict.fromkeys(owned, USER),
            modes={"tmp": 0o1777},
        ),
    )


def image(name: str, packed: tuple[oci.Layer, ...]) -> oci.Image:
    """With the name that the chart puts together from `registry`, `image` and `tag`."""
    return oci.Image(
        f"{name}/controller:{TAG}",
        packed,
        entrypoint=("/usr/bin/dumb-init", "--"),
        command=("/nginx-ingress-controller",),
        user=f"{USER}:{USER}",
        folder="/etc/nginx",
    )
