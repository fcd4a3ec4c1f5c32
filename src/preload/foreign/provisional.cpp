// SPDX-License-Identifier: Apache-2.0
//
// What the preload's constructor will call. To go as soon as it does.
#include "preload/foreign/chroot.h"
#include "preload/foreign/environment.h"
#include "statistics/shared_statistics.h"

namespace {

[[gnu::constructor(102)]] void begin(int, char** words, char** environment) noexcept {
    if (ibid::preload::leaves_children_alone(environment, words))
        ibid::preload::remove_preload(environment);
    ibid::preload::find_next_chroot();
    ibid::shared_statistics::open_at_load(ibid::preload::variable(environment, "IBID_STATISTICS"));
}

} // namespace
