# SPDX-License-Identifier: Apache-2.0
"""Trust: no result of a verification changes, and everything that can be read is as in stock."""

from __future__ import annotations

import pytest
from harness import OWN_OBJECTS, Case, Library, Mode, Stage, crossed

PLUGIN = Library("writes/writers_plugin.c")
CHANGES = (
    "trust-middle trust-middle-any reject-root trust-other-use expire-root rename-root rekey-root rekey-inside list-revokes"
    " list-expires own-objects".split()
)
ORDERS = ("pspssp", "sppsps", "fsfpsf", "ppsspp", "xpsxnp", "spxnfs")
CASES = [
    *(
        Case(
            "trust/two_tenants.c",
            (change, "{here}/writers_plugin.so"),
            name=f"{change}-{way}",
            flags=("-DBY_RELOCATION",) if way == "relocation" else (),
            plugins=(PLUGIN,),
            # Until the plugin is loaded there is no writer. An unsorted CRL is not shared with a program that
            # can see its order.
            helped=("trust_stores",) if way == "plugin" and not change.startswith("list") else (),
            shows="the writer has gone",
        )
        for change in CHANGES
        for way in ("relocation", "plugin")
    ),
    *(
        Case("trust/late_findings.c", (who, order), shows="handshake 1", helped=("trust_stores",))
        for who in ("server", "bad-policies", "expired")
        for order in ORDERS
    ),
    Case("trust/store_readings.c", shows="link to another", helped=("trust_stores",)),
    Case("trust/extended_crls.c", shows="end", helped=("certificates",)),
    Case("trust/late_algorithm.c", shows="end"),
    Case("trust/first_use.c", shows="end"),
    Case("trust/bad_extensions.c", shows="checked", helped=("trust_stores",)),
    Case("trust/contexts.c", shows="end"),
    Case("trust/own_objects.c", ("parsed",), modes=OWN_OBJECTS),
    Case("trust/own_objects.c", ("presented",)),
    Case("trust/own_objects.c", ("filled",)),
]


@pytest.mark.parametrize("case, mode", crossed(CASES), ids=str)
def test_no_result_changes(case: Case, mode: Mode, stage: Stage) -> None:
    stage.as_stock(case, mode)
