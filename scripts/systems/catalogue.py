# SPDX-License-Identifier: Apache-2.0
"""The list of systems."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    name: str
    distribution: str  # debian or ubuntu: the archive
    suite: str
    # Older debootstraps cannot read the archive's index of some suites. Then debootstrap makes this suite,
    # and apt-get upgrades it to `suite`.
    begins_as: str = ""
    has_updates: bool = True  # has suites of updates and of security updates

    @property
    def first_suite(self) -> str:
        return self.begins_as or self.suite

    @property
    def script(self) -> str:
        """debootstrap's script for this distribution, also for suites that this debootstrap does not know."""
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
