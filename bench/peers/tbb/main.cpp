// SPDX-License-Identifier: Apache-2.0
//
// See peer.h.
#include <oneapi/tbb/version.h>

#include "core/run_cell.h"
#include "peers/tbb/peer.h"

using namespace bench;

int main(int argc, char** argv) {
    return run(argc, argv,
               "oneTBB " + std::to_string(TBB_VERSION_MAJOR) + "." + std::to_string(TBB_VERSION_MINOR),
               {
                   {"xxh3", run_cell<tbb_peer<key16, xxh3>>, run_cell<tbb_peer<key1200, xxh3>>},
                   {"own", run_cell<tbb_peer<key16, tbb_hash>>, run_cell<tbb_peer<key1200, tbb_hash>>},
               });
}
