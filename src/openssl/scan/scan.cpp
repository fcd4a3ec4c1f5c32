// SPDX-License-Identifier: Apache-2.0
#include "scan.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <link.h>

#include "known_modules.h"
#include "linker_calls.h"
#include "openssl/binding/unwaited_mutex.h"
#include "openssl/modules/file_functions.h"
#include "openssl/modules/linker_functions.h"
#include "openssl/modules/loads.h"
#include "statistics/shared_statistics.h"

namespace ibid::openssl::modules {

using interpose::function_id;
using interpose::module_kind;

namespace {

// ---- Functions that the program looks up, and so may call without ibid seeing it

constinit std::atomic<std::uint32_t> looked_up_roles{0};
// It has looked up a function that gives a pointer into a certificate.
constinit std::atomic<bool> looked_up_exposure{false};
// It has looked up a function that gives an object, in a way that ibid does not intercept.
constinit std::atomic<bool> looked_up_getter{false};

// Why nothing is intercepted; null: calls are intercepted. Written once, at load.
constinit const char* not_scanned = "ibid is not loaded";

// ---- A scan

// One scan at a time: each reads and writes `known` in several iterations, and makes pages writable for a
// moment. (Neither glibc's lock nor musl's is held from one iteration to the next; musl holds none in the
// callback.)
constinit unwaited_mutex scanning;

[[nodiscard]] bool is_read(const elf_module& m) noexcept {
    return m.readable() && !is_own(m);
}

// Does a step for a module, if that is due. Each iteration sees the program itself and its libraries, in the
// dynamic linker's order. The list may grow between two of them: a module that was not in the first one has
// a scan of its own, after its load.
template <class Do>
void take_step(const dl_phdr_info& info, step s, bool again, Do take) noexcept {
    seen_module* const seen = known.find(info);
    if (seen == nullptr ? !known.is_full() : !seen->is_due(s, again)) {
        return;
    }
    if (seen != nullptr && seen->done < s) {
        seen->done = s;
    }
    if (const elf_module m(info); is_read(m)) {
        take(m, seen);
    }
}

// Also for a module that another thread was loading in the last scan.
void note_load(const dl_phdr_info& info, const scan_state& state) noexcept {
    seen_module* seen = known.find(info);
    seen = seen != nullptr ? seen : known.add(info);
    if (seen == nullptr || seen->done == step::patch) {
        return;
    }
    const elf_module m(info);
    seen->file_hash = hash_of_file(m.name());
    seen->soname_hash = m.soname() != nullptr ? hash_of_file(m.soname()) : seen->file_hash;
    seen->load = state.number;
    seen->deep_binding = seen->deep_binding || state.deep_binding;
    seen->is_global = seen->is_global || known.at_load || state.is_global;
}

int find_libcrypto_in(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    auto& state = *static_cast<scan_state*>(argument);
    if (known.unloaded != info->dlpi_subs) { // an address may belong to another module now
        // Neither the scopes nor the kind of binding of those that are there are known any more.
        state.deep_binding = state.deep_binding || known.count != 0;
        state.is_global = state.is_global || known.count != 0;
        known.count = 0;
        known.unloaded = info->dlpi_subs;
    } else if (!known.at_load && !state.looked_up && known.loaded == info->dlpi_adds &&
               !known.is_unfinished && known.count != 0) {
        state.new_modules = false;
        return 1;
    }
    state.loaded = info->dlpi_adds;
    state.number = state.number != 0 ? state.number : ++known.scans;
    note_load(*info, state);
    take_step(*info, step::find_libcrypto, false,
              [&](const elf_module& m, const seen_module*) { find_libcrypto(m, state); });
    return 0;
}

int find_definitions_in(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    const auto& state = *static_cast<const scan_state*>(argument);
    take_step(*info, step::find_definitions, state.found != 0, &find_other_definitions);
    return 0;
}

int find_libssl_in(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    const auto& state = *static_cast<const scan_state*>(argument);
    take_step(*info, step::find_libssl, state.found != 0, &find_libssl);
    return 0;
}

int classify_module(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    auto& state = *static_cast<scan_state*>(argument);
    take_step(*info, step::classify, state.found != 0, [&](const elf_module& m, seen_module* seen) {
        const bool relocated = classify(m, state);
        if (seen != nullptr) {
            seen->is_relocated = relocated;
        }
    });
    return 0;
}

int patch_module(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    auto& state = *static_cast<scan_state*>(argument);
    // A slot of an older module may lead to a new libcrypto: by lazy binding, or if both were loaded
    // together.
    const bool again = state.found != 0 || state.class_has_risen;
    take_step(*info, step::patch, again, [&](const elf_module& m, seen_module* seen) {
        const scope in = scope_of(seen);
        const bool relocated = patch(m, in, state);
        if (seen == nullptr) {
            return;
        }
        seen->libcryptos = in.libcryptos;
        if (!relocated || !seen->is_relocated) {
            seen->done = step::classify;
            state.is_unfinished = true;
        }
    });
    known.loaded = state.loaded;
    known.is_unfinished = state.is_unfinished;
    return 0;
}

// After an unload: what is still there stays known, so that the next scan reads new modules alone.
int note_present(dl_phdr_info* info, std::size_t, void* begun) noexcept {
    if (!*static_cast<bool*>(begun)) {
        if (known.unloaded == info->dlpi_subs || known.loaded != info->dlpi_adds) {
            return 1; // nothing is gone; or something is new, perhaps in the place of what is gone
        }
        *static_cast<bool*>(begun) = true;
        known.unloaded = info->dlpi_subs;
        ++known.round;
    }
    if (seen_module* const seen = known.find(*info, known.round - 1)) {
        seen->round = known.round;
    }
    return 0;
}

// Reads what is new. False: nothing is.
[[nodiscard]] bool read_modules(scan_state& state) noexcept IBID_REQUIRES(scanning) {
    dl_iterate_phdr(&find_libcrypto_in, &state);
    if (!state.new_modules) {
        return false;
    }
    dl_iterate_phdr(&find_definitions_in, &state);
    dl_iterate_phdr(&find_libssl_in, &state);
    if (known.at_load) {
        known.with_program = libcrypto::count();
    }
    for (; known.counted < libcrypto::count(); ++known.counted) { // before the first call to one of them
        libcrypto::at(known.counted).claim_counters();
        if (!known.intercepts) {
            state.then[known.counted].disable = not_scanned;
        }
    }
    dl_iterate_phdr(&classify_module, &state);
    // The program may call what it has looked up without ibid seeing it, with objects that any module got.
    const std::uint32_t found_roles = looked_up_roles.load(std::memory_order_acquire);
    const bool may_write = state.looked_up && class_of(found_roles) != module_class::reader;
    for (unsigned n = 0; n < known.classes.size(); ++n) { // also of a libcrypto that comes later
        const bool hides = known.classes[n] == module_class::attacher && (found_roles & hides_owner) != 0;
        if (!may_write && !hides) {
            continue;
        }
        state.class_has_risen = true;
        known.classes[n] = module_class::writer;
        if (n < libcrypto::count()) {
            libcrypto::at(n).set_has_writer();
            libcrypto::at(n).set_gives_own_objects();
        }
    }
    dl_iterate_phdr(&patch_module, &state);
    return true;
}

// What the scan means for each libcrypto.
void draw_consequences(scan_state& state) noexcept IBID_REQUIRES(scanning) {
    const std::uint32_t roles = looked_up_roles.load(std::memory_order_acquire);
    for (unsigned n = 0; n < libcrypto::count(); ++n) {
        consequences& then = state.then[n];
        known.unwatched[n] = known.unwatched[n] || state.unwatched[n] ||
                             looked_up_getter.load(std::memory_order_acquire) || (roles & gives_shared) != 0;
        if (known.unwatched[n] && known.classes[n] != module_class::reader) {
            then.disable =
                "a module gets certificates without ibid seeing it, and a module may write to them";
        }
        known.exposes_unseen[n] = known.exposes_unseen[n] || state.exposes_unseen[n] ||
                                  looked_up_exposure.load(std::memory_order_acquire);
        then.exposes_unseen = known.exposes_unseen[n];
        then.alters_algorithms = then.alters_algorithms || (roles & alters_algorithms) != 0;
        if ((roles & alters_parsing) != 0) {
            then.disable = changes_parsing;
        }
    }
}

// Outside of all locks: may free certificates, and so call functions of the program.
void apply(const consequences& then, libcrypto& to) noexcept {
    // With a writer nothing is shared. Objects that it may already have are compared at every hit.
    if (then.exposes_unseen || to.has_writer()) {
        to.set_sees_exposures(false);
    }
    if (certificate_cache* const cache = to.certificates_ever(); cache != nullptr && then.may_have_exposed) {
        cache->expose_all(); // in the constructor of a module that is new
    }
    if (then.disable != nullptr) {
        to.disable(then.disable);
    }
    if (then.alters_algorithms) {
        to.set_algorithms_unknown();
    }
}

void scan(bool deep_binding, bool looked_up) noexcept {
    scan_state state;
    state.looked_up = looked_up;
    state.deep_binding = deep_binding;
    {
        const unwaited_lock lock(scanning);
        if (!read_modules(state)) {
            return;
        }
        draw_consequences(state);
    }
    for (unsigned n = 0; n < libcrypto::count(); ++n) {
        apply(state.then[n], libcrypto::at(n));
    }
}

// Loads whose end this thread could not see: its next call to the dynamic linker shows that they have ended.
constinit thread_local unsigned unseen_here = 0;

} // namespace

bool one_search_path() noexcept {
    return !known.has_search_paths.load(std::memory_order_relaxed);
}

const char* why_not_scanned() noexcept {
    return not_scanned;
}

void scan_at_load(const char* why_not, void (*after_chroot)() noexcept) noexcept {
    // An auditor may redirect each binding, and sees calls through the slots that ibid would change.
    const char* const auditors = std::getenv("LD_AUDIT");
    if (auditors != nullptr && auditors[0] != '\0') {
        why_not = "an auditor watches the dynamic linker (LD_AUDIT)";
    }
    follow_linker(after_chroot);
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

void lock_for_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    scanning.lock_for_fork();
}

void unlock_after_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    scanning.unlock_after_fork();
}

