// SPDX-License-Identifier: Apache-2.0
//
// Reading ELF headers: ELF-64 System V ABI, "Program Loading and Dynamic Linking"; <elf.h> names the fields.
#include "cli/programs/elf_file.h"

#include "cli/programs/mapped_file.h"

#include <algorithm>
#include <cstring>

#include <elf.h>

namespace ibid::cli {
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half this_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half this_machine = EM_AARCH64;
#else
#error "ibid runs on Linux x86-64 and arm64"
#endif

// A copy of the T at `offset`, because data in files may be unaligned.
template <class T>
std::optional<T> at(std::string_view bytes, std::uint64_t offset) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T))
        return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

std::string_view slice(std::string_view bytes, std::uint64_t offset, std::uint64_t length) {
    return offset > bytes.size() ? std::string_view{} : bytes.substr(offset, length);
}

std::string text_at(std::string_view bytes, std::uint64_t offset) {
    const std::string_view rest = slice(bytes, offset, std::string_view::npos);
    return std::string(rest.substr(0, rest.find('\0')));
}

std::vector<Elf64_Phdr> program_headers(std::string_view bytes, const Elf64_Ehdr& header) {
    std::vector<Elf64_Phdr> all;
    for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
        if (const auto h = at<Elf64_Phdr>(bytes, header.e_phoff + i * sizeof(Elf64_Phdr)))
            all.push_back(*h);
    }
    return all;
}

// The file offset of the byte that is loaded at `address`; past the end if there is none.
std::uint64_t file_offset(const std::vector<Elf64_Phdr>& headers, std::uint64_t address) {
    for (const Elf64_Phdr& h : headers) {
        if (h.p_type == PT_LOAD && address >= h.p_vaddr && address - h.p_vaddr < h.p_filesz)
            return h.p_offset + (address - h.p_vaddr);
    }
    return UINT64_MAX;
}

struct relocations {
    std::uint64_t offset = UINT64_MAX;
    std::uint64_t bytes = 0;
    std::uint64_t relative = 0; // this many at the front name no symbol

    // Whether one of them names a function that the file itself defines.
    [[nodiscard]] bool name_own_function(std::string_view file, std::uint64_t symbols) const {
        const std::string_view table = slice(file, offset, bytes);
        const std::string_view names = slice(file, symbols, std::string_view::npos);
        for (std::uint64_t i = std::min<std::uint64_t>(relative, table.size());; ++i) {
            const auto relocation = at<Elf64_Rela>(table, i * sizeof(Elf64_Rela));
            if (!relocation)
                return false;
            const auto symbol = at<Elf64_Sym>(names, ELF64_R_SYM(relocation->r_info) * sizeof(Elf64_Sym));
            if (symbol && symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC)
                return true;
        }
    }
};

void read_dynamic(std::string_view bytes, const std::vector<Elf64_Phdr>& headers, const Elf64_Phdr& section,
                  elf_file& into) {
    const std::string_view dynamic = slice(bytes, section.p_offset, section.p_filesz);
    std::vector<std::uint64_t> needed;
    std::uint64_t soname = 0;
    std::uint64_t strings = UINT64_MAX;
    std::uint64_t symbols = UINT64_MAX;
    relocations of_calls;
    relocations of_data; // and of calls, with -fno-plt
    for (std::uint64_t offset = 0;; offset += sizeof(Elf64_Dyn)) {
        const auto entry = at<Elf64_Dyn>(dynamic, offset);
        if (!entry || entry->d_tag == DT_NULL)
            break;
        switch (entry->d_tag) {
        case DT_NEEDED:
            needed.push_back(entry->d_un.d_val);
            break;
        case DT_SONAME:
            soname = entry->d_un.d_val;
            break;
        case DT_STRTAB:
            strings = file_offset(headers, entry->d_un.d_ptr);
            break;
        case DT_SYMTAB:
            symbols = file_offset(headers, entry->d_un.d_ptr);
            break;
        case DT_JMPREL:
            of_calls.offset = file_offset(headers, entry->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            of_calls.bytes = entry->d_un.d_val;
            break;
        case DT_RELA:
            of_data.offset = file_offset(headers, entry->d_un.d_ptr);
            break;
        case DT_RELASZ:
            of_data.bytes = entry->d_un.d_val;
            break;
        case DT_RELACOUNT:
            of_data.relative = entry->d_un.d_val;
            break;
        case DT_AUDIT:
        case DT_DEPAUDIT:
            into.audited = true;
            break;
        case DT_SYMBOLIC:
            into.symbolic = true;
            break;
        case DT_FLAGS:
            into.symbolic = into.symbolic || (entry->d_un.d_val & DF_SYMBOLIC) != 0;
            break;
        default:
            break;
        }
    }
    const std::string_view table = slice(bytes, strings, std::string_view::npos);
    for (const std::uint64_t name : needed)
        into.needed.push_back(text_at(table, name));
    if (soname != 0)
        into.soname = text_at(table, soname);
    // -Bsymbolic sets a flag in the file. With -Bsymbolic-functions (Ubuntu's default) there is no flag, but
    // no relocation names one of the file's own functions.
    if (!into.soname.empty() && symbols < bytes.size() && !of_calls.name_own_function(bytes, symbols) &&
        !of_data.name_own_function(bytes, symbols))
        into.symbolic = true;
}

} // namespace

