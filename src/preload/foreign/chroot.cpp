// SPDX-License-Identifier: Apache-2.0
//
// See chroot.h. Exported as a hidden symbol (a single @) of glibc's own version: calls that were linked against glibc come here,
// and dlsym() gives what it gives without ibid.
#include "preload/foreign/chroot.h"

#include "preload/foreign/environment.h"

#include <atomic>

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define IBID_GLIBC_BASE "GLIBC_2.2.5"
#else
#define IBID_GLIBC_BASE "GLIBC_2.17"
#endif

namespace ibid::preload {
namespace {

using chroot_function = int(const char*);

// Stored by the constructor, before there is a second thread.
constinit std::atomic<chroot_function*> next_chroot{nullptr};

} // namespace

void find_next_chroot() noexcept {
    next_chroot.store(reinterpret_cast<chroot_function*>(::dlsym(RTLD_NEXT, "chroot")),
                      std::memory_order_relaxed);
}

} // namespace ibid::preload

#pragma GCC visibility push(default)
extern "C" {
__asm__(".symver ibid_chroot, chroot@" IBID_GLIBC_BASE);
int ibid_chroot(const char* path);
int ibid_chroot(const char* path) {
    auto* const next = ibid::preload::next_chroot.load(std::memory_order_relaxed);
    const int result = next != nullptr ? next(path) : static_cast<int>(::syscall(SYS_chroot, path));
    if (result == 0)
        ibid::preload::remove_preload(environ);
    return result;
}
}
#pragma GCC visibility pop
