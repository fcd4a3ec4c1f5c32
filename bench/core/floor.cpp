// SPDX-License-Identifier: Apache-2.0
//
// The floor as a program; see core/floor.h.
#include "core/floor.h"
#include "core/run_cell.h"

using namespace bench;

int main(int argc, char** argv) {
    return run(argc, argv, "floor",
               {
                   {"xxh3", run_cell<floor_interner<key16, xxh3>>, run_cell<floor_interner<key1200, xxh3>>},
               });
}
