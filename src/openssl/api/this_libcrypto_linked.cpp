// SPDX-License-Identifier: Apache-2.0
#include "openssl/binding/one_thread.h"
#include "process.h"
#include "this_libcrypto.h"

extern "C" __attribute__((weak)) char __libc_single_threaded; // NOLINT(bugprone-reserved-identifier)

namespace ibid::openssl {

libcrypto* this_libcrypto() noexcept {
    static libcrypto* const linked = [] {
        tells_one_thread = &__libc_single_threaded;
        process::start_linked();
        static functions f; // not on the stack, where it would be the largest of all
#define IBID_TAKE(name) f.name = &::name;
        IBID_OPENSSL_FUNCTIONS(IBID_TAKE)
        IBID_OPENSSL_DECODERS(IBID_TAKE)
#if OPENSSL_VERSION_MAJOR < 4
        IBID_OPENSSL_END(IBID_TAKE)
#endif
#undef IBID_TAKE
        libcrypto* const added = libcrypto::add(f, {}, true, nullptr);
        if (added != nullptr) {
            added->claim_counters();
        }
        return added;
    }();
    return linked;
}

} // namespace ibid::openssl
