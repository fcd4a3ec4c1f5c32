// SPDX-License-Identifier: Apache-2.0
//
// Finds out which module is a libcrypto or a libssl, and which other modules define the functions that ibid
// intercepts.
#include <cstring>

#include <link.h>

#include "known_modules.h"
#include "openssl/modules/file_functions.h"

namespace ibid::openssl::modules {

using interpose::function_id;
using interpose::module_kind;

constinit known_modules known;

bool is_own(const elf_module& m) noexcept {
    return m.place().contains(reinterpret_cast<const void*>(&is_own));
}

namespace {

[[nodiscard]] extent extent_of(const elf_module& m, const char* name) noexcept {
    const auto* const start = static_cast<const char*>(m.find(name));
    return {start, start + (start != nullptr ? m.size_of(name) : 0)};
}

void take_targets(const elf_module& m, unsigned n, bool of_libssl) noexcept {
    constexpr auto first_of_libssl = static_cast<std::size_t>(function_id::SSL_get0_peer_certificate);
    constexpr auto after_libssl = static_cast<std::size_t>(function_id::dlopen);
    const std::size_t begin = of_libssl ? first_of_libssl : 0;
    const std::size_t end = of_libssl ? after_libssl : first_of_libssl;
    (of_libssl ? known.sonames_of_libssl : known.sonames)[n] = m.soname();
    for (std::size_t i = begin; i < end; ++i) {
        known.targets[n][i] = m.find(function_names[i], function_hashes[i]);
        known.versions[n][i] = m.version_of(function_names[i], function_hashes[i]);
    }
}

// The library is never unloaded: it was loaded with the program, or is marked so.
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

// A module that contains a whole OpenSSL is none: it calls no libcrypto.
[[nodiscard]] bool is_libssl(const elf_module& m) noexcept {
    return m.find("SSL_CTX_new") != nullptr && m.find("d2i_X509") == nullptr && stays(m);
}

// Which libcrypto this libssl uses: the one that its calls lead to. Negative: no known one.
[[nodiscard]] int libcrypto_of(const elf_module& libssl, const scope& in) noexcept {
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
            if (leads_there) {
                found = static_cast<int>(n);
            }
        }
        if (libssl.place().contains(*r.slot)) { // not bound yet
            found = will_be_bound_to(libssl, r, function_id::d2i_X509, in);
        }
    });
    return found;
}

// Whether a reference that leads to a libcrypto may lead to this module's definition instead: it has the same
// version, or none.
[[nodiscard]] bool stands_for_a_target(const elf_module& m, std::size_t i) noexcept {
    const char* const version = m.version_of(function_names[i], function_hashes[i]);
    bool may = version == nullptr;
    for (unsigned n = 0; n < libcrypto::count() && !may; ++n) {
        const char* const its = known.versions[n][i];
        may = known.targets[n][i] != nullptr && (its == nullptr || std::strcmp(its, version) == 0);
    }
    return may;
}

// The module is neither a libcrypto nor a libssl that ibid knows.
void note_definitions(const elf_module& m, const seen_module* seen) noexcept {
    const bool is_global = seen == nullptr || seen->is_global;
    for (std::size_t i = 0; libcrypto::count() != 0 && i < function_names.size(); ++i) {
        if (interpose::is_of_linker(static_cast<function_id>(i)) ||
            m.find(function_names[i], function_hashes[i]) == nullptr || !stands_for_a_target(m, i)) {
            continue;
        }
        if (is_global) {
            known.defined_globally[i] = true;
        } else {
            known.defined_locally[i] = true;
            known.note_definition_in(seen->load);
        }
    }
}

// A name that a module both defines and uses, and the definition that the dynamic linker has bound.
struct rival_search {
    const elf_module& of;
    const char* name;
    const void* bound_to; // null: not bound yet
    bool found = false;
};

int find_rival(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    auto& search = *static_cast<rival_search*>(argument);
    const elf_module other(*info);
    // A second libcrypto has other versions of the names.
    if (!other.readable() || is_own(other) || other.dynamic() == search.of.dynamic() ||
        (is_libcrypto(other) && other.name()[0] != '\0')) {
        return 0;
    }
    const void* const definition = other.find(search.name);
    search.found = definition != nullptr && (search.bound_to == nullptr || search.bound_to == definition);
    return search.found ? 1 : 0;
}

// Whether another module replaces a function that libcrypto calls inside itself: a hook, which would not see
// a call that ibid saves. A data slot may hold the address that a program without position-independent code
// has given the function.
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

} // namespace

