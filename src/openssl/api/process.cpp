// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include <cstdlib>

#include <pthread.h>

#include "ibid/hash.h"
#include "openssl/binding/forked_child.h"
#include "openssl/binding/one_thread.h"
#include "openssl/binding/settings.h"
#include "openssl/binding/stranded_child.h"
#include "openssl/instance/libcrypto.h"
#include "openssl/interpose/private_objects.h"
#include "openssl/modules/linker_functions.h"
#include "openssl/scan/scan.h"

namespace ibid::openssl::process {

namespace {

// Written by before_fork(), read by the two other handlers, on the same thread.
constinit thread_local bool locked = false;
constinit thread_local bool stranded = false;

// With one thread, that thread is in fork() and in no function of ibid: no lock is held, and no object is
// being changed.
void before_fork() noexcept {
    stranded = is_stranded();
    locked = !has_one_thread() && !stranded;
    if (locked) {
        modules::lock_for_fork();
        libcrypto::for_each([](libcrypto& l) { l.lock_for_fork(); });
        interpose::lock_for_fork();
    }
}

void after_fork() noexcept {
    if (locked) {
        interpose::unlock_after_fork();
        libcrypto::for_each([](libcrypto& l) { l.unlock_after_fork(); });
        modules::unlock_after_fork();
    }
}

// Another thread of the parent may have been changing any object; then its lock is held for ever in the
// child.
void in_child() noexcept {
    if (locked) {
        libcrypto::for_each([](libcrypto& l) { l.forget_all_in_child(); });
    }
    after_fork();
    if (!stranded) { // otherwise this child is stranded, too
        stranded_child::forget();
    }
    forked_child::begin();
}

// Registered before the program's own handlers: so ibid takes its locks after their last prepare handler, and
// releases the locks before the first of them runs again. They may use OpenSSL, or wait for a thread that
// does. But registered after those of an allocator (jemalloc, tcmalloc), which registers them at its first
// allocation: a thread that allocates while it holds a lock of ibid must be able to finish and release that
// lock.
void attend_forks() noexcept {
    void* volatile const first = std::malloc(1); // volatile, or the compiler leaves the pair out
    std::free(first);
    pthread_atfork(&before_fork, &after_fork, &in_child);
}

} // namespace

void start(const char* excluded, void (*after_chroot)() noexcept) noexcept {
    const char* const why = environment().disabled ? "IBID_DISABLE is set" : excluded;
    if (why == nullptr) {
        tells_one_thread = static_cast<const char*>(modules::first_definition("__libc_single_threaded"));
        start_linked();
    }
    modules::scan_at_load(why, after_chroot);
}

void start_linked() noexcept {
    (void)environment();
    (void)detail::process_secret(); // a system call, which a sandbox may forbid later
    stranded_child::prepare();
    attend_forks();
}

} // namespace ibid::openssl::process
