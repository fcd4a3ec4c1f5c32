# SPDX-License-Identifier: Apache-2.0
"""Which systems there are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    name: str
    distribution: str  # debian or ubuntu: whose archive
    suite: str
    # The suite that debootstrap makes, from which apt-get goes on to `suite`: where older debootstraps cannot
    # read the archive's index.
    begins_as: str = ""
    has_updates: bool = True  # suites of updates and of security updates

    @property
    def first_suite(self) -> str:
        return self.begins_as or self.suite

    @property
    def script(self) -> str:
        """debootstrap's script for suites of this distribution, whether or not it knows this one."""
        return "sid" if self.distribution == "debian" else "gutsy"

    def sources(self, mirror: str, security_mirror: str) -> str:
        """Lines of apt's sources.list."""
        components = "main" if self.distribution == "debian" else "main universe"
        lines = [f"deb {mirror} {self.suite} {components}"]
        if self.has_updates:
            lines += [
                f"deb {mirror} {self.suite}-updates {components}",
                f"deb {security_mirror} {self.suite}-security {components}",
            ]
        return "\n".join(lines) + "\n"


SYSTEMS = (
    System("debian-12", "debian", "bookworm"),
    System("debian-13", "debian", "trixie"),
    System("debian-testing", "debian", "testing", has_updates=False),
    System("ubuntu-22.04", "ubuntu", "jammy"),
    System("ubuntu-24.04", "ubuntu", "noble"),
    System("ubuntu-26.04", "ubuntu", "resolute"),
    System("ubuntu-26.10", "ubuntu", "stonking", begins_as="resolute"),
)