// ---- The program's own calls to the dynamic linker; see linker_calls.h.

void note_global_load() noexcept {
    known.has_global_loads.store(true, std::memory_order_relaxed);
}

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

void end_unload() noexcept {
    const int error = errno;
    bool begun = false;
    const unwaited_lock lock(scanning);
    dl_iterate_phdr(&note_present, &begun);
    errno = error;
}

void load_unseen() noexcept {
    ++unseen_here;
    begin_loads(1);
}

void settle_unseen_loads() noexcept {
    if (unseen_here != 0) {
        const int error = errno;
        scan(true, false); // their kind of binding is not known
        errno = error;
        end_loads(std::exchange(unseen_here, 0));
    }
}

bool is_linkers(const char* name) noexcept {
    const function_id id = function_of(name);
    return interpose::is_of_linker(id) && id != function_id::count;
}

bool is_exchanged(const char* name) noexcept {
    const function_id id = function_of(name);
    return interpose::is_for_writers(id) || interpose::is_parser(id) || interpose::takes_index(id) ||
           interpose::locks(id) || is_linkers(name);
}

void note_lookup(const char* name, bool exchanged) noexcept {
    std::uint32_t roles = roles_of(name);
    const function_id id = function_of(name);
    if (id >= function_id::OSSL_PROVIDER_load && id < function_id::X509_STORE_CTX_get_current_cert) {
        roles |= alters_algorithms; // from now on without ibid seeing it
    }
    if (id == function_id::OSSL_LIB_CTX_set0_default || id == function_id::CRYPTO_get_ex_new_index) {
        roles |= alters_parsing; // of which ibid must be notified
    }
    if (interpose::is_parser(id) && !exchanged) {
        roles |= writes_always;
    }
    if (interpose::holds(id)) {
        roles |= hides_owner;
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
    const function_id id = function_of(name);
    if (is_linkers(name) && found != nullptr) {
        void* const entry = linker_entry(id, found, false);
        return entry != nullptr ? entry : found;
    }
    for (unsigned n = 0; n < libcrypto::count(); ++n) {
        if (found != nullptr && found == known.targets[n][static_cast<std::size_t>(id)]) {
            void* const entry = interpose::entry_point(id, module_kind::writer, n);
            return entry != nullptr ? entry : found;
        }
    }
    return found;
}

} // namespace ibid::openssl::modules
