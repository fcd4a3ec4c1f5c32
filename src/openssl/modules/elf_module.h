// SPDX-License-Identifier: Apache-2.0
//
// One module that the dynamic linker has mapped, read from its own program headers and dynamic section.
// Source: the ELF gABI, chapter 5; the GNU hash table as glibc's elf/dl-lookup.c reads it.
//
// Law: nothing here calls the dynamic linker, takes a lock, or allocates. A module is read while it cannot be
// unmapped: inside a callback of dl_iterate_phdr.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <elf.h>
#include <link.h>

#include "openssl/binding/extent.h"

namespace ibid::openssl {

// The hash of a symbol's name, as in a GNU hash table.
[[nodiscard]] constexpr std::uint32_t symbol_hash(std::string_view name) noexcept {
    std::uint32_t h = 5381;
    for (const char c : name) {
        h = h * 33 + static_cast<unsigned char>(c);
    }
    return h;
}

// The hash of the last part of a path.
[[nodiscard]] constexpr std::uint32_t hash_of_file(std::string_view path) noexcept {
    return symbol_hash(path.substr(path.rfind('/') + 1));
}

class elf_module {
public:
    explicit elf_module(const dl_phdr_info& info) noexcept;

    // Whether the module has the tables that this class reads.
    [[nodiscard]] bool readable() const noexcept { return symbols_ != nullptr && strings_ != nullptr; }

    // The dynamic linker's name for it; empty for the program.
    [[nodiscard]] const char* name() const noexcept { return name_; }
    // The name under which other modules need it (DT_SONAME); null: none.
    [[nodiscard]] const char* soname() const noexcept {
        return soname_ != 0 && strings_ != nullptr ? strings_ + soname_ : nullptr;
    }
    // Whether the module is loaded together with the library of this name (DT_NEEDED). `hash`:
    // hash_of_file(name).
    [[nodiscard]] bool needs(std::uint32_t hash) const noexcept;
    [[nodiscard]] extent place() const noexcept { return place_; }
    [[nodiscard]] const void* dynamic() const noexcept { return dynamic_; }

    // The function or object that the module defines under this name; null: none. `hash`: symbol_hash(name).
    [[nodiscard]] void* find(const char* name, std::uint32_t hash) const noexcept;
    [[nodiscard]] void* find(const char* name) const noexcept { return find(name, symbol_hash(name)); }
    // The same, if it is a function.
    [[nodiscard]] void* find_function(const char* name) const noexcept;
    // The version of that definition (VERSIONS in a linker script); null: it has none.
    [[nodiscard]] const char* version_of(const char* name, std::uint32_t hash) const noexcept;
    // The size of that function in bytes; 0: not known.
    [[nodiscard]] std::size_t size_of(const char* name) const noexcept;

    // DF_1_NODELETE: once loaded, it stays.
    [[nodiscard]] bool is_never_unloaded() const noexcept { return never_unloaded_; }
    // The module has search paths of its own (DT_RPATH, DT_RUNPATH), and calls other modules, which may open
    // what is found there. The kernel's vDSO has such a path on some systems, and calls nobody.
    [[nodiscard]] bool has_search_path() const noexcept {
        return has_search_path_ && calls_.count + data_.count != 0;
    }
    // The module requests an auditor: DT_AUDIT, DT_DEPAUDIT.
    [[nodiscard]] bool asks_for_audit() const noexcept { return asks_for_audit_; }
    // Calls inside the module are not interposed by modules before it in the link order. With -Bsymbolic,
    // upstream's default, the file has a flag. With -Bsymbolic-functions, Ubuntu's default, it has no flag,
    // but no relocation names a function of the module itself.
    [[nodiscard]] bool binds_to_itself() const noexcept;

    // Pages that became read-only after relocation (PT_GNU_RELRO); empty: none.
    [[nodiscard]] extent read_only_after_relocation() const noexcept { return relro_; }

    struct reference {
        const char* name;
        void** slot;      // holds the address that the name is bound to
        bool may_be_lazy; // until the first call it leads back into the module (JUMP_SLOT)
        const void* own;  // the module's own definition of that name; null: none
        std::size_t symbol;
    };

    // What a reference requires; null: any. The dynamic linker binds it to a definition of the same version,
    // or to one in a module that has no versions. The file is where the module found it when it was linked.
    struct requirement {
        const char* version = nullptr;
        const char* file = nullptr;
    };
    [[nodiscard]] requirement required_by(const reference& r) const noexcept;

    // Calls f(reference) for each place that holds the address of a named symbol.
    template <class Function>
    void for_each_reference(Function f) const {
        for (const table& t : {calls_, data_}) {
            for (std::size_t i = 0; i < t.count; ++i) {
                const ElfW(Rela)& r = t.begin[i];
                const auto symbol = ELF64_R_SYM(r.r_info);
                const auto type = ELF64_R_TYPE(r.r_info);
                if (symbol != 0 &&
                    (type == jump_slot || type == in_got || (type == absolute && r.r_addend == 0))) {
                    const ElfW(Sym)& s = symbols_[symbol];
                    f(reference{
                        strings_ + s.st_name, reinterpret_cast<void**>(base_ + r.r_offset), type == jump_slot,
                        s.st_shndx != SHN_UNDEF ? reinterpret_cast<const void*>(base_ + s.st_value) : nullptr,
                        symbol});
                }
            }
        }
    }

private:
#if defined(__x86_64__)
    static constexpr auto jump_slot = R_X86_64_JUMP_SLOT;
    static constexpr auto in_got = R_X86_64_GLOB_DAT;
    static constexpr auto absolute = R_X86_64_64;
#elif defined(__aarch64__)
    static constexpr auto jump_slot = R_AARCH64_JUMP_SLOT;
    static constexpr auto in_got = R_AARCH64_GLOB_DAT;
    static constexpr auto absolute = R_AARCH64_ABS64;
#else
#error "ibid's OpenSSL layer knows x86-64 and arm64"
#endif
    struct table {
        const ElfW(Rela) * begin = nullptr;
        std::size_t count = 0;
    };

    [[nodiscard]] const ElfW(Sym) * find_symbol(const char* name, std::uint32_t hash) const noexcept;
    [[nodiscard]] const ElfW(Sym) * look_in_gnu_table(const char* name, std::uint32_t hash) const noexcept;
    [[nodiscard]] const ElfW(Sym) * look_in_sysv_table(const char* name) const noexcept;
    [[nodiscard]] bool defines(const ElfW(Sym) & symbol, const char* name) const noexcept;
    void read_dynamic() noexcept;
    template <class T>
    [[nodiscard]] const T* at(ElfW(Addr) address) const noexcept;

    const char* name_;
    ElfW(Addr) base_;
    extent place_;
    extent relro_;
    const ElfW(Dyn) * dynamic_ = nullptr;
    const ElfW(Sym) * symbols_ = nullptr;
    const char* strings_ = nullptr;
    const ElfW(Half) * versions_ = nullptr; // of each symbol, as an index into the next two
    const ElfW(Verneed) * needed_versions_ = nullptr;
    const ElfW(Verdef) * defined_versions_ = nullptr;
    const std::uint32_t* gnu_hash_ = nullptr;
    const std::uint32_t* sysv_hash_ = nullptr;
    std::size_t soname_ = 0; // among the strings
    table calls_;            // of the procedure linkage table
    table data_;             // of everything else; and of calls, with -fno-plt
    bool never_unloaded_ = false;
    bool has_search_path_ = false;
    bool asks_for_audit_ = false;
    bool symbolic_ = false;
};

} // namespace ibid::openssl