scope scope_of(const seen_module* seen) noexcept {
    const bool order_is_known = seen != nullptr && !known.has_global_loads.load(std::memory_order_relaxed);
    scope in;
    in.libcryptos = order_is_known && seen->libcryptos != 0 ? seen->libcryptos : libcrypto::count();
    in.deep_binding = seen == nullptr || seen->deep_binding;
    in.has_local_definitions = !order_is_known || seen->beside_definition;
    return in;
}

// The linker searches the program and its libraries first, then what was opened with RTLD_GLOBAL, then what
// the module was loaded with, which is likely the file that it was linked with. With RTLD_DEEPBIND the last
// comes first.
int will_be_bound_to(const elf_module& m, const elf_module::reference& r, function_id id,
                     const scope& in) noexcept {
    const bool order_is_known = !in.deep_binding && !known.has_global_loads.load(std::memory_order_relaxed);
    const auto i = static_cast<std::size_t>(id);
    if (known.defined_globally[i] || (in.has_local_definitions && known.defined_locally[i])) {
        return not_bound;
    }
    const auto& sonames =
        id >= function_id::SSL_get0_peer_certificate ? known.sonames_of_libssl : known.sonames;
    const elf_module::requirement required = m.required_by(r);
    const auto same = [](const char* a, const char* b) noexcept { return std::strcmp(a, b) == 0; };
    unsigned all = 0;
    unsigned of_this_file = 0;
    int found = not_bound;
    for (unsigned n = 0; n < in.libcryptos; ++n) {
        const char* const version = known.versions[n][i];
        if (known.targets[n][i] == nullptr ||
            (required.version != nullptr && version != nullptr && !same(required.version, version))) {
            continue;
        }
        if (n < known.with_program && !in.deep_binding) {
            return static_cast<int>(n);
        }
        const bool is_of_file = order_is_known && required.file != nullptr && sonames[n] != nullptr &&
                                same(required.file, sonames[n]);
        if (is_of_file || of_this_file == 0) {
            found = static_cast<int>(n);
        }
        of_this_file += is_of_file ? 1 : 0;
        ++all;
    }
    return all == 1 || of_this_file == 1 ? found : not_bound;
}

void find_libcrypto(const elf_module& m, scan_state& state) noexcept {
    if (m.has_search_path()) {
        known.has_search_paths.store(true, std::memory_order_relaxed);
    }
    if (is_known(m) || !is_libcrypto(m) || !stays(m)) {
        return;
    }
    functions found;
    found.take_libcrypto([&m](const char* name) { return m.find(name); });
    libcrypto* const added = libcrypto::add(found, m.place(), m.binds_to_itself(), m.name());
    if (added == nullptr) {
        return;
    }
    take_targets(m, added->number(), false);
    added->set_sees_exposures(known.intercepts);
    if (!files_are_the_c_librarys(m)) {
        added->leave_files();
    }
    if (calls_a_hook(m)) {
        state.then[added->number()].disable = "another module replaces a function inside libcrypto";
    }
    ++state.found;
}

void find_other_definitions(const elf_module& m, const seen_module* seen) noexcept {
    if (!is_known(m) && !is_libssl(m)) {
        note_definitions(m, seen);
    }
    if (seen == nullptr || seen->is_global) {
        return;
    }
    for (std::size_t i = 0; i < known.count; ++i) {
        const seen_module& other = known.seen[i];
        if (other.beside_definition && other.round == known.round && other.load != seen->load &&
            (m.needs(other.file_hash) || m.needs(other.soname_hash))) {
            known.note_definition_in(seen->load);
        }
    }
}

void find_libssl(const elf_module& m, const seen_module* seen) noexcept {
    if (is_known(m) || !is_libssl(m)) {
        return;
    }
    functions found;
    found.take_libssl([&m](const char* name) { return m.find(name); });
    const int n = found.has_libssl() ? libcrypto_of(m, scope_of(seen)) : not_bound;
    if (n == not_bound) {
        note_definitions(m, seen); // it belongs to something else
        return;
    }
    libcrypto& of = libcrypto::at(static_cast<unsigned>(n));
    if (of.libssl().start == nullptr) {
        of.set_libssl(found, m.place(), extent_of(m, "SSL_use_certificate_ASN1"),
                      extent_of(m, "SSL_CTX_use_certificate_ASN1"));
        take_targets(m, of.number(), true);
    }
}

} // namespace ibid::openssl::modules
