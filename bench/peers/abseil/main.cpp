// SPDX-License-Identifier: Apache-2.0
//
// See peer.h.
#include <absl/base/config.h>

#include "core/run_cell.h"
#include "peers/abseil/peer.h"

using namespace bench;

int main(int argc, char** argv) {
    return run(
        argc, argv, "Abseil " + std::to_string(ABSL_LTS_RELEASE_VERSION),
        {
            {"xxh3", run_cell<abseil_peer<key16, xxh3>>, run_cell<abseil_peer<key1200, xxh3>>},
            {"own", run_cell<abseil_peer<key16, absl_hash>>, run_cell<abseil_peer<key1200, absl_hash>>},
        });
}
