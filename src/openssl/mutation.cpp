// SPDX-License-Identifier: Apache-2.0
#include "mutation.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <dlfcn.h>
#include <unistd.h>

#include "settings.h"
#include "uncancelled.h"

namespace ibid::openssl {

void tell_mutation(const void* code, const char* what) noexcept {
    const mutation_setting setting = environment().on_mutate;
    if (setting == mutation_setting::detach) {
        return;
    }
    const uncancelled all_of_this;
    const int error = errno;
    Dl_info info{};
    const bool known = dladdr(code, &info) != 0 && info.dli_fname != nullptr;
    const auto offset = known ? static_cast<const char*>(code) - static_cast<const char*>(info.dli_fbase) : 0;
    char line[512];
    const int length =
        std::snprintf(line, sizeof line, "ibid: %s+0x%tx writes to a shared %s; it is shared no longer\n",
                      known ? info.dli_fname : "code at an unknown place", offset, what);
    // One write, so that lines of several threads do not mix; a full or closed standard error loses the line.
    (void)!write(STDERR_FILENO, line,
                 length < static_cast<int>(sizeof line) ? static_cast<std::size_t>(length) : sizeof line);
    errno = error;
    if (setting == mutation_setting::abort) {
        std::abort();
    }
}

} // namespace ibid::openssl