std::optional<elf_file> parse_elf(std::string_view bytes) {
    if (!bytes.starts_with(std::string_view(ELFMAG, SELFMAG)) || bytes.size() < EI_NIDENT)
        return std::nullopt;
    elf_file found;
    const auto header = at<Elf64_Ehdr>(bytes, 0);
    if (bytes[EI_CLASS] != ELFCLASS64 || bytes[EI_DATA] != ELFDATA2LSB || !header ||
        header->e_machine != this_machine || header->e_phentsize != sizeof(Elf64_Phdr))
        return found;
    found.native = true;
    const std::vector<Elf64_Phdr> headers = program_headers(bytes, *header);
    found.is_cut = headers.size() < header->e_phnum ||
                   std::any_of(headers.begin(), headers.end(), [&bytes](const Elf64_Phdr& h) {
                       return h.p_type == PT_LOAD && slice(bytes, h.p_offset, h.p_filesz).size() < h.p_filesz;
                   });
    for (const Elf64_Phdr& h : headers) {
        if (h.p_type == PT_INTERP) {
            found.interpreter = text_at(slice(bytes, h.p_offset, h.p_filesz), 0);
        } else if (h.p_type == PT_DYNAMIC) {
            found.dynamic = true;
            read_dynamic(bytes, headers, h, found);
        }
    }
    return found;
}

std::optional<elf_file> read_elf(const std::string& path) {
    return parse_elf(mapped_file(path).bytes());
}

void for_each_symbol(std::string_view bytes, const std::function<void(std::string_view, bool)>& call) {
    const auto header = at<Elf64_Ehdr>(bytes, 0);
    const std::optional<elf_file> file = parse_elf(bytes);
    if (!header || !file || !file->native || header->e_shentsize != sizeof(Elf64_Shdr))
        return;
    const auto section = [&](std::uint64_t i) {
        return i < header->e_shnum ? at<Elf64_Shdr>(bytes, header->e_shoff + i * sizeof(Elf64_Shdr))
                                   : std::nullopt;
    };
    for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
        const auto symbols = section(i);
        if (!symbols || symbols->sh_type != SHT_DYNSYM)
            continue;
        const auto strings = section(symbols->sh_link);
        if (!strings)
            continue;
        const std::string_view table = slice(bytes, symbols->sh_offset, symbols->sh_size);
        const std::string_view names = slice(bytes, strings->sh_offset, strings->sh_size);
        for (std::uint64_t n = 1;; ++n) { // the first one is no symbol
            const auto symbol = at<Elf64_Sym>(table, n * sizeof(Elf64_Sym));
            if (!symbol)
                break;
            const std::string_view rest = slice(names, symbol->st_name, std::string_view::npos);
            if (const std::string_view name = rest.substr(0, rest.find('\0')); !name.empty())
                call(name, symbol->st_shndx != SHN_UNDEF);
        }
    }
}

std::vector<std::string_view> data_of(std::string_view bytes) {
    struct range {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };
    std::vector<range> ranges;
    const auto header = at<Elf64_Ehdr>(bytes, 0);
    const bool has_sections = header && std::memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
                              header->e_ident[EI_CLASS] == ELFCLASS64 &&
                              header->e_shentsize == sizeof(Elf64_Shdr);
    for (std::uint64_t i = 0; has_sections && i < header->e_shnum; ++i) {
        const auto s = at<Elf64_Shdr>(bytes, header->e_shoff + i * sizeof(Elf64_Shdr));
        if (!s || s->sh_offset > bytes.size() || s->sh_size > bytes.size() - s->sh_offset)
            return {bytes}; // damaged, or of another byte order
        if ((s->sh_flags & SHF_ALLOC) != 0 && (s->sh_flags & SHF_EXECINSTR) == 0 && s->sh_type != SHT_NOBITS)
            ranges.push_back({s->sh_offset, s->sh_offset + s->sh_size});
    }
    std::sort(ranges.begin(), ranges.end(), [](const range& a, const range& b) { return a.begin < b.begin; });
    std::vector<std::string_view> all;
    std::uint64_t end = 0; // sections of a forged file may overlap
    for (const range& r : ranges) {
        if (r.end <= end)
            continue;
        const std::uint64_t begin = std::max(r.begin, end);
        all.push_back(bytes.substr(begin, r.end - begin));
        end = r.end;
    }
    return all.empty() ? std::vector<std::string_view>{bytes} : all;
}

std::string openssl_version_in(std::string_view bytes) {
    constexpr std::string_view name = "OpenSSL ";
    for (std::size_t from = bytes.find(name); from != std::string_view::npos;
         from = bytes.find(name, from + 1)) {
        const std::string_view rest = bytes.substr(from + name.size(), 40);
        const std::string_view version = rest.substr(0, rest.find(' '));
        const auto is_part = [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '-';
        };
        // "3.0.19 27 Jan 2026", "1.1.1w  11 Sep 2023", "3.6.0-dev xx XXX xxxx", "1.1.1 (compatible;
        // BoringSSL)": messages that name a version have other words behind it.
        const std::size_t next = rest.find_first_not_of(' ', version.size());
        const bool has_date = next != std::string_view::npos && ((rest[next] >= '0' && rest[next] <= '9') ||
                                                                 rest[next] == 'x' || rest[next] == '(');
        if (has_date && version.size() >= 5 && version[0] >= '0' && version[0] <= '9' &&
            std::count(version.begin(), version.end(), '.') == 2 &&
            std::all_of(version.begin(), version.end(), is_part))
            return std::string(version);
    }
    return {};
}

std::string openssl_version_of(const std::string& path) {
    return openssl_version_in(mapped_file(path).bytes());
}

} // namespace ibid::cli
