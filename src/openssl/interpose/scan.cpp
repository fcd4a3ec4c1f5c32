// SPDX-License-Identifier: Apache-2.0
#include "scan.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>

#include "entries.h"
#include "linker_calls.h"
#include "openssl/instance/libcrypto.h"
#include "openssl/modules/elf_module.h"
#include "openssl/modules/file_functions.h"
#include "openssl/modules/loads.h"
#include "openssl/modules/module_class.h"
#include "statistics/shared_statistics.h"

namespace ibid::openssl::modules {

namespace {

using interpose::function_count;
using interpose::function_id;
using interpose::module_kind;

// ---- The names that a scan looks for: what is intercepted, and what tells the class of a module.

struct wanted_name {
    const char* name;
    std::uint32_t hash;
    function_id id; // count: none
    bool operator<(const wanted_name& other) const noexcept { return hash < other.hash; }
};

constexpr std::array<const char*, function_count> function_names = {
#define IBID_NAME(name) #name,
    IBID_INTERCEPTED_IN_LIBCRYPTO(IBID_NAME) IBID_INTERCEPTED_FOR_WRITERS(IBID_NAME)
        IBID_INTERCEPTED_IN_LIBSSL(IBID_NAME)
#undef IBID_NAME
            "dlopen",
    "dlmopen",
    "dlsym",
    "dlvsym",
    "chroot",
};

constexpr auto intercepted = [] {
    std::array<wanted_name, function_count> names{};
    for (std::size_t i = 0; i < function_count; ++i) {
        names[i] = {function_names[i], symbol_hash(function_names[i]), static_cast<function_id>(i)};
    }
    std::ranges::sort(names, {}, &wanted_name::hash);
    return names;
}();

// Most names of a program are none of ibid's business: one bit each tells.
constexpr std::size_t filter_bits = 8192;
constexpr auto filter = [] {
    std::array<std::uint64_t, filter_bits / 64> bits{};
    for (const wanted_name& w : intercepted) {
        bits[w.hash % filter_bits / 64] |= std::uint64_t{1} << w.hash % 64;
    }
    return bits;
}();

[[nodiscard]] function_id function_of(const char* name, std::uint32_t hash) noexcept {
    if ((filter[hash % filter_bits / 64] >> hash % 64 & 1) == 0) {
        return function_id::count;
    }
    for (auto at = std::ranges::lower_bound(intercepted, hash, {}, &wanted_name::hash);
         at != intercepted.end() && at->hash == hash; ++at) {
        if (std::strcmp(at->name, name) == 0) {
            return at->id;
        }
    }
    return function_id::count;
}

// ---- What is known of the modules. All of it is read and written under the dynamic linker's own lock, in a scan.

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
    // More modules than this are read anew in each scan.
    std::array<seen_module, 1024> seen{};
    std::size_t count = 0;
    unsigned long long unloaded = 0; // as dl_iterate_phdr counts them, when `seen` was right
    unsigned long long loaded = 0;
    // Where each intercepted function is, in each libcrypto and its libssl.
    std::array<std::array<void*, function_count>, libcrypto::most> targets{};
    // Some module that is none of ibid's and no libcrypto or libssl defines it: an interposer.
    std::array<bool, function_count> defined_elsewhere{};
    // The highest class of the program's modules, for each libcrypto.
    std::array<module_class, libcrypto::most> classes{};
    std::array<bool, libcrypto::most> unwatched{};
    std::array<bool, libcrypto::most> exposes_unseen{};
    std::atomic<bool> has_search_paths{false}; // some module has
    bool intercepts = false;                   // OpenSSL's functions, and the dynamic linker's
    bool at_load = false;                      // the modules of this scan were loaded with the program
    // The libcryptos that the program was loaded with, as a number of them from the front.
    unsigned with_program = 0;

