# SPDX-License-Identifier: Apache-2.0
"""A userland: made once by debootstrap, and never changed afterwards, because each use has an overlay of its own.

Law: writes only to its folder, and leaves nothing mounted or running: mounts and processes are in namespaces of their own.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from .catalogue import System

USER = "somebody"


class UserlandError(Exception):
    """The userland could not be made or entered; the text tells why."""


def as_root(words: Sequence[str]) -> list[str]:
    return list(words) if os.geteuid() == 0 else ["sudo", "--", *words]


# Arguments: the root, the folder of the layer or nothing, then the command.
ENTER = r"""
root=$1 layer=$2
shift 2
if [ -n "$layer" ]; then
    mkdir -p "$layer/upper" "$layer/work" "$layer/root"
    mount -t overlay overlay -o "lowerdir=$root,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
    root=$layer/root
fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm"
mount --rbind /sys "$root/sys" || true
cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
printf '127.0.0.1 localhost %s\n' "$(uname -n)" >"$root/etc/hosts"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
exec chroot "$root" "$@"
"""

# For a new userland: sudo, git and a user. Services are not started.
FURNISH = f"""
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -q update
apt-get -q -y dist-upgrade
apt-get -q -y --no-install-recommends install sudo git
useradd --create-home --shell /bin/bash {USER}
echo '{USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{USER}
"""


class Userland:
    def __init__(self, system: System, folder: Path, log: Path) -> None:
        self.system = system
        self.folder = folder / system.name
        self.log = log
        self._base = self.folder / "base"
        self._layer: Path | None = None

    @property
    def is_made(self) -> bool:
        return (self.folder / "made").exists()

    def make(self, mirror: str, security_mirror: str, keyring: str | None, apt_options: Sequence[str]) -> None:
        """Makes it with debootstrap, in some minutes. Removes an incomplete one first."""
        if not shutil.which("debootstrap"):
            raise UserlandError("there is no debootstrap: apt-get install debootstrap")
        self.remove()
        self.folder.mkdir(parents=True)
        script = f"/usr/share/debootstrap/scripts/{self.system.script}"
        options = [f"--keyring={keyring}"] if keyring else []
        if self.system.distribution == "ubuntu":
            options.append("--components=main,universe")
        with self.log.open("w") as out:
            self._run(
                as_root(["debootstrap", "--variant=minbase", *options, self.system.first_suite, str(self._base), mirror, script]),
                out,
                "debootstrap could not make it",
            )
            sources = self.system.sources(mirror, security_mirror)
            options_of_apt = "".join(f"{option};\n" for option in apt_options)
            write = (
                f"rm -rf /etc/apt/sources.list.d/*; printf %s {shlex.quote(sources)} >/etc/apt/sources.list; "
                f"printf %s {shlex.quote(options_of_apt)} >/etc/apt/apt.conf.d/90ibid"
            )
            self._run(self._entering(["bash", "-euc", write]), out, "its sources of packages could not be written")
            self._run(self._entering(["bash", "-euc", FURNISH]), out, "its packages could not be installed")
        (self.folder / "made").touch()

    def fresh(self, layer: str = "run") -> None:
        """Discards all changes since it was made: those of this layer."""
        self._layer = self.folder / layer
        subprocess.run(as_root(["rm", "-rf", str(self._layer)]), check=True)

    def remove(self) -> None:
        subprocess.run(as_root(["rm", "-rf", "--one-file-system", str(self.folder)]), check=True)

    def put(self, files: Sequence[str], tree: Path) -> None:
        """Copies files of a tree into the user's folder `ibid`."""
        pack = subprocess.Popen(["tar", "-cf", "-", "-C", str(tree), *files], stdout=subprocess.PIPE)
        unpack = "mkdir -p ibid && tar -xf - -C ibid"
        with self.log.open("a") as out:
            done = subprocess.run(self.as_user(unpack), stdin=pack.stdout, stdout=out, stderr=out)
        if pack.wait() != 0 or done.returncode != 0:
            raise UserlandError("the tree could not be copied into it")

    def run(self, command: str, out: IO[str], seconds: float | None = None) -> int:
        """Runs a command as the user, in that folder. Returns the exit status; 124: it took too long."""
        process = subprocess.Popen(self.as_user(f"cd ibid && {command}"), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.terminate()  # unshare ends its children, too
            process.wait()
            return 124

    def ask(self, command: str) -> str:
        """Runs a command as the user and returns its standard output."""
        done = subprocess.run(self.as_user(f"cd ibid && {command}"), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.stdout.strip()

    def as_user(self, command: str) -> list[str]:
        return self._entering(["su", "-", USER, "-c", command])

    def _entering(self, words: Sequence[str]) -> list[str]:
        layer = str(self._layer) if self._layer else ""
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        return as_root([*namespaces, "bash", "-euc", ENTER, "bash", str(self._base), layer, *words])

    def _run(self, words: Sequence[str], out: IO[str], failure: str) -> None:
        out.flush()
        if subprocess.run(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out).returncode != 0:
            raise UserlandError(f"{failure}: {self.log}")
