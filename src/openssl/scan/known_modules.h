// SPDX-License-Identifier: Apache-2.0
//
// What scans know about the modules of this process.
//
// Law: read and written in a scan, under the dynamic linker's lock, except where a comment says otherwise.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include "intercepted_names.h"
#include "openssl/instance/libcrypto.h"
#include "openssl/modules/elf_module.h"
#include "openssl/modules/module_class.h"

namespace ibid::openssl::modules {

inline constexpr const char* changes_parsing =
    "the program changes how OpenSSL parses keys or finds algorithms (default methods, name tables)";

struct seen_module {
    const void* dynamic = nullptr;
    const void* start = nullptr;
    bool searched = false; // for definitions
    bool patched = false;
    bool deep_binding = false; // opened with RTLD_DEEPBIND, or that is not known
    [[nodiscard]] bool is(const elf_module& m) const noexcept {
        return dynamic == m.dynamic() && start == m.place().start;
    }
};

struct known_modules {
    // Modules beyond this number are read again in each scan.
    std::array<seen_module, 1024> seen{};
    std::size_t count = 0;
    unsigned long long unloaded = 0; // as dl_iterate_phdr counts them, when `seen` was right
    unsigned long long loaded = 0;
    // The address of each intercepted function in each libcrypto and its libssl.
    std::array<std::array<void*, interpose::function_count>, libcrypto::most> targets{};
    // A module that is neither ibid nor a libcrypto or libssl defines it: an interposer.
    std::array<bool, interpose::function_count> defined_elsewhere{};
    // The highest class of the program's modules, for each libcrypto.
    std::array<module_class, libcrypto::most> classes{};
    std::array<bool, libcrypto::most> unwatched{};
    std::array<bool, libcrypto::most> exposes_unseen{};
    std::atomic<bool> has_search_paths{false}; // some module has
    bool intercepts = false;                   // OpenSSL's functions, and the dynamic linker's
    bool at_load = false;                      // the modules of this scan were loaded with the program
    // How many libcryptos were loaded with the program; they are the first ones.
    unsigned with_program = 0;

    // `deep_binding`: for a new module.
    [[nodiscard]] seen_module* entry(const elf_module& m, bool deep_binding) noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            if (seen[i].is(m)) {
                return &seen[i];
            }
        }
        if (count == seen.size()) {
            return nullptr;
        }
        seen[count] = {m.dynamic(), m.place().start, false, false, deep_binding};
        return &seen[count++];
    }
};

extern constinit known_modules known;

// What a scan has found and must be handled outside of the linker's lock. One for each libcrypto.
struct consequences {
    std::array<const char*, libcrypto::most> disable{};
    std::array<bool, libcrypto::most> alters_algorithms{};
};

struct scan_state {
    bool new_modules = true;
    bool deep_binding = false; // the new modules were opened with RTLD_DEEPBIND, or that is not known
    bool looked_up = false;    // the program has looked up a function that writes
    unsigned found = 0;        // new libcryptos
    bool class_has_risen = false;
    // Some module gets objects without ibid seeing it; gets pointers into them without ibid seeing it; got
    // some during its load.
    std::array<bool, libcrypto::most> unwatched{};
    std::array<bool, libcrypto::most> exposes_unseen{};
    std::array<bool, libcrypto::most> may_have_exposed{};
    consequences then;
};

// ibid's own modules, which are not scanned.
[[nodiscard]] bool is_own(const elf_module& m) noexcept;

// Finds in a module the libcryptos, their libssl, and definitions of intercepted functions elsewhere.
void find_definitions(const elf_module& m, scan_state& state) noexcept;

// The class of a module applies to the whole program, because one module may get an object and another write
// to it.
void classify(const elf_module& m, scan_state& state) noexcept;

// Puts entry points into the module's slots. False: the dynamic linker has not finished relocating the
// module; the next scan tries again.
[[nodiscard]] bool patch(const elf_module& m, bool deep_binding, scan_state& state) noexcept;

} // namespace ibid::openssl::modules