    // `deep_binding`: of one that is new.
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

constinit known_modules known;

// What a scan found that must be acted upon outside of the linker's lock. One for each libcrypto.
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
    // Some module gets objects past ibid; gets pointers into them past ibid; got some while it was loaded.
    std::array<bool, libcrypto::most> unwatched{};
    std::array<bool, libcrypto::most> exposes_unseen{};
    std::array<bool, libcrypto::most> may_have_exposed{};
    consequences then;
};

// The places that ibid's own code is at: no module to be read.
[[nodiscard]] bool is_own(const elf_module& m) noexcept {
    return m.place().contains(reinterpret_cast<const void*>(&is_own));
}

[[nodiscard]] extent extent_of(const elf_module& m, const char* name) noexcept {
    const auto* const start = static_cast<const char*>(m.find(name));
    return {start, start + (start != nullptr ? m.size_of(name) : 0)};
}

void take_targets(const elf_module& m, unsigned n, bool of_libssl) noexcept {
    constexpr auto first_of_libssl = static_cast<std::size_t>(function_id::SSL_get0_peer_certificate);
    constexpr auto after_libssl = static_cast<std::size_t>(function_id::dlopen);
    const std::size_t begin = of_libssl ? first_of_libssl : 0;
    const std::size_t end = of_libssl ? after_libssl : first_of_libssl;
    for (std::size_t i = begin; i < end; ++i) {
        known.targets[n][i] = m.find(function_names[i]);
    }
}

// A library stays where it is: it was loaded with the program, or says that it is never unloaded.
[[nodiscard]] bool stays(const elf_module& m) noexcept {
    return known.at_load || m.is_never_unloaded();
}

[[nodiscard]] bool is_known(const elf_module& m) noexcept {
    bool known_already = false;
    libcrypto::for_each([&](const libcrypto& l) {
        known_already =
            known_already || l.place().start == m.place().start || l.libssl().start == m.place().start;
    });
    return known_already;
}

[[nodiscard]] bool is_libcrypto(const elf_module& m) noexcept {
    return m.find("OPENSSL_init_crypto") != nullptr && m.find("OpenSSL_version_num") != nullptr;
}

// Which libcrypto this libssl works with: the one that its own calls lead to. Negative: none that is known.
[[nodiscard]] int libcrypto_of(const elf_module& libssl) noexcept {
    int found = -1;
    constexpr auto d2i = static_cast<std::size_t>(function_id::d2i_X509);
    libssl.for_each_reference([&](const elf_module::reference& r) {
        if (std::strcmp(r.name, "d2i_X509") != 0) {
            return;
        }
        for (unsigned n = 0; n < libcrypto::count(); ++n) {
            const bool leads_there =
                *r.slot == known.targets[n][d2i] ||
                *r.slot == interpose::entry_point(function_id::d2i_X509, module_kind::libssl, n);
            // A library whose calls are bound late has one libcrypto to choose from, or is not helped.
            const bool unbound =
                libssl.place().contains(*r.slot) && libcrypto::count() == 1 && !known.defined_elsewhere[d2i];
            if (leads_there || unbound) {
                found = static_cast<int>(n);
            }
        }
    });
    return found;
}

// A name that a module both defines and uses, and whom the dynamic linker may have preferred.
struct rival_search {
    const elf_module& of;
    const char* name;
    const void* bound_to; // null: not bound yet
    bool found = false;
};

int find_rival(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    auto& search = *static_cast<rival_search*>(argument);
    const elf_module other(*info);
    // A libcrypto beside this one carries other versions of the names.
    if (!other.readable() || is_own(other) || other.dynamic() == search.of.dynamic() ||
        (is_libcrypto(other) && other.name()[0] != '\0')) {
        return 0;
    }
    const void* const definition = other.find(search.name);
    search.found = definition != nullptr && (search.bound_to == nullptr || search.bound_to == definition);
    return search.found ? 1 : 0;
}

// Whether a function of libcrypto's that libcrypto calls itself is another module's: a hook, which a call that is left out would not
// reach. A place that is no call's may hold the address that a program without position-independent code has given the function.
[[nodiscard]] bool calls_a_hook(const elf_module& libcrypto) noexcept {
    if (libcrypto.binds_to_itself()) {
        return false;
    }
    bool found = false;
    libcrypto.for_each_reference([&](const elf_module::reference& r) {
        const void* const value = __atomic_load_n(r.slot, __ATOMIC_RELAXED);
        if (found || r.own == nullptr || value == r.own) {
            return;
        }
        const bool inside = libcrypto.place().contains(value);
        if (r.may_be_lazy && !inside) {
            found = true;
        } else if (r.may_be_lazy || !inside) {
            rival_search search{libcrypto, r.name, inside ? nullptr : value};
            dl_iterate_phdr(&find_rival, &search);
            found = search.found;
        }
    });
    return found;
}

void find_definitions(const elf_module& m, scan_state& state) noexcept {
    if (m.has_search_path()) {
        known.has_search_paths.store(true, std::memory_order_relaxed);
    }
    if (is_known(m)) {
        return;
    }
    functions found;
    if (is_libcrypto(m) && stays(m)) {
        found.take_libcrypto([&m](const char* name) { return m.find(name); });
        if (libcrypto* const added = libcrypto::add(found, m.place(), m.binds_to_itself(), m.name())) {
            take_targets(m, added->number(), false);
            added->set_sees_exposures(known.intercepts);
            if (!files_are_the_c_librarys(m)) {
                added->leave_files();
            }
            if (calls_a_hook(m)) {
                state.then.disable[added->number()] =
                    "another module takes the place of a function inside libcrypto";
            }
            ++state.found;
            return;
        }
    }
    if (m.find("SSL_CTX_new") != nullptr && stays(m)) {
        found.take_libssl([&m](const char* name) { return m.find(name); });
        const int n = found.has_libssl() ? libcrypto_of(m) : -1;
        if (n >= 0) {
            libcrypto& of = libcrypto::at(static_cast<unsigned>(n));
            if (of.libssl().start == nullptr) {
                of.set_libssl(found, m.place(), extent_of(m, "SSL_use_certificate_ASN1"),
                              extent_of(m, "SSL_CTX_use_certificate_ASN1"));
                take_targets(m, of.number(), true);
            }
            return;
        }
    }
    for (const wanted_name& w : intercepted) {
        if (libcrypto::count() != 0 && !known.defined_elsewhere[static_cast<std::size_t>(w.id)] &&
            !interpose::is_of_linker(w.id) && m.find(w.name, w.hash) != nullptr) {
            known.defined_elsewhere[static_cast<std::size_t>(w.id)] = true;
        }
    }
}

// ---- Patching

// Lets the pages that a module protects after relocation be written to for a moment.
class writable_pages {
public:
    explicit writable_pages(extent pages) noexcept : pages_(pages) {}
    writable_pages(const writable_pages&) = delete;
    writable_pages& operator=(const writable_pages&) = delete;
    ~writable_pages() {
        if (open_) {
            (void)protect(PROT_READ);
        }
    }

