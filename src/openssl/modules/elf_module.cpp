// SPDX-License-Identifier: Apache-2.0
#include "elf_module.h"

#include <cstring>

#include <unistd.h>

namespace ibid::openssl {

namespace {

[[nodiscard]] std::uintptr_t page_size() noexcept {
    static const auto size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    return size;
}

constexpr ElfW(Half) hidden = 0x8000; // in an index of versions: not the default

// The record that follows at this distance; null: none. For Verneed, Vernaux and Verdef.
template <class Record>
[[nodiscard]] const Record* following(const Record* r, ElfW(Word) distance) noexcept {
    return distance != 0
               ? reinterpret_cast<const Record*>(reinterpret_cast<const unsigned char*>(r) + distance)
               : nullptr;
}
template <class Part, class Record>
[[nodiscard]] const Part* part_of(const Record* r, ElfW(Word) distance) noexcept {
    return reinterpret_cast<const Part*>(reinterpret_cast<const unsigned char*>(r) + distance);
}

} // namespace

elf_module::elf_module(const dl_phdr_info& info) noexcept
    : name_(info.dlpi_name != nullptr ? info.dlpi_name : ""), base_(info.dlpi_addr) {
    ElfW(Addr) low = ~ElfW(Addr){0};
    ElfW(Addr) high = 0;
    for (ElfW(Half) i = 0; i < info.dlpi_phnum; ++i) {
        const ElfW(Phdr)& p = info.dlpi_phdr[i];
        const ElfW(Addr) start = base_ + p.p_vaddr;
        switch (p.p_type) {
        case PT_LOAD:
            low = start < low ? start : low;
            high = start + p.p_memsz > high ? start + p.p_memsz : high;
            break;
        case PT_DYNAMIC:
            dynamic_ = reinterpret_cast<const ElfW(Dyn)*>(start);
            break;
        case PT_GNU_RELRO: { // whole pages, as the dynamic linker protects them
            const ElfW(Addr) mask = ~(page_size() - 1);
            relro_ = {reinterpret_cast<const void*>(start & mask),
                      reinterpret_cast<const void*>((start + p.p_memsz) & mask)};
            break;
        }
        default:
            break;
        }
    }
    if (high != 0 && dynamic_ != nullptr) {
        place_ = {reinterpret_cast<const void*>(low), reinterpret_cast<const void*>(high)};
        read_dynamic();
    }
}

// Whether the loader has relocated the addresses in a dynamic section depends on the loader and the machine.
template <class T>
const T* elf_module::at(ElfW(Addr) address) const noexcept {
    const bool moved = address >= reinterpret_cast<ElfW(Addr)>(place_.start);
    return reinterpret_cast<const T*>(moved ? address : base_ + address);
}

void elf_module::read_dynamic() noexcept {
    std::size_t call_bytes = 0;
    std::size_t data_bytes = 0;
    std::size_t relative = 0;
    for (const ElfW(Dyn)* d = dynamic_; d->d_tag != DT_NULL; ++d) {
        switch (d->d_tag) {
        case DT_SYMTAB:
            symbols_ = at<ElfW(Sym)>(d->d_un.d_ptr);
            break;
        case DT_STRTAB:
            strings_ = at<char>(d->d_un.d_ptr);
            break;
        case DT_SONAME:
            soname_ = d->d_un.d_val;
            break;
        case DT_VERSYM:
            versions_ = at<ElfW(Half)>(d->d_un.d_ptr);
            break;
        case DT_VERNEED:
            needed_versions_ = at<ElfW(Verneed)>(d->d_un.d_ptr);
            break;
        case DT_VERDEF:
            defined_versions_ = at<ElfW(Verdef)>(d->d_un.d_ptr);
            break;
        case DT_GNU_HASH:
            gnu_hash_ = at<std::uint32_t>(d->d_un.d_ptr);
            break;
        case DT_HASH:
            sysv_hash_ = at<std::uint32_t>(d->d_un.d_ptr);
            break;
        case DT_JMPREL:
            calls_.begin = at<ElfW(Rela)>(d->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            call_bytes = d->d_un.d_val;
            break;
        case DT_RELA:
            data_.begin = at<ElfW(Rela)>(d->d_un.d_ptr);
            break;
        case DT_RELASZ:
            data_bytes = d->d_un.d_val;
            break;
        case DT_RELACOUNT:
            relative = d->d_un.d_val;
            break;
        case DT_SYMBOLIC:
            symbolic_ = true;
            break;
        case DT_FLAGS:
            symbolic_ = symbolic_ || (d->d_un.d_val & DF_SYMBOLIC) != 0;
            break;
        case DT_FLAGS_1:
            never_unloaded_ = (d->d_un.d_val & DF_1_NODELETE) != 0;
            break;
        case DT_RPATH:
        case DT_RUNPATH:
            has_search_path_ = true;
            break;
        case DT_AUDIT:
        case DT_DEPAUDIT:
            asks_for_audit_ = true;
            break;
        default:
            break;
        }
    }
    calls_.count = calls_.begin != nullptr ? call_bytes / sizeof(ElfW(Rela)) : 0;
    data_.count = data_.begin != nullptr ? data_bytes / sizeof(ElfW(Rela)) : 0;
    if (relative <= data_.count && data_.count != 0) { // relative relocations come first and name no symbol
        data_.begin += relative;
        data_.count -= relative;
    }
}

bool elf_module::defines(const ElfW(Sym) & symbol, const char* name) const noexcept {
    const auto type = ELF64_ST_TYPE(symbol.st_info);
    return symbol.st_shndx != SHN_UNDEF && symbol.st_value != 0 &&
           (type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE) &&
           std::strcmp(strings_ + symbol.st_name, name) == 0;
}

const ElfW(Sym) * elf_module::look_in_gnu_table(const char* name, std::uint32_t hash) const noexcept {
    const std::uint32_t buckets = gnu_hash_[0];
    const std::uint32_t first = gnu_hash_[1];
    const std::uint32_t words = gnu_hash_[2];
    const std::uint32_t shift = gnu_hash_[3];
    constexpr std::uint32_t bits = 64;
    const auto* const filter = reinterpret_cast<const std::uint64_t*>(gnu_hash_ + 4);
    const auto* const bucket = reinterpret_cast<const std::uint32_t*>(filter + words);
    const std::uint32_t* const chain = bucket + buckets;
    const std::uint64_t word = filter[(hash / bits) & (words - 1)];
    if (buckets == 0 || ((word >> (hash % bits)) & (word >> ((hash >> shift) % bits)) & 1) == 0) {
        return nullptr;
    }
    for (std::uint32_t i = bucket[hash % buckets]; i >= first; ++i) {
        const std::uint32_t h = chain[i - first];
        if ((h | 1) == (hash | 1) && defines(symbols_[i], name)) {
            return &symbols_[i];
        }
        if ((h & 1) != 0) { // the last of its chain
            break;
        }
    }
    return nullptr;
}

const ElfW(Sym) * elf_module::look_in_sysv_table(const char* name) const noexcept {
    std::uint32_t hash = 0;
    for (const char* c = name; *c != '\0'; ++c) {
        hash = (hash << 4) + static_cast<unsigned char>(*c);
        hash = (hash ^ ((hash & 0xf0000000U) >> 24)) & 0x0fffffffU;
    }
    const std::uint32_t buckets = sysv_hash_[0];
    const std::uint32_t* const bucket = sysv_hash_ + 2;
    const std::uint32_t* const chain = bucket + buckets;
    for (std::uint32_t i = buckets != 0 ? bucket[hash % buckets] : 0; i != 0; i = chain[i]) {
        if (defines(symbols_[i], name)) {
            return &symbols_[i];
        }
    }
    return nullptr;
}

const ElfW(Sym) * elf_module::find_symbol(const char* name, std::uint32_t hash) const noexcept {
    if (!readable()) {
        return nullptr;
    }
    if (gnu_hash_ != nullptr) {
        return look_in_gnu_table(name, hash);
    }
    return sysv_hash_ != nullptr ? look_in_sysv_table(name) : nullptr;
}

void* elf_module::find(const char* name, std::uint32_t hash) const noexcept {
    const ElfW(Sym)* const symbol = find_symbol(name, hash);
    return symbol != nullptr ? reinterpret_cast<void*>(base_ + symbol->st_value) : nullptr;
}

void* elf_module::find_function(const char* name) const noexcept {
    const ElfW(Sym)* const symbol = find_symbol(name, symbol_hash(name));
    // STT_NOTYPE: defined in assembler. An IFUNC resolver is not the function itself.
    const bool is_function = symbol != nullptr && (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC ||
                                                   ELF64_ST_TYPE(symbol->st_info) == STT_NOTYPE);
    return is_function ? reinterpret_cast<void*>(base_ + symbol->st_value) : nullptr;
}

const char* elf_module::version_of(const char* name, std::uint32_t hash) const noexcept {
    const ElfW(Sym)* const symbol = versions_ != nullptr ? find_symbol(name, hash) : nullptr;
    if (symbol == nullptr) {
        return nullptr;
    }
    const unsigned index = versions_[symbol - symbols_] & ~unsigned{hidden};
    for (const auto* d = defined_versions_; d != nullptr; d = following(d, d->vd_next)) {
        if (d->vd_ndx == index && (d->vd_flags & VER_FLG_BASE) == 0) {
            return strings_ + part_of<ElfW(Verdaux)>(d, d->vd_aux)->vda_name;
        }
    }
    return nullptr;
}

bool elf_module::needs(std::uint32_t hash) const noexcept {
    bool found = false;
    for (const ElfW(Dyn)* d = dynamic_; readable() && d->d_tag != DT_NULL; ++d) {
        found = found || (d->d_tag == DT_NEEDED && hash_of_file(strings_ + d->d_un.d_val) == hash);
    }
    return found;
}

elf_module::requirement elf_module::required_by(const reference& r) const noexcept {
    if (versions_ == nullptr) {
        return {};
    }
    const unsigned index = versions_[r.symbol] & ~unsigned{hidden};
    for (const auto* n = needed_versions_; n != nullptr; n = following(n, n->vn_next)) {
        const auto* of_file = part_of<ElfW(Vernaux)>(n, n->vn_aux);
        for (; of_file != nullptr; of_file = following(of_file, of_file->vna_next)) {
            if (of_file->vna_other == index) {
                return {strings_ + of_file->vna_name, strings_ + n->vn_file};
            }
        }
    }
    return {};
}

std::size_t elf_module::size_of(const char* name) const noexcept {
    const ElfW(Sym)* const symbol = find_symbol(name, symbol_hash(name));
    return symbol != nullptr ? symbol->st_size : 0;
}

bool elf_module::binds_to_itself() const noexcept {
    if (symbolic_ || !readable()) {
        return true;
    }
    for (const table& t : {calls_, data_}) {
        for (std::size_t i = 0; i < t.count; ++i) {
            const ElfW(Sym)& symbol = symbols_[ELF64_R_SYM(t.begin[i].r_info)];
            if (symbol.st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol.st_info) == STT_FUNC) {
                return false;
            }
        }
    }
    return true;
}

} // namespace ibid::openssl
