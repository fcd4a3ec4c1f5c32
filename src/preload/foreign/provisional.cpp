// SPDX-License-Identifier: Apache-2.0
//
// What the preload's constructor will call. To go as soon as load.cpp does.
#include "preload/foreign/chroot.h"
#include "preload/foreign/environment.h"
#include "statistics/shared_statistics.h"

#include <unistd.h>

#pragma GCC diagnostic ignored "-Wprio-ctor-dtor"

namespace {

constinit char disable[] = "IBID_DISABLE=1";
constinit char* disabled[] = {disable, nullptr};

// Before load.cpp reads the settings: with -z initfirst, libc has not been given the environment yet.
[[gnu::constructor(100)]] void before(int, char** words, char** environment) noexcept {
    environ = environment;
    if (ibid::preload::leaves_children_alone(environment, words))
        ibid::preload::remove_preload(environment);
    ibid::preload::find_next_chroot();
    ibid::shared_statistics::open_at_load(ibid::preload::variable(environment, "IBID_STATISTICS"));
    if (ibid::preload::is_excluded(environment, words))
        environ = disabled;
}

[[gnu::constructor(102)]] void after(int, char**, char** environment) noexcept {
    environ = environment;
}

} // namespace