    [[nodiscard]] bool write(void** slot, void* value) noexcept {
        if (pages_.contains(slot) && !open_) {
            open_ = protect(PROT_READ | PROT_WRITE);
            if (!open_) {
                return false;
            }
        }
        __atomic_store_n(slot, value, __ATOMIC_RELEASE);
        return true;
    }

private:
    [[nodiscard]] bool protect(int how) const noexcept {
        const auto size = static_cast<const char*>(pages_.end) - static_cast<const char*>(pages_.start);
        return mprotect(const_cast<void*>(pages_.start), static_cast<std::size_t>(size), how) == 0;
    }
    extent pages_;
    bool open_ = false;
};

// Whether a place holds an entry point of an earlier scan already.
[[nodiscard]] bool is_entry_point(const void* value, function_id id, unsigned n) noexcept {
    for (const auto kind : {module_kind::libssl, module_kind::libcrypto, module_kind::reader,
                            module_kind::attacher, module_kind::writer}) {
        if (value == interpose::entry_point(id, kind, n)) {
            return value != nullptr;
        }
    }
    return false;
}

constexpr int not_bound = -1;

// The libcrypto that this place leads to.
[[nodiscard]] int bound_to(const elf_module& m, const elf_module::reference& r, function_id id,
                           bool deep_binding) noexcept {
    const auto i = static_cast<std::size_t>(id);
    void* const value = __atomic_load_n(r.slot, __ATOMIC_RELAXED);
    for (unsigned n = 0; n < libcrypto::count(); ++n) {
        if (known.targets[n][i] != nullptr &&
            (value == known.targets[n][i] || is_entry_point(value, id, n))) {
            return static_cast<int>(n);
        }
    }
    // Not called yet: the dynamic linker would look for the first definition. Where there is one alone, it is that one.
    if (!r.may_be_lazy || !m.place().contains(value) || known.defined_elsewhere[i] || deep_binding) {
        return not_bound;
    }
    int only = not_bound;
    const unsigned candidates = known.at_load ? known.with_program : libcrypto::count();
    for (unsigned n = 0; n < candidates; ++n) {
        if (known.targets[n][i] != nullptr) {
            if (only != not_bound && !known.at_load) {
                return not_bound;
            }
            only = only == not_bound ? static_cast<int>(n) : only;
        }
    }
    return only;
}

// Null: a module of the program's.
[[nodiscard]] const libcrypto* part_of(const elf_module& m, module_kind& kind) noexcept {
    const libcrypto* of = nullptr;
    libcrypto::for_each([&](const libcrypto& l) {
        if (l.place().start == m.place().start || l.libssl().start == m.place().start) {
            of = &l;
            kind = l.place().start == m.place().start ? module_kind::libcrypto : module_kind::libssl;
        }
    });
    return of;
}

[[nodiscard]] module_kind kind_of(module_class its_class) noexcept {
    switch (its_class) {
    case module_class::reader:
        return module_kind::reader;
    case module_class::attacher:
        return module_kind::attacher;
    case module_class::writer:
        break;
    }
    return module_kind::writer;
}

// Whether a place has been filled by the dynamic linker. In a module that another thread loads just now it holds an offset yet.
[[nodiscard]] bool is_relocated(const elf_module& m, const void* value) noexcept {
    constexpr std::uintptr_t lowest = 0x10000000;
    return reinterpret_cast<std::uintptr_t>(value) >= lowest ||
           reinterpret_cast<std::uintptr_t>(m.place().start) < lowest;
}

// What one module names, and of which libcryptos.
struct named {
    std::uint32_t roles = 0;
    std::array<bool, libcrypto::most> uses{};
};

[[nodiscard]] named names_of(const elf_module& m) noexcept {
    named all;
    m.for_each_reference([&](const elf_module::reference& r) {
        const std::uint32_t roles = roles_of(r.name);
        if (roles == 0 && function_of(r.name, symbol_hash(r.name)) >= function_id::dlopen) {
            return;
        }
        all.roles |= roles;
        const void* const value = __atomic_load_n(r.slot, __ATOMIC_RELAXED);
        for (unsigned n = 0; n < libcrypto::count(); ++n) {
            const libcrypto& l = libcrypto::at(n);
            all.uses[n] = all.uses[n] || l.place().contains(value) || l.libssl().contains(value) ||
                          (r.may_be_lazy && m.place().contains(value));
        }
    });
    return all;
}

// What a module may do counts for the whole program: one module may get an object, and another write to it.
void classify(const elf_module& m, scan_state& state) noexcept {
    module_kind kind{};
    if (part_of(m, kind) != nullptr) {
        return;
    }
    const named names = names_of(m);
    for (unsigned n = 0; n < libcrypto::count(); ++n) {
        if (!names.uses[n]) {
            continue;
        }
        module_class& of_program = known.classes[n];
        if (class_of(names.roles) > of_program) {
            of_program = class_of(names.roles);
            state.class_has_risen = true;
        }
        libcrypto& of = libcrypto::at(n);
        if (of_program == module_class::writer) {
            of.set_has_writer();
        }
        if (of_program != module_class::reader) {
            of.set_gives_own_objects();
        }
        if ((names.roles & gives_crl) != 0 && (names.roles & lists_crl) != 0) {
            of.set_lists_crls();
        }
        if ((names.roles & alters_parsing) != 0) {
            state.then.disable[n] = "the program changes how OpenSSL parses keys (default methods)";
        }
        state.then.alters_algorithms[n] =
            state.then.alters_algorithms[n] || (names.roles & alters_algorithms) != 0;
    }
}

// False: the dynamic linker is not done with it; look again in the next scan.
[[nodiscard]] bool patch(const elf_module& m, bool deep_binding, scan_state& state) noexcept {
    module_kind part{};
    const bool of_program = part_of(m, part) == nullptr;
    writable_pages pages(m.read_only_after_relocation());
    bool done = true;
    m.for_each_reference([&](const elf_module::reference& r) {
        const function_id id = function_of(r.name, symbol_hash(r.name));
        if (id == function_id::count) {
            return;
        }
        void* const value = __atomic_load_n(r.slot, __ATOMIC_RELAXED);
        if (interpose::is_of_linker(id)) {
            if (!known.intercepts && id != function_id::chroot) {
                return;
            }
            const bool late = r.may_be_lazy && m.place().contains(value) && !deep_binding;
            if (void* const entry = linker_entry(id, value, late); entry != nullptr) {
                (void)pages.write(r.slot, entry);
            }
            return;
        }
        if (!known.intercepts) {
            return; // what is found serves ibid's own functions alone
        }
        const int n = bound_to(m, r, id, deep_binding);
        bool watched = false;
        if (n != not_bound) {
            const auto libcrypto_number = static_cast<unsigned>(n);
            const module_kind kind = of_program ? kind_of(known.classes[libcrypto_number]) : part;
            void* const entry = interpose::entry_point(id, kind, libcrypto_number);
            watched = entry == nullptr || value == entry || pages.write(r.slot, entry);
        } else {
            done = done && is_relocated(m, value);
        }
        if (!of_program) {
            return;
        }
        // Each libcrypto that it may lead to.
        for (unsigned i = 0; i < libcrypto::count(); ++i) {
            if (n == not_bound || static_cast<int>(i) == n) {
                state.unwatched[i] = state.unwatched[i] || (!watched && interpose::is_for_writers(id));
                state.exposes_unseen[i] = state.exposes_unseen[i] || (!watched && interpose::exposes(id));
                state.may_have_exposed[i] = state.may_have_exposed[i] || interpose::exposes(id);
            }
        }
    });
    return done;
}

// ---- What the program looks up by itself, and so may call unseen

constinit std::atomic<std::uint32_t> looked_up_roles{0};
// It has looked up a function that gives a pointer into a certificate.
constinit std::atomic<bool> looked_up_exposure{false};
// It has looked up a function that gives an object, in a way that ibid does not follow.
constinit std::atomic<bool> looked_up_getter{false};

// Why nothing is intercepted; null: it is. Written once, at load.
constinit const char* not_scanned = "ibid is not loaded";

// ---- A scan

// The program itself and its libraries, in the dynamic linker's order. Returns nonzero to end the iteration.
int find_definitions_in(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    auto& state = *static_cast<scan_state*>(argument);
    if (known.unloaded != info->dlpi_subs) { // an address may be another module's now
        state.deep_binding =
            state.deep_binding || known.count != 0; // how they were bound is not known any more
        known.count = 0;
        known.unloaded = info->dlpi_subs;
    } else if (!known.at_load && !state.looked_up && known.loaded == info->dlpi_adds && known.count != 0) {
        state.new_modules = false;
        return 1;
    }
    const elf_module m(*info);
    if (!m.readable() || is_own(m)) {
        return 0;
    }
    seen_module* const seen = known.entry(m, state.deep_binding);
    if (seen == nullptr || !seen->searched) {
        find_definitions(m, state);
    }
    if (seen != nullptr) {
        seen->searched = true;
    }
    return 0;
}

int classify_module(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    auto& state = *static_cast<scan_state*>(argument);
    const elf_module m(*info);
    if (m.readable() && !is_own(m)) {
        const seen_module* const seen = known.entry(m, state.deep_binding);
        if (seen == nullptr || !seen->patched || state.found != 0) {
            classify(m, state);
        }
    }
    return 0;
}

int patch_module(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    auto& state = *static_cast<scan_state*>(argument);
    const elf_module m(*info);
    if (!m.readable() || is_own(m)) {
        return 0;
    }
    seen_module* const seen = known.entry(m, state.deep_binding);
    // With a libcrypto that is new, a module that was there before may lead to it: lazily, or opened in one go with it.
    if (seen == nullptr || !seen->patched || state.found != 0 || state.class_has_risen) {
        const bool done = patch(m, seen == nullptr || seen->deep_binding, state);
        if (seen != nullptr) {
            seen->patched = done;
        }
    }
    known.loaded = info->dlpi_adds;
    return 0;
}

void scan(bool deep_binding, bool looked_up) noexcept {
    scan_state state;
    state.looked_up = looked_up;
    state.deep_binding = deep_binding;
    const unsigned before = libcrypto::count();
    // A libssl may stand before its libcrypto in the list; so definitions are looked for until nothing new is found.
    dl_iterate_phdr(&find_definitions_in, &state);
    if (!state.new_modules) {
        return;
    }
    if (state.found != 0) {
        for (std::size_t i = 0; i < known.count; ++i) {
            known.seen[i].searched = false;
        }
        known.loaded = 0;
        dl_iterate_phdr(&find_definitions_in, &state);
    }
    if (known.at_load) {
        known.with_program = libcrypto::count();
    }
    dl_iterate_phdr(&classify_module, &state);
    if (looked_up && class_of(looked_up_roles.load(std::memory_order_acquire)) != module_class::reader) {
        // It may call them unseen, and hand them what any module gets.
        state.class_has_risen = true;
        known.classes.fill(module_class::writer);
        libcrypto::for_each([](libcrypto& l) {
            l.set_has_writer();
            l.set_gives_own_objects();
        });
    }
    dl_iterate_phdr(&patch_module, &state);
    for (unsigned n = 0; n < libcrypto::count(); ++n) {
        libcrypto& of = libcrypto::at(n);
        known.unwatched[n] =
            known.unwatched[n] || state.unwatched[n] || looked_up_getter.load(std::memory_order_acquire);
        if (known.unwatched[n] && known.classes[n] != module_class::reader) {
            state.then.disable[n] = "a module gets certificates past ibid, and one may write to them";
        }
        known.exposes_unseen[n] = known.exposes_unseen[n] || state.exposes_unseen[n] ||
                                  looked_up_exposure.load(std::memory_order_acquire);
        // What a writer gets is its own. That nothing else comes to it is looked after, too.
        if (known.exposes_unseen[n] || of.has_writer()) {
            of.set_sees_exposures(false);
        }
        if (certificate_cache* const cache = of.certificates_ever();
            cache != nullptr && state.may_have_exposed[n]) {
            cache->expose_all(); // in the constructor of a module that is new
        }
        const std::uint32_t looked_up_so_far = looked_up_roles.load(std::memory_order_acquire);
        state.then.alters_algorithms[n] =
            state.then.alters_algorithms[n] || (looked_up_so_far & alters_algorithms) != 0;
        if ((looked_up_so_far & alters_parsing) != 0) {
            state.then.disable[n] = "the program changes how OpenSSL parses keys (default methods)";
        }
        if (n >= before) {
            of.claim_counters();
            if (!known.intercepts) {
                state.then.disable[n] = not_scanned;
            }
        }
        if (state.then.disable[n] != nullptr) {
            of.disable(state.then.disable[n]);
        }
        if (state.then.alters_algorithms[n]) {
            of.set_algorithms_unknown();
        }
    }
}

// Loads that this thread could not follow: its next call to the dynamic linker tells that they are over.
constinit thread_local unsigned unseen_here = 0;

} // namespace

