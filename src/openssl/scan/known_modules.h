// SPDX-License-Identifier: Apache-2.0
//
// What scans know about the modules of this process.
//
// Law: read and written in a scan, of which there is one at a time. The targets are also read by lookups,
// which may come before those of a new libcrypto are there.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "intercepted_names.h"
#include "openssl/instance/libcrypto.h"
#include "openssl/modules/elf_module.h"
#include "openssl/modules/module_class.h"

namespace ibid::openssl::modules {

inline constexpr const char* changes_parsing =
    "the program changes how OpenSSL parses keys or finds algorithms (default methods, name tables)";

// The steps of a scan. Each is done for all modules before the next one, in an iteration of its own.
enum class step : unsigned char { none, find_libcrypto, find_definitions, find_libssl, classify, patch };

struct seen_module {
    ElfW(Addr) base = 0;
    const ElfW(Phdr) * headers = nullptr;
    unsigned round = 0; // in which it was seen last
    step done = step::none;
    bool is_relocated = true;  // when it was classified
    bool deep_binding = false; // opened with RTLD_DEEPBIND, or that is not known
    bool is_global = false;    // in the scope of every module, or that is not known
    // A module with own definitions of intercepted functions may be in its scope.
    bool beside_definition = false;
    unsigned load = 0;       // the same for modules that were loaded together
    unsigned libcryptos = 0; // that were there when it came; no later one is in its scope
    // hash_of_file of the two names by which other modules may need it: its file's, and its own.
    std::uint32_t file_hash = 0;
    std::uint32_t soname_hash = 0;
    [[nodiscard]] bool is(const dl_phdr_info& info, unsigned in_round) const noexcept {
        return base == info.dlpi_addr && headers == info.dlpi_phdr && round == in_round;
    }
    // `again`: also for a module that an earlier scan has finished. A step needs those before it, which
    // another thread's scan may not have done yet.
    [[nodiscard]] bool is_due(step s, bool again) const noexcept {
        const auto before = static_cast<step>(static_cast<unsigned char>(s) - 1);
        return done >= before && (done != step::patch || again);
    }
};

struct known_modules {
    // Modules beyond this number are read again in each scan.
    std::array<seen_module, 1024> seen{};
    std::size_t count = 0;
    // Begins anew when a module was unloaded: those that are still there are in it.
    unsigned round = 0;
    unsigned long long unloaded = 0; // as dl_iterate_phdr counts them, when `seen` was right
    unsigned long long loaded = 0;
    bool is_unfinished = false; // a module was not relocated yet
    unsigned scans = 0;
    // The address of each intercepted function in each libcrypto and its libssl.
    std::array<std::array<std::atomic<void*>, interpose::function_count>, libcrypto::most> targets{};
    // The version of each; null: none. And the names of both libraries.
    std::array<std::array<const char*, interpose::function_count>, libcrypto::most> versions{};
    std::array<const char*, libcrypto::most> sonames{};
    std::array<const char*, libcrypto::most> sonames_of_libssl{};
    // A module that is neither ibid nor a libcrypto or libssl defines it, in a version that a reference to
    // one of them accepts: an interposer, or a module that contains an OpenSSL and exports its names. One
    // array is for modules in the scope of every module, the other for what was opened with RTLD_LOCAL.
    std::array<bool, interpose::function_count> defined_globally{};
    std::array<bool, interpose::function_count> defined_locally{};
    // The highest class of the program's modules, for each libcrypto.
    std::array<module_class, libcrypto::most> classes{};
    std::array<bool, libcrypto::most> unwatched{};
    std::array<bool, libcrypto::most> exposes_unseen{};
    unsigned counted = 0;                      // libcryptos that have their counters
    std::atomic<bool> has_search_paths{false}; // some module has
    // The program has opened a library with RTLD_GLOBAL: it may be in the scope of any module.
    std::atomic<bool> has_global_loads{false};
    bool intercepts = false; // OpenSSL's functions, and the dynamic linker's
    bool at_load = false;    // the modules of this scan were loaded with the program
    // How many libcryptos were loaded with the program; they are the first ones.
    unsigned with_program = 0;

