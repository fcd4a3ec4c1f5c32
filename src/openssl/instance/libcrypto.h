// SPDX-License-Identifier: Apache-2.0
//
// One libcrypto in this process, the libssl that belongs to it, and all that ibid keeps for the two.
//
// Law: objects of two libcryptos are never mixed: each libcrypto has its own function table, entry points and
// caches. A libcrypto is found when modules are scanned (scan/scan.h), is set up at its first use, and stays
// until the process ends; ibid never uses one that might be unloaded. While one thread sets it up, calls of
// other threads run as in stock: the setup takes OpenSSL's locks, so a thread that may hold them must not
// wait for it.
#pragma once

#include <openssl/types.h>

#include <array>
#include <atomic>
#include <cstdint>

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
    // The most that ibid handles in one process; it does nothing with further ones.
    static constexpr unsigned most = 4;

    constexpr libcrypto() = default;
    libcrypto(const libcrypto&) = delete;
    libcrypto& operator=(const libcrypto&) = delete;

    // The libcrypto with this number, which add() has returned.
    [[nodiscard]] static libcrypto& at(unsigned number) noexcept { return all[number]; }
    [[nodiscard]] static unsigned count() noexcept { return added.load(std::memory_order_acquire); }
    // The first libcrypto that was found, nearly always the only one; null before that.
    [[nodiscard]] static libcrypto* any() noexcept { return count() != 0 ? &all[0] : nullptr; }

    template <class Function>
    static void for_each(Function f) noexcept {
        const unsigned n = count();
        for (unsigned i = 0; i < n; ++i) {
            f(all[i]);
        }
    }

    // Adds a libcrypto. Null: there are too many, or ibid does not know this kind. Called by one thread at a
    // time: in a scan, or in the program's own first call. No system call, no allocation. `path`: of its
    // file; the string must stay valid.
    static libcrypto* add(const functions& found, extent where, bool symbolic, const char* path) noexcept;

    // The functions of libcrypto, and of its libssl after that was found.
    functions f;

    [[nodiscard]] unsigned number() const noexcept { return static_cast<unsigned>(this - all.data()); }
    [[nodiscard]] const extent& place() const noexcept { return f.libcrypto; }

    // Calls inside this libcrypto cannot be intercepted (-Bsymbolic); the calls that enter it are intercepted
    // instead.
    [[nodiscard]] bool symbolic() const noexcept { return symbolic_; }

    // The hook by which ibid can check a chain's links.
    [[nodiscard]] const verify_hook& verification_hook() const noexcept { return verify_hook_; }

    // Its libssl, and the two functions in libssl that parse a certificate that the program presents.
    void set_libssl(const functions& found, extent place, extent use_certificate,
                    extent use_certificate_ctx) noexcept;
    [[nodiscard]] const extent& libssl() const noexcept { return libssl_; }
    [[nodiscard]] bool parses_own(const void* code) const noexcept {
        return own_parsers_[0].contains(code) || own_parsers_[1].contains(code);
    }

    // The two call sites in libssl that parse a peer's certificate, one for clients and one for servers. A
    // call does not tell which is which; the verification that follows does. Until then, both are treated as
    // a server's.
    void learn_parser(const void* code, bool of_server) noexcept {
        const void* const known = server_parser_.load(std::memory_order_relaxed);
        const void* const server = of_server ? code : known;
        if (server != known) { // a store would copy the page in each forked child
            server_parser_.store(server, std::memory_order_relaxed);
        }
        const void* const client = client_parser_.load(std::memory_order_relaxed);
        const void* const now = !of_server && code != server ? code : client != server ? client : nullptr;
        if (now != client) {
            client_parser_.store(now, std::memory_order_relaxed);
        }
    }
    [[nodiscard]] bool is_clients_parser(const void* code) const noexcept {
        return client_parser_.load(std::memory_order_relaxed) == code;
    }

    // For a call that may share something; the first such call does the setup. Null if nothing is shared:
    // IBID_DISABLE, another thread is setting up, ibid is disabled (why_disabled), or the program is loading
    // a module.
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

    // For a call that only concerns objects that are already shared; null if there are none. It does no
    // setup: that allocates OpenSSL memory, and a program may set its memory functions
    // (CRYPTO_set_mem_functions) only before the first allocation.
    [[nodiscard]] certificate_cache* made_certificates() const noexcept {
        return is_stranded() ? nullptr : certificates_.load(std::memory_order_acquire);
    }
    // The same after ibid was disabled: for shared objects that still have several holders.
    [[nodiscard]] certificate_cache* certificates_ever() const noexcept {
        return all_certificates_.load(std::memory_order_acquire);
    }
    [[nodiscard]] trust_store_cache* trust_stores_ever() const noexcept {
        return all_trust_stores_.load(std::memory_order_acquire);
    }

    // Permanently stops sharing in this process; shared objects stay with their holders. `why`: static text.
    // Call it before the event that requires it. May be called during a scan: then it takes only ibid's
    // locks.
    void disable(const char* why) noexcept;
    [[nodiscard]] const char* why_disabled() const noexcept { return why_.load(std::memory_order_acquire); }

    // A module of the program may write to certificates: from now on nothing is shared with the program.
    // Objects that it may already have are replaced (interpose/private_objects.h).
    void set_has_writer() noexcept;
    [[nodiscard]] bool has_writer() const noexcept { return has_writer_.load(std::memory_order_acquire); }
    // Only OpenSSL loads trust files, because another module interposes file functions
    // (modules/file_functions.h).
    void leave_files() noexcept { leaves_files_.store(true, std::memory_order_release); }
    [[nodiscard]] bool leaves_files() const noexcept { return leaves_files_.load(std::memory_order_acquire); }
    // The same for a module that may attach data: some modules get private objects.
    void set_gives_own_objects() noexcept { gives_own_objects_.store(true, std::memory_order_release); }
    [[nodiscard]] bool gives_own_objects() const noexcept {
        return gives_own_objects_.load(std::memory_order_acquire);
    }
    // Each pointer into a certificate that the program gets is noted (certificate_cache::expose). Once false,
    // it stays so.
    void set_sees_exposures(bool sees) noexcept { sees_exposures_.store(sees, std::memory_order_release); }
    // Algorithms may change without a call that ibid sees, so signatures are no longer remembered.
    void set_algorithms_unknown() noexcept { algorithms_unknown_.store(true, std::memory_order_release); }
    [[nodiscard]] bool remembers_signatures() const {
        return !algorithms_unknown_.load(std::memory_order_acquire) && !is_ending();
    }
    // OPENSSL_cleanup() has begun, and calls handlers of the program (OPENSSL_atexit): from now on OpenSSL
    // finds no algorithm, so that nothing verifies.
    [[nodiscard]] bool is_ending() const {
        constexpr std::uint64_t base_only = 0x00040000; // asks alone: OPENSSL_INIT_BASE_ONLY in crypto.h
        return f.OPENSSL_init_crypto(base_only, nullptr) == 0;
    }
    // From now on nothing is retained: a retained key would hold data that a provider of the program or of a
    // module has made for it, and the provider would never end, or run out of space.
    void stop_retaining();
    // A module of the program lists the entries of a store's CRL.
    void set_lists_crls() noexcept { lists_crls_.store(true, std::memory_order_release); }
    [[nodiscard]] bool lists_crls() const noexcept { return lists_crls_.load(std::memory_order_acquire); }

    // A thread has made `context` its default. Each context numbers ex_data indices from the beginning. So
    // ibid reserves its indices there, too; otherwise the program could get the same indices, and ibid and
    // the program would mistake each other's data.
    void keep_indices_apart(const OSSL_LIB_CTX* context) noexcept;
    void forget_indices(const OSSL_LIB_CTX* context) noexcept; // it is about to be freed

    // OpenSSL ends, and no longer reports freed certificates: from now on nothing is found. Retained objects
    // stay, because the process ends.
    void shutdown() noexcept;

    // Starts counting in the process's published counters; and notes that something was counted.
    void claim_counters() noexcept;
    void publish() noexcept { shared_statistics::publish(row_); }

    // Around fork() in a process with several threads; called on one thread and in this order. No other
    // thread may use the tables during the fork, because the child would inherit held locks.
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
    std::atomic<bool> retains_{true}; // relaxed: only says whether stopping has begun
    std::atomic<bool> sees_exposures_{false};
    std::atomic<certificate_cache*> certificates_{
        nullptr}; // release when complete, pairs with made_certificates()
    std::atomic<trust_store_cache*> trust_stores_{nullptr}; // the same
    // Also protects the publication of the members below into the two above; held around fork(). No OpenSSL
    // function runs under it, and no other lock of ibid is taken under it except in lock_for_fork().
    unwaited_mutex changes_;
    // Permanent copies of the same pointers, because OpenSSL continues to call the callbacks after sharing
    // has stopped.
    std::atomic<certificate_cache*> all_certificates_{nullptr}; // release, pairs with certificates_ever()
    std::atomic<trust_store_cache*> all_trust_stores_{nullptr}; // the same
    // What the setup has made, even if nothing is shared after all: OpenSSL has its callbacks, so it stays.
    // Used only by the thread that sets up.
    std::array<const void*, 2> made_{};
    struct apart { // a context in which ibid's indices are taken
        const OSSL_LIB_CTX* context;
        apart* next;
    };
    apart* apart_ IBID_GUARDED_BY(changes_) = nullptr;
    bool gone_ IBID_GUARDED_BY(changes_) = false; // nothing is published any more
    std::atomic<bool> left_{false};               // and nothing is found any more; release, when that is so
};

} // namespace ibid::openssl