bool one_search_path() noexcept {
    return !known.has_search_paths.load(std::memory_order_relaxed);
}

const char* why_not_scanned() noexcept {
    return not_scanned;
}

void scan_at_load(const char* why_not, void (*after_chroot)() noexcept) noexcept {
    // An auditor may send each binding elsewhere, and sees calls by the places that ibid would change.
    const char* const auditors = std::getenv("LD_AUDIT");
    if (auditors != nullptr && auditors[0] != '\0') {
        why_not = "an auditor watches the dynamic linker (LD_AUDIT)";
    }
    follow_chroot(after_chroot);
    not_scanned = why_not;
    find_file_functions();
    known.at_load = true;
    known.intercepts = why_not == nullptr;
    scan(false, false);
    known.at_load = false;
    if (not_scanned != nullptr) {
        shared_statistics::set_reason(not_scanned);
    }
}

// ---- The program's own calls to the dynamic linker; see linker_calls.h.

void begin_load() noexcept {
    begin_loads(1);
}

void end_load(bool loaded, bool deep_binding) noexcept {
    if (loaded) {
        const int error = errno;
        scan(deep_binding, false);
        errno = error;
    }
    end_loads(1);
}

void load_unseen() noexcept {
    ++unseen_here;
    begin_loads(1);
}

