// SPDX-License-Identifier: Apache-2.0
//
// One libcrypto in this process, the libssl that belongs to it, and all that ibid keeps for the two.
//
// Law: objects of two libcryptos never meet: each has a function table, entry points and caches of its own. A
// libcrypto is found when modules are scanned (scan/scan.h), is set up at its first use, and stays for as
// long as the process: one that might be unloaded is never taken. While one thread sets it up, others are
// served as if ibid were not there: setting up takes OpenSSL's locks, and so must not be waited for by
// somebody who may hold them.
#pragma once

#include <openssl/types.h>

#include <array>
#include <atomic>

#include "openssl/binding/extent.h"
#include "openssl/binding/functions.h"
#include "openssl/binding/settings.h"
#include "openssl/binding/unwaited_mutex.h"
#include "openssl/binding/verify_hook.h"
#include "openssl/certificates/certificate_cache.h"
#include "openssl/modules/loads.h"
#include "openssl/trust/trust_store.h"
#include "statistics/shared_statistics.h"

namespace ibid::openssl {

class libcrypto {
public:
    // As many as one process can have under ibid; a further one is left alone.
    static constexpr unsigned most = 4;

    constexpr libcrypto() = default;
    libcrypto(const libcrypto&) = delete;
    libcrypto& operator=(const libcrypto&) = delete;

    // The one with this number; add() has returned it.
    [[nodiscard]] static libcrypto& at(unsigned number) noexcept { return all[number]; }
    [[nodiscard]] static unsigned count() noexcept { return added.load(std::memory_order_acquire); }
    // The first one that was found, nearly always the only one; null before that.
    [[nodiscard]] static libcrypto* any() noexcept { return count() != 0 ? &all[0] : nullptr; }

    template <class Function>
    static void for_each(Function f) noexcept {
        const unsigned n = count();
        for (unsigned i = 0; i < n; ++i) {
            f(all[i]);
        }
    }

    // Adds one; null: there are too many, or it is of a kind that ibid does not know. Only by one thread at a
    // time: who scans modules, or the program's own first call. No system call, no memory.
    // `path`: of its file; it stays.
    static libcrypto* add(const functions& found, extent where, bool symbolic, const char* path) noexcept;

    // The functions of libcrypto itself, and of its libssl once that was found.
    functions f;

    [[nodiscard]] unsigned number() const noexcept { return static_cast<unsigned>(this - all.data()); }
    [[nodiscard]] const extent& place() const noexcept { return f.libcrypto; }

    // Calls inside this libcrypto stay inside (-Bsymbolic): what it does for itself is intercepted one step
    // further out.
    [[nodiscard]] bool symbolic() const noexcept { return symbolic_; }

    // Where such a libcrypto can be asked to let ibid check a chain's links.
    [[nodiscard]] const verify_hook& verification_hook() const noexcept { return verify_hook_; }

    // Its libssl, and the two functions in it that parse what a program presents as its own.
    void set_libssl(const functions& found, extent place, extent use_certificate,
                    extent use_certificate_ctx) noexcept;
    [[nodiscard]] const extent& libssl() const noexcept { return libssl_; }
    [[nodiscard]] bool parses_own(const void* code) const noexcept {
        return own_parsers_[0].contains(code) || own_parsers_[1].contains(code);
    }

    // The two places in libssl that parse a peer's certificate: a client's and a server's. Nothing in a call
    // tells which it is; the verification that follows does. Until then, both count as a server's.
    void learn_parser(const void* code, bool of_server) noexcept {
        if (of_server) {
            server_parser_.store(code, std::memory_order_relaxed);
        }
        const void* const server = server_parser_.load(std::memory_order_relaxed);
        const void* const client = client_parser_.load(std::memory_order_relaxed);
        const void* const now = !of_server && code != server ? code : client != server ? client : nullptr;
        if (now != client) {
            client_parser_.store(now, std::memory_order_relaxed);
        }
    }
    [[nodiscard]] bool is_clients_parser(const void* code) const noexcept {
        return client_parser_.load(std::memory_order_relaxed) == code;
    }

    // For a call that may share something: the first one sets up. Null while nothing is shared here:
    // IBID_DISABLE, another thread is setting up, a reason not to (why_disabled), or the program is just
    // loading a module.
    [[nodiscard]] certificate_cache* certificates() noexcept {
        if (modules::loading()) {
            return nullptr;
        }
        certificate_cache* const made = made_certificates();
        return made != nullptr || state_.load(std::memory_order_acquire) != state::ready ? made
                                                                                         : set_up_first();
    }
    [[nodiscard]] trust_store_cache* trust_stores() noexcept {
        return certificates() != nullptr && !has_writer() && !leaves_files()
                   ? trust_stores_.load(std::memory_order_acquire)
                   : nullptr;
    }

    // For a call that concerns what is shared already: null, too, when nothing was. Setting up allocates
    // OpenSSL's memory, and a program may choose the functions for that (CRYPTO_set_mem_functions) as long as
    // nobody has.
    [[nodiscard]] certificate_cache* made_certificates() const noexcept {
        return is_stranded() ? nullptr : certificates_.load(std::memory_order_acquire);
    }
    // The same after it was disabled: for what several hold still.
    [[nodiscard]] certificate_cache* certificates_ever() const noexcept {
        return all_certificates_.load(std::memory_order_acquire);
    }
    [[nodiscard]] trust_store_cache* trust_stores_ever() const noexcept {
        return all_trust_stores_.load(std::memory_order_acquire);
    }

    // From now on nothing is shared any more in this process, for good; what is shared stays with its
    // holders. `why`: static text. Before whatever makes it necessary. May be called while modules are
    // scanned: it takes ibid's locks alone then.
    void disable(const char* why) noexcept;
    [[nodiscard]] const char* why_disabled() const noexcept { return why_.load(std::memory_order_acquire); }

