// SPDX-License-Identifier: Apache-2.0
//
// Boost.Flyweight with its defaults; see peer.h.
#include <boost/version.hpp>

#include "core/run_cell.h"
#include "peers/flyweight/peer.h"

using namespace bench;

int main(int argc, char** argv) {
    return run(
        argc, argv, "Boost " BOOST_LIB_VERSION,
        {
            {"own", run_cell<flyweight_default_peer<key16>>, run_cell<flyweight_default_peer<key1200>>},
        });
}