void settle_unseen_loads() noexcept {
    if (unseen_here != 0) {
        const int error = errno;
        scan(true, false); // how they were bound is not known
        errno = error;
        end_loads(std::exchange(unseen_here, 0));
    }
}

bool is_exchanged(const char* name) noexcept {
    const function_id id = function_of(name, symbol_hash(name));
    return interpose::is_for_writers(id) || interpose::is_parser(id);
}

void note_lookup(const char* name, bool exchanged) noexcept {
    std::uint32_t roles = roles_of(name);
    const function_id id = function_of(name, symbol_hash(name));
    if (id >= function_id::OSSL_PROVIDER_load && id < function_id::X509_STORE_CTX_get_current_cert) {
        roles |= alters_algorithms; // unseen, from now on
    }
    if (id == function_id::OSSL_LIB_CTX_set0_default || id == function_id::CRYPTO_get_ex_new_index) {
        roles |= alters_parsing; // what ibid must hear of
    }
    if (interpose::is_parser(id) && !exchanged) {
        roles |= writes_always;
    }
    const bool exposes =
        interpose::exposes(id) && !looked_up_exposure.exchange(true, std::memory_order_acq_rel);
    const std::uint32_t before = looked_up_roles.fetch_or(roles, std::memory_order_acq_rel);
    const bool unseen = interpose::is_for_writers(id) && !exchanged &&
                        !looked_up_getter.exchange(true, std::memory_order_acq_rel);
    if ((before | roles) != before || unseen || exposes) {
        scan(false, true);
    }
}

void* found_by_lookup(const char* name, void* found) noexcept {
    const function_id id = function_of(name, symbol_hash(name));
    for (unsigned n = 0; n < libcrypto::count(); ++n) {
        if (found != nullptr && found == known.targets[n][static_cast<std::size_t>(id)]) {
            void* const entry = interpose::entry_point(id, module_kind::writer, n);
            return entry != nullptr ? entry : found;
        }
    }
    return found;
}

} // namespace ibid::openssl::modules
