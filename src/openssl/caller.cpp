// SPDX-License-Identifier: Apache-2.0
#include "caller.h"

#include <array>
#include <atomic>
#include <cstring>
#include <mutex>

#include <dlfcn.h>
#include <link.h>

#include "uncancelled.h"

namespace ibid::openssl {

namespace {

// Code that has called, and what was found out about it. Any code of a module stands for all of it; in libssl, where it
// matters which function calls, each call is known by its own address. A module is identified by its link map and its
// place: one that is unloaded and another that is loaded there by chance differ in one of these, or are the same file again.
struct known_caller {
    const link_map* map;
    const void* start;
    const void* end;
    const void* code; // null: all of the module
    caller answer;
};

// Filled from the front, never emptied. A reader sees `count` first (acquire), then only complete records; the release is
// in remember().
class known_callers {
public:
    [[nodiscard]] const known_caller* find(const dl_find_object& object, const void* code) const noexcept {
        const std::size_t n = count_.load(std::memory_order_acquire);
        for (std::size_t i = 0; i < n; ++i) {
            const known_caller& k = callers_[i];
            if (k.map == object.dlfo_link_map && k.start == object.dlfo_map_start &&
                k.end == object.dlfo_map_end && (k.code == nullptr || k.code == code)) {
                return &k;
            }
        }
        return nullptr;
    }

    void remember(const known_caller& k) noexcept {
        // Somebody else is at it: then this caller is looked up once more. In the child of a fork that may be for ever.
        const std::unique_lock lock(mutex_, std::try_to_lock);
        if (!lock.owns_lock()) {
            return;
        }
        const std::size_t n = count_.load(std::memory_order_relaxed);
        if (n < callers_.size()) { // more callers than this in one program are looked up at every call
            callers_[n] = k;
            count_.store(n + 1, std::memory_order_release);
            if (k.map->l_name[0] == '\0' && k.code == nullptr) {
                program_.store(&callers_[n], std::memory_order_release);
            }
        }
    }

    // The program itself is never unloaded: its place alone tells. Null: `code` is none of it, or it has not called yet.
    [[nodiscard]] const known_caller* find_in_program(const void* code) const noexcept {
        const known_caller* const program = program_.load(std::memory_order_acquire);
        return program != nullptr && extent{program->start, program->end}.contains(code) ? program : nullptr;
    }

private:
    std::array<known_caller, 128> callers_{};
    std::atomic<std::size_t> count_{0};
    std::atomic<const known_caller*> program_{nullptr}; // release when complete, pairs with find_in_program()
    std::mutex mutex_;                                  // protects additions
};

constinit known_callers callers;

// The two functions of libssl that parse what an application presents as its own. Both are exported, so that the dynamic
// symbol table tells whether an address lies in one of them.
[[nodiscard]] bool parses_for_application(const void* code) noexcept {
    Dl_info info{};
    return dladdr(code, &info) != 0 && info.dli_sname != nullptr &&
           (std::strcmp(info.dli_sname, "SSL_CTX_use_certificate_ASN1") == 0 ||
            std::strcmp(info.dli_sname, "SSL_use_certificate_ASN1") == 0);
}

[[nodiscard]] extent place_of(const dl_find_object& object) noexcept {
    return {object.dlfo_map_start, object.dlfo_map_end};
}

// The d2i_X509 that code of `module` would reach without ibid, and where it lies. A program that has no OpenSSL of its own
// finds only ibid's in its scope, which is none.
[[nodiscard]] bool find_crypto(void* module, dl_find_object& crypto) noexcept {
    dl_find_object ours{};
    (void)_dl_find_object(reinterpret_cast<void*>(&find_crypto), &ours);
    for (void* const scope : {RTLD_NEXT, module}) {
        void* const d2i = scope != nullptr ? dlvsym(scope, "d2i_X509", "OPENSSL_3.0.0") : nullptr;
        if (d2i != nullptr && _dl_find_object(d2i, &crypto) == 0 &&
            crypto.dlfo_link_map != ours.dlfo_link_map) {
            return true;
        }
    }
    return false;
}

[[nodiscard]] caller find_out(const dl_find_object& object) noexcept {
    const uncancelled all_of_this;
    const char* const name = object.dlfo_link_map->l_name;
    // RTLD_NOLOAD: the module is there, since it calls. The handle is closed again: ibid keeps no module of the program.
    void* const module = dlopen(name[0] != '\0' ? name : nullptr, RTLD_LAZY | RTLD_NOLOAD);
    caller found;
    dl_find_object crypto{};
    if (find_crypto(module, crypto)) {
        // This handle is kept: ibid holds the function table of this libcrypto, and OpenSSL never unloads itself either.
        if (void* const handle = dlopen(crypto.dlfo_link_map->l_name, RTLD_LAZY | RTLD_NOLOAD)) {
            found.of = library::get(crypto.dlfo_link_map, handle, place_of(crypto));
        }
    }
    if (found.of == nullptr) {
        // Code that could not have called without ibid, and yet seems to: a tail call in a library has left the address of
        // its own caller. There is nearly always one libcrypto in a process, and it is the one.
        found.of = library::any();
    } else if (crypto.dlfo_link_map == object.dlfo_link_map) {
        found.kind = caller_kind::libcrypto;
    } else if (module != nullptr && std::strstr(name, "libssl") != nullptr) {
        // By its name and by what it is: a program in a folder called "libssl" is none.
        const void* const new_context = dlsym(module, "SSL_CTX_new");
        found.kind = place_of(object).contains(new_context) ? caller_kind::libssl : caller_kind::application;
    }
    if (module != nullptr) {
        dlclose(module);
    }
    return found;
}

} // namespace

caller caller_outside(const void* code) noexcept {
    if (const known_caller* const program = callers.find_in_program(code)) {
        return program->answer;
    }
    dl_find_object object{};
    if (_dl_find_object(const_cast<void*>(code), &object) != 0) {
        return {library::any(), caller_kind::application}; // code that was made at run time; nothing to go by
    }
    if (const known_caller* const known = callers.find(object, code)) {
        return known->answer;
    }
    // Outside every lock of ibid: this takes the dynamic linker's, which another thread may hold while a constructor of a
    // library that it loads calls us.
    caller found = find_out(object);
    const bool libssl = found.kind == caller_kind::libssl;
    if (libssl && parses_for_application(code)) {
        found.kind = caller_kind::application;
    }
    if (found.of != nullptr) {
        callers.remember({object.dlfo_link_map, object.dlfo_map_start, object.dlfo_map_end,
                          libssl ? code : nullptr, found});
    }
    return found;
}

} // namespace ibid::openssl
