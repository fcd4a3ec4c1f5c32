// SPDX-License-Identifier: Apache-2.0
//
// The core without one of its mechanisms, as a program of bench/core: see run.py. Only keys of 16 bytes,
// because with them a mechanism's share of the time is largest.
#include "core/ibid.h"
#include "core/run_cell.h"

using namespace bench;

int main(int argc, char** argv) {
    return run(argc, argv, "ibid", {{"xxh3", run_cell<ibid_interner<key16>>, nullptr}});
}
