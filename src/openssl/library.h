// SPDX-License-Identifier: Apache-2.0
//
// One libcrypto in this process, with all that ibid keeps for it.
//
// Law: objects of two libcryptos never meet: each has a function table and caches of its own, found from the code that
// calls (caller.h). A library is set up at its first use and lives as long as the process. While one thread sets it up, the
// others are served as if ibid were not there: setting up takes the dynamic linker's and OpenSSL's locks, and so must not
// be waited for by somebody who may hold them.
#pragma once

#include <openssl/types.h>

#include <array>
#include <atomic>
#include <mutex>

#include "certificate_cache.h"
#include "chain_links.h"
#include "functions.h"
#include "settings.h"
#include "trust_store.h"

namespace ibid::openssl {

// Where a module lies that stays loaded; nowhere, if that is not known.
struct extent {
    const void* start = nullptr;
    const void* end = nullptr;
    [[nodiscard]] bool contains(const void* address) const noexcept {
        return start <= address && address < end;
    }
};

class library {
public:
    // The libcrypto behind `handle` (of dlopen; kept). Null: no memory. `identity` tells libcryptos apart.
    [[nodiscard]] static library* get(const void* identity, void* handle, extent where = {}) noexcept;
    [[nodiscard]] static library* get(const void* identity, const functions& found,
                                      extent where = {}) noexcept;

    // The one that `code` is part of, or null.
    [[nodiscard]] static library* around(const void* code) noexcept {
        library* l = first();
        while (l != nullptr && !l->where_.contains(code)) {
            l = l->next_;
        }
        return l;
    }

    // The first one that was seen, nearly always the only one; null before that.
    [[nodiscard]] static library* any() noexcept;

    // Every library so far, for what concerns all of them.
    template <class Function>
    static void for_each(Function f) noexcept {
        for (library* l = first(); l != nullptr; l = l->next_) {
            f(*l);
        }
    }

    // The functions of libcrypto itself. All there, unless the library is of another kind than ibid knows: then there are
    // no caches, and of the functions those that the program itself could have called.
    const functions f;

    // Whether this is a version that ibid knows, with all that it needs.
    [[nodiscard]] bool known() const noexcept;

    // Calls inside this libcrypto stay inside (-Bsymbolic): what it does for itself is met one border further out.
    [[nodiscard]] bool symbolic() const noexcept { return symbolic_; }

    // Where such a libcrypto can be asked to let ibid check a chain's links.
    [[nodiscard]] const chain_links& links() const noexcept { return links_; }

    // For a call that may share something: the first one sets up. Null while ibid stands aside for this library: unknown
    // version, functions missing, IBID_DISABLE, or another thread is setting up.
    [[nodiscard]] certificate_cache* certificates() noexcept {
        certificate_cache* const made = made_certificates();
        return made != nullptr || state_.load(std::memory_order_acquire) != state::ready ? made
                                                                                         : set_up_first();
    }
    [[nodiscard]] trust_store_cache* trust_stores() noexcept {
        return certificates() != nullptr ? made_trust_stores() : nullptr;
    }

    // For a call that concerns what is shared already: null, too, when nothing was. Setting up allocates OpenSSL's memory,
    // and a program may choose the functions for that (CRYPTO_set_mem_functions) as long as nobody has.
    [[nodiscard]] certificate_cache* made_certificates() const noexcept {
        return certificates_.load(std::memory_order_acquire);
    }
    [[nodiscard]] trust_store_cache* made_trust_stores() const noexcept {
        return trust_stores_.load(std::memory_order_acquire);
    }

    // The same after it has stood aside: for what is in several hands still.
    [[nodiscard]] certificate_cache* certificates_ever() const noexcept {
        return all_certificates_.load(std::memory_order_acquire);
    }
    [[nodiscard]] trust_store_cache* trust_stores_ever() const noexcept {
        return all_trust_stores_.load(std::memory_order_acquire);
    }

    // A thread gets a default library context of its own, and OpenSSL may then free certificates without telling ibid
    // (certificate_cache::in_default_context); or the program wants to be told of every certificate itself. From then on
    // nothing is shared any more in this process, for good. Before the change.
    void stand_aside() noexcept;

    // A thread has made `context` its default. Indices of ex_data are numbered anew in each context: unless ibid's numbers are taken
    // there, too, the program gets them for data of its own, and each takes the other's for its own.
    void keep_indices_apart(const OSSL_LIB_CTX* context) noexcept;
    void forget_indices(const OSSL_LIB_CTX* context) noexcept; // it is about to be freed

    // OpenSSL ends, and will tell of no certificate that is freed from now on: nothing is found any more. What the afterlife
    // keeps stays with it; the process ends.
    void end() noexcept;

    // Around fork(), on one thread and in this order: nobody may be inside the tables then, as the child would inherit their
    // locks held for ever.
    void lock_for_fork() noexcept;
    void forget_other_threads() noexcept; // in the child alone
    void unlock_after_fork() noexcept;

private:
    library(const void* identity, const functions& found, extent where) noexcept;

    // Only ever added, at the front, and never freed: a reader needs no lock. Release pairs with the acquire in first(): a
    // library that is seen is complete.
    static constinit inline std::atomic<library*> libraries{nullptr};
    [[nodiscard]] static library* first() noexcept { return libraries.load(std::memory_order_acquire); }
    [[nodiscard]] certificate_cache* set_up_first() noexcept;
    void claim_counters() noexcept;
    void set_up() noexcept;
    template <class Stop>
    void leave(Stop stop) noexcept;

    const void* identity_;
    const extent where_;
    const bool symbolic_;
    chain_links links_; // written in set_up(), before certificates() is there
    library* next_ = nullptr;
    cache_counters counters_;
    counter_block* file_counters_ = nullptr;
    // `ready` is stored with release, and read with acquire: the counters are there then.
    enum class state : unsigned char { counters_missing, ready, begun };
    std::atomic<state> state_{state::counters_missing};
    std::atomic<certificate_cache*> certificates_{
        nullptr}; // release when complete, pairs with made_certificates()
    std::atomic<trust_store_cache*> trust_stores_{nullptr}; // the same
    // Protects what follows, and the way from there into the two above; held around fork(). Nothing of OpenSSL's runs under
    // it, and no lock of ibid's is asked for but in lock_for_fork().
    std::mutex changes_;
    // The same, once more, for good: who stands aside has them still, and OpenSSL goes on calling them.
    std::atomic<certificate_cache*> all_certificates_{nullptr}; // release, pairs with certificates_ever()
    std::atomic<trust_store_cache*> all_trust_stores_{nullptr}; // the same
    // What was made, also where nothing came to be shared: OpenSSL has its callbacks, so it stays. Of the thread that sets up.
    std::array<const void*, 2> made_{};
    struct apart { // a context in which ibid's indices are taken
        const OSSL_LIB_CTX* context;
        apart* next;
    };
    apart* apart_ = nullptr;
    bool gone_ = false;             // nothing is published from now on
    std::atomic<bool> left_{false}; // and nothing is found any more; release, when that is so
};

} // namespace ibid::openssl