    // A module of the program may write to what it gets: nothing is shared with it from now on. What it may
    // have had before is exchanged (interpose/private_objects.h).
    void set_has_writer() noexcept;
    [[nodiscard]] bool has_writer() const noexcept { return has_writer_.load(std::memory_order_acquire); }
    // Trust files are OpenSSL's alone: what a path leads to is said by a function of another module's
    // (modules/file_functions.h).
    void leave_files() noexcept { leaves_files_.store(true, std::memory_order_release); }
    [[nodiscard]] bool leaves_files() const noexcept { return leaves_files_.load(std::memory_order_acquire); }
    // The same for a module that may put data beside it: some modules get objects of their own.
    void set_gives_own_objects() noexcept { gives_own_objects_.store(true, std::memory_order_release); }
    [[nodiscard]] bool gives_own_objects() const noexcept {
        return gives_own_objects_.load(std::memory_order_acquire);
    }
    // Each pointer into a certificate that the program gets is noted (certificate_cache::expose). Once false,
    // it stays so.
    void set_sees_exposures(bool sees) noexcept { sees_exposures_.store(sees, std::memory_order_release); }
    // Algorithms may change without a call that ibid sees: no signature is remembered any more.
    void set_algorithms_unknown() noexcept { algorithms_unknown_.store(true, std::memory_order_release); }
    [[nodiscard]] bool remembers_signatures() const noexcept {
        return !algorithms_unknown_.load(std::memory_order_acquire);
    }
    // A key that is retained would hold what a provider of the program's or a module's has made for it: the
    // provider would never end, or run full. Nothing is retained from now on.
    void stop_retaining();
    // A module of the program lists the entries of a store's CRL.
    void set_lists_crls() noexcept { lists_crls_.store(true, std::memory_order_release); }
    [[nodiscard]] bool lists_crls() const noexcept { return lists_crls_.load(std::memory_order_acquire); }

    // A thread has made `context` its default. Indices of ex_data are numbered anew in each context: unless
    // ibid's numbers are taken there, too, the program gets them for data of its own, and each takes the
    // other's for its own.
    void keep_indices_apart(const OSSL_LIB_CTX* context) noexcept;
    void forget_indices(const OSSL_LIB_CTX* context) noexcept; // it is about to be freed

    // OpenSSL ends, and will tell of no certificate that is freed from now on: nothing is found any more.
    // What is retained stays so; the process ends.
    void shutdown() noexcept;

    // Counts from now on in the process's published counters. And: something was counted.
    void claim_counters() noexcept;
    void publish() noexcept { shared_statistics::publish(row_); }

    // Around fork() in a process of several threads, on one thread and in this order: nobody may be inside
    // the tables then, as the child would inherit their locks held for ever.
    void lock_for_fork() noexcept;
    void forget_all_in_child() noexcept; // in the child alone
    void unlock_after_fork() noexcept;

private:
    static std::array<libcrypto, most> all;
    // Release, when the one below it is complete; acquire in count().
    static constinit inline std::atomic<unsigned> added{0};

    [[nodiscard]] certificate_cache* set_up_first() noexcept;
    [[nodiscard]] const char* set_up();
    [[nodiscard]] bool hears_of_end() const;
    template <class Stop>
    void leave(Stop stop) noexcept;

    extent libssl_;
    std::array<extent, 2> own_parsers_;
    std::atomic<const void*> client_parser_{nullptr}; // hints: relaxed
    std::atomic<const void*> server_parser_{nullptr};
    bool symbolic_ = false;
    verify_hook verify_hook_; // written in set_up(), before certificates() is there
    const char* path_ = nullptr;
    shared_statistics::row* row_ = nullptr;
    cache_counters counters_;
    counter_block* file_counters_ = nullptr;
    // `ready` is stored with release, and read with acquire.
    enum class state : unsigned char { absent, ready, begun };
    std::atomic<state> state_{state::absent};
    std::atomic<const char*> why_{nullptr};
    std::atomic<bool> has_writer_{false};
    std::atomic<bool> gives_own_objects_{false};
    std::atomic<bool> leaves_files_{false};
    std::atomic<bool> algorithms_unknown_{false};
    std::atomic<bool> lists_crls_{false};
    std::atomic<bool> retains_{true}; // relaxed: says only whether somebody has begun to stop it
    std::atomic<bool> sees_exposures_{false};
    std::atomic<certificate_cache*> certificates_{
        nullptr}; // release when complete, pairs with made_certificates()
    std::atomic<trust_store_cache*> trust_stores_{nullptr}; // the same
    // Protects the way from what follows into the two above, too; held around fork(). Nothing of OpenSSL's
    // runs under it, and no lock of ibid's is asked for but in lock_for_fork().
    unwaited_mutex changes_;
    // The same, once more, for good: OpenSSL goes on calling them when nothing is shared any more.
    std::atomic<certificate_cache*> all_certificates_{nullptr}; // release, pairs with certificates_ever()
    std::atomic<trust_store_cache*> all_trust_stores_{nullptr}; // the same
    // What was made, also where nothing came to be shared: OpenSSL has its callbacks, so it stays. Of the
    // thread that sets up.
    std::array<const void*, 2> made_{};
    struct apart { // a context in which ibid's indices are taken
        const OSSL_LIB_CTX* context;
        apart* next;
    };
    apart* apart_ IBID_GUARDED_BY(changes_) = nullptr;
    bool gone_ IBID_GUARDED_BY(changes_) = false; // nothing is published from now on
    std::atomic<bool> left_{false};               // and nothing is found any more; release, when that is so
};

} // namespace ibid::openssl
