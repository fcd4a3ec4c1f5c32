// SPDX-License-Identifier: Apache-2.0
//
// libibid_preload.so begins here, before any other code of the program's. No logic: src/openssl has it.
#include <unistd.h>

#include "openssl/api/process.h"
#include "preload/foreign/early_code.h"
#include "preload/foreign/environment.h"
#include "preload/older_glibc/files.h"
#include "preload/older_glibc/threads.h"
#include "statistics/shared_statistics.h"

namespace {

// In another root directory the preload's path leads nowhere, and the loader would print that for each
// program that is started there.
void after_chroot() noexcept {
    ibid::preload::remove_preload(environ);
}

void begin(char** words, char** environment) noexcept {
    using namespace ibid;
    if (preload::runs_too_early()) {
        return;
    }
    if (preload::leaves_children_alone(environment, words)) {
        preload::remove_preload(environment);
    }
    older_glibc::find_own_fstat();
    shared_statistics::open_at_load(preload::variable(environment, "IBID_STATISTICS"));
    openssl::process::start(preload::is_excluded(environment, words) ? "IBID_EXCLUDE names this program"
                                                                     : older_glibc::why_not(),
                            &after_chroot);
}

#ifdef __GLIBC__
// As glibc calls constructors. This one runs before the C library's own (initfirst), which sets `environ`.
[[gnu::constructor(101)]] void load(int, char** words, char** environment) noexcept {
    if (environ == nullptr) {
        environ = environment;
    }
    begin(words, environment);
}
#else
[[gnu::constructor(101)]] void load() noexcept {
    begin(nullptr, environ);
}
#endif

} // namespace
