// SPDX-License-Identifier: Apache-2.0
//
// The constructor of libibid_preload.so, which runs before any other code of the program. The logic is in
// src/openssl.
#include <unistd.h>

#include "openssl/api/process.h"
#include "openssl/binding/one_thread.h"
#include "preload/foreign/early_code.h"
#include "preload/foreign/environment.h"
#include "preload/older_glibc/files.h"
#include "preload/older_glibc/threads.h"
#include "statistics/shared_statistics.h"

namespace {

// In another root directory the preload's path does not exist, and the loader would print an error for each
// program that is started there.
void after_chroot() noexcept {
    ibid::preload::remove_preload(environ, !ibid::openssl::has_one_thread());
}

void begin(char** words, char** environment) noexcept {
    using namespace ibid;
    if (preload::runs_too_early()) {
        return;
    }
    if (preload::leaves_children_alone(environment, words)) {
        preload::remove_preload(environment, false);
    }
    older_glibc::find_own_fstat();
    shared_statistics::open_at_load(preload::variable(environment, "IBID_STATISTICS"));
    openssl::process::start(preload::is_excluded(environment, words) ? "IBID_EXCLUDE names this program"
                                                                     : older_glibc::why_not(),
                            &after_chroot);
}

#ifdef __GLIBC__
// glibc passes these arguments to constructors. This one runs before the C library's own constructor
// (initfirst), which sets `environ`.
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
