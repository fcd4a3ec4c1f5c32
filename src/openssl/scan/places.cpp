// SPDX-License-Identifier: Apache-2.0
//
// Where a module's slots lead, what the module may do, and which entry points it gets.
#include <cerrno>
#include <cstdint>

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "known_modules.h"
#include "linker_calls.h"

namespace ibid::openssl::modules {

using interpose::function_id;
using interpose::module_kind;

namespace {

// Whether the page is writable. The system call makes the kernel add 0 to a word of the page, and wakes no
// thread. A module may have slots in pages that were never writable (DT_TEXTREL), or that its constructor has
// protected.
[[nodiscard]] bool is_writable(void* word) noexcept {
    constexpr unsigned add_nothing = static_cast<unsigned>(FUTEX_OP_ADD) << 28;
    const int error = errno;
    const bool writable = syscall(SYS_futex, word, FUTEX_WAKE_OP_PRIVATE, 0, nullptr, word, add_nothing) >= 0;
    errno = error;
    return writable;
}

// Writes to slots. Makes pages that the dynamic linker has protected after relocation writable for a moment;
// does not change other read-only pages.
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

    // False: the slot is as it was.
    [[nodiscard]] bool write(void** slot, void* value) noexcept {
        if (!can_write(slot)) {
            return false;
        }
        __atomic_store_n(slot, value, __ATOMIC_RELEASE);
        return true;
    }

private:
    [[nodiscard]] bool can_write(void** slot) noexcept {
        constexpr std::uintptr_t page_size = 4096; // or a part of one
        const std::uintptr_t page = reinterpret_cast<std::uintptr_t>(slot) / page_size;
        if (page != last_page_) {
            last_page_ = page;
            last_is_writable_ = is_writable(slot);
            if (!last_is_writable_ && pages_.contains(slot) && !open_) {
                open_ = protect(PROT_READ | PROT_WRITE);
                last_is_writable_ = open_ && is_writable(slot);
            }
        }
        return last_is_writable_;
    }
    [[nodiscard]] bool protect(int how) const noexcept {
        const auto size = static_cast<const char*>(pages_.end) - static_cast<const char*>(pages_.start);
        return mprotect(const_cast<void*>(pages_.start), static_cast<std::size_t>(size), how) == 0;
    }
    extent pages_;
    bool open_ = false;
    std::uintptr_t last_page_ = 0;
    bool last_is_writable_ = false;
};

// Whether a slot already holds an entry point from an earlier scan.
[[nodiscard]] bool is_entry_point(const void* value, function_id id, unsigned n) noexcept {
    for (const auto kind : {module_kind::libssl, module_kind::libcrypto, module_kind::reader,
                            module_kind::attacher, module_kind::writer}) {
        if (value == interpose::entry_point(id, kind, n)) {
            return value != nullptr;
        }
    }
    return false;
}

// The libcrypto that this slot leads to.
[[nodiscard]] int bound_to(const elf_module& m, const elf_module::reference& r, function_id id,
                           const scope& in) noexcept {
    const auto i = static_cast<std::size_t>(id);
    void* const value = __atomic_load_n(r.slot, __ATOMIC_RELAXED);
    for (unsigned n = 0; n < libcrypto::count(); ++n) {
        if (known.targets[n][i] != nullptr &&
            (value == known.targets[n][i] || is_entry_point(value, id, n))) {
            return static_cast<int>(n);
        }
    }
    const bool is_bound = !r.may_be_lazy || !m.place().contains(value);
    return is_bound ? not_bound : will_be_bound_to(m, r, id, in);
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

// Whether the dynamic linker has filled a slot. In a module that another thread is loading, it still holds an
// offset.
[[nodiscard]] bool is_relocated(const elf_module& m, const void* value) noexcept {
    constexpr std::uintptr_t lowest = 0x10000000;
    return reinterpret_cast<std::uintptr_t>(value) >= lowest ||
           reinterpret_cast<std::uintptr_t>(m.place().start) < lowest;
}

// Which functions a module names, and of which libcryptos.
struct named {
    std::uint32_t roles = 0;
    std::array<bool, libcrypto::most> uses{};
    bool relocated = true;
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
        all.relocated = all.relocated && is_relocated(m, value);
        for (unsigned n = 0; n < libcrypto::count(); ++n) {
            const libcrypto& l = libcrypto::at(n);
            all.uses[n] = all.uses[n] || l.place().contains(value) || l.libssl().contains(value) ||
                          (r.may_be_lazy && m.place().contains(value));
        }
    });
    return all;
}

} // namespace

bool classify(const elf_module& m, scan_state& state) noexcept {
    module_kind kind{};
    if (part_of(m, kind) != nullptr) {
        return true;
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
        state.unwatched[n] = state.unwatched[n] || (names.roles & gives_shared) != 0;
        if ((names.roles & gives_crl) != 0 && (names.roles & lists_crl) != 0) {
            of.set_lists_crls();
        }
        if ((names.roles & alters_parsing) != 0) {
            state.then[n].disable = changes_parsing;
        }
        state.then[n].alters_algorithms =
            state.then[n].alters_algorithms || (names.roles & alters_algorithms) != 0;
    }
    return names.relocated;
}

bool patch(const elf_module& m, const scope& in, scan_state& state) noexcept {
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
            const bool late = r.may_be_lazy && m.place().contains(value) && !in.deep_binding;
            if (void* const entry = linker_entry(id, value, late); entry != nullptr) {
                (void)pages.write(r.slot, entry);
            }
            return;
        }
        if (!known.intercepts) {
            return; // only ibid's own functions use this result
        }
        const int n = bound_to(m, r, id, in);
        bool watched = false;
        if (n != not_bound) {
            const auto libcrypto_number = static_cast<unsigned>(n);
            const module_kind kind = of_program ? kind_of(known.classes[libcrypto_number]) : part;
            void* const entry = interpose::entry_point(id, kind, libcrypto_number);
            watched = entry == nullptr || value == entry || pages.write(r.slot, entry);
        } else if (!is_relocated(m, value)) {
            done = false; // nothing can be called by it so far
            return;
        }
        if (!of_program) {
            return;
        }
        // Each libcrypto that it may lead to.
        for (unsigned i = 0; i < libcrypto::count(); ++i) {
            if (n == not_bound || static_cast<int>(i) == n) {
                state.unwatched[i] = state.unwatched[i] || (!watched && interpose::is_for_writers(id));
                state.exposes_unseen[i] = state.exposes_unseen[i] || (!watched && interpose::exposes(id));
                state.then[i].may_have_exposed = state.then[i].may_have_exposed || interpose::exposes(id);
            }
        }
    });
    return done;
}

} // namespace ibid::openssl::modules
