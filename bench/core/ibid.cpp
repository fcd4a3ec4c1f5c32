// SPDX-License-Identifier: Apache-2.0
//
// ibid as a program; see core/ibid.h. The peers get ibid's hash.
#include "core/ibid.h"
#include "core/run_cell.h"

using namespace bench;

int main(int argc, char** argv) {
    return run(argc, argv, "ibid",
               {
                   {"xxh3", run_cell<ibid_interner<key16>>, run_cell<ibid_interner<key1200>>},
               });
}
