// SPDX-License-Identifier: Apache-2.0
//
// Boost.Flyweight at its fastest; see peer.h.
#include <boost/version.hpp>

#include "core/run_cell.h"
#include "peers/flyweight/peer.h"

using namespace bench;

int main(int argc, char** argv) {
    return run(argc, argv, "Boost " BOOST_LIB_VERSION,
               {
                   {"xxh3", run_cell<flyweight_tuned_peer<key16, xxh3>>,
                    run_cell<flyweight_tuned_peer<key1200, xxh3>>},
                   {"own", run_cell<flyweight_tuned_peer<key16, boost_hash>>,
                    run_cell<flyweight_tuned_peer<key1200, boost_hash>>},
               });
}