    // Null: not seen in this round.
    [[nodiscard]] seen_module* find(const dl_phdr_info& info, unsigned in_round) noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = next < count ? next : 0;
            next = at + 1;
            if (seen[at].is(info, in_round)) {
                return &seen[at];
            }
        }
        return nullptr;
    }
    [[nodiscard]] seen_module* find(const dl_phdr_info& info) noexcept { return find(info, round); }
    // Null: there is no room.
    [[nodiscard]] seen_module* add(const dl_phdr_info& info) noexcept {
        std::size_t at = 0;
        while (at < count && seen[at].round == round) { // what was unloaded leaves room
            ++at;
        }
        if (at == seen.size()) {
            return nullptr;
        }
        seen[at] = {};
        seen[at].base = info.dlpi_addr;
        seen[at].headers = info.dlpi_phdr;
        seen[at].round = round;
        count = at == count ? at + 1 : count;
        return &seen[at];
    }
    // Whether a module that is not found may be one that had no room. Otherwise it came after the scan began.
    [[nodiscard]] bool is_full() const noexcept { return count == seen.size(); }
    // One of the modules that were loaded together defines intercepted functions, or needs one that does.
    void note_definition_in(unsigned load) noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            seen[i].beside_definition = seen[i].beside_definition || seen[i].load == load;
        }
    }

private:
    // The dynamic linker lists modules in the same order each time, so a search begins behind what was found
    // last.
    std::size_t next = 0;
};

extern constinit known_modules known;

// What follows from a scan for a libcrypto; applied after the scan, outside of all locks.
struct consequences {
    const char* disable = nullptr; // for this reason
    bool alters_algorithms = false;
    bool exposes_unseen = false;   // some module gets pointers into certificates without ibid seeing it ...
    bool may_have_exposed = false; // ... or got some during its load
};

struct scan_state {
    bool new_modules = true;
    unsigned number = 0;
    unsigned long long loaded = 0; // as known_modules counts them, when the scan began
    bool deep_binding = false;     // the new modules were opened with RTLD_DEEPBIND, or that is not known
    bool is_unfinished = false;
    bool is_global = false; // all modules count as new: some were unloaded without ibid seeing it
    bool looked_up = false; // the program has looked up a function that writes
    unsigned found = 0;     // new libcryptos
    bool class_has_risen = false;
    // Some module gets objects without ibid seeing it; gets pointers into them without ibid seeing it.
    std::array<bool, libcrypto::most> unwatched{};
    std::array<bool, libcrypto::most> exposes_unseen{};
    std::array<consequences, libcrypto::most> then{};
};

// ibid's own modules, which are not scanned.
[[nodiscard]] bool is_own(const elf_module& m) noexcept;

inline constexpr int not_bound = -1;

// Where the dynamic linker searches for the names that a module uses.
struct scope {
    unsigned libcryptos = 0; // the first ones, which may be in it
    bool deep_binding = false;
    bool has_local_definitions = false;
};

// What is not known to be outside of the module's scope counts as inside. Null: a module without a record.
[[nodiscard]] scope scope_of(const seen_module* seen) noexcept;

// The libcrypto to which the dynamic linker will bind a slot that is not bound yet. not_bound: it cannot be
// told.
[[nodiscard]] int will_be_bound_to(const elf_module& m, const elf_module::reference& r,
                                   interpose::function_id id, const scope& in) noexcept;

void find_libcrypto(const elf_module& m, scan_state& state) noexcept;
// Definitions of intercepted functions in other modules.
void find_other_definitions(const elf_module& m, const seen_module* seen) noexcept;
void find_libssl(const elf_module& m, const seen_module* seen) noexcept;

// The class of a module applies to the whole program, because one module may get an object and another write
// to it. False: the dynamic linker has not finished relocating the module; the next scan tries again.
[[nodiscard]] bool classify(const elf_module& m, scan_state& state) noexcept;

// Puts entry points into the module's slots. False: as above.
[[nodiscard]] bool patch(const elf_module& m, const scope& in, scan_state& state) noexcept;

} // namespace ibid::openssl::modules
