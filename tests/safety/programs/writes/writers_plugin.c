// SPDX-License-Identifier: Apache-2.0
//
// A plugin that references functions that write; its host does not.
#include "writers.h"

const struct writers plugin_writers = {
#define X(name) name,
    WRITERS(X)
#undef X
};
