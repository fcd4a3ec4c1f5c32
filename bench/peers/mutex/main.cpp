// SPDX-License-Identifier: Apache-2.0
//
// See peer.h.
#include "core/run_cell.h"
#include "peers/mutex/peer.h"

using namespace bench;

int main(int argc, char** argv) {
    return run(argc, argv, "libstdc++ " + std::to_string(__GLIBCXX__),
               {
                   {"xxh3", run_cell<mutex_peer<key16, xxh3>>, run_cell<mutex_peer<key1200, xxh3>>},
                   {"own", run_cell<mutex_peer<key16, std_hash>>, run_cell<mutex_peer<key1200, std_hash>>},
               });
}
