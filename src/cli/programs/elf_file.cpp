// SPDX-License-Identifier: Apache-2.0
//
// Reading ELF headers: ELF-64 System V ABI, "Program Loading and Dynamic Linking"; <elf.h> names the fields.
#include "cli/programs/elf_file.h"

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

// A hostile file may have as many of each as it has bytes, and name the same text in each.
constexpr std::size_t longest_text = 4096; // PATH_MAX: longer is no file's name
constexpr std::size_t longest_symbol = 255;
constexpr std::uint64_t most_dynamic_entries = 1 << 16;
constexpr std::size_t most_needed = 4096;
constexpr std::uint64_t most_symbols = 1 << 20; // and relocations; the largest libraries have a fifth

std::string text_at(const file_bytes& file, std::uint64_t offset) {
    const std::string_view rest = file.slice(offset, longest_text);
    return std::string(rest.substr(0, rest.find('\0')));
}

std::vector<Elf64_Phdr> program_headers(const file_bytes& file, const Elf64_Ehdr& header) {
    std::vector<Elf64_Phdr> all;
    for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
        if (const auto h = file.at<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr)))
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
    std::uint64_t address = UINT64_MAX;
    std::uint64_t bytes = 0;
    std::uint64_t relative = 0; // this many at the front name no symbol

    // Whether one of them names a function that the file itself defines. `symbols`: offset of the table.
    [[nodiscard]] bool name_own_function(const file_bytes& file, const std::vector<Elf64_Phdr>& headers,
                                         std::uint64_t symbols) const {
        const std::uint64_t table = file_offset(headers, address);
        const std::uint64_t count = table < file.size() ? bytes / sizeof(Elf64_Rela) : 0;
        for (std::uint64_t i = relative; i < count && i - relative < most_symbols; ++i) {
            const auto relocation = file.at<Elf64_Rela>(table + i * sizeof(Elf64_Rela));
            if (!relocation)
                return false;
            const auto symbol =
                file.at<Elf64_Sym>(symbols + ELF64_R_SYM(relocation->r_info) * sizeof(Elf64_Sym));
            if (symbol && symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC)
                return true;
        }
        return false;
    }
};

void read_dynamic(const file_bytes& file, const std::vector<Elf64_Phdr>& headers, const Elf64_Phdr& section,
                  elf_file& into) {
    std::vector<std::uint64_t> needed;
    std::uint64_t soname = 0;
    std::uint64_t strings = UINT64_MAX; // addresses
    std::uint64_t symbols = UINT64_MAX;
    relocations of_calls;
    relocations of_data; // and of calls, with -fno-plt
    const std::uint64_t count =
        std::min<std::uint64_t>(section.p_filesz / sizeof(Elf64_Dyn), most_dynamic_entries);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto entry = file.at<Elf64_Dyn>(section.p_offset + i * sizeof(Elf64_Dyn));
        if (!entry || entry->d_tag == DT_NULL)
            break;
        switch (entry->d_tag) {
        case DT_NEEDED:
            if (needed.size() < most_needed)
                needed.push_back(entry->d_un.d_val);
            break;
        case DT_SONAME:
            soname = entry->d_un.d_val;
            break;
        case DT_STRTAB:
            strings = entry->d_un.d_ptr;
            break;
        case DT_SYMTAB:
            symbols = entry->d_un.d_ptr;
            break;
        case DT_JMPREL:
            of_calls.address = entry->d_un.d_ptr;
            break;
        case DT_PLTRELSZ:
            of_calls.bytes = entry->d_un.d_val;
            break;
        case DT_RELA:
            of_data.address = entry->d_un.d_ptr;
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
    const std::uint64_t names = file_offset(headers, strings);
    const auto name_at = [&](std::uint64_t offset) {
        return names < file.size() && offset < file.size() ? text_at(file, names + offset) : std::string();
    };
    for (const std::uint64_t name : needed)
        into.needed.push_back(name_at(name));
    if (soname != 0)
        into.soname = name_at(soname);
    // -Bsymbolic sets a flag in the file. With -Bsymbolic-functions (Ubuntu's default) there is no flag, but
    // no relocation names one of the file's own functions.
    const std::uint64_t table = file_offset(headers, symbols);
    if (!into.soname.empty() && table < file.size() && !of_calls.name_own_function(file, headers, table) &&
        !of_data.name_own_function(file, headers, table))
        into.symbolic = true;
}

} // namespace

std::optional<elf_file> parse_elf(const file_bytes& file) {
    const std::string_view identification = file.slice(0, EI_NIDENT);
    if (!identification.starts_with(std::string_view(ELFMAG, SELFMAG)) || identification.size() < EI_NIDENT)
        return std::nullopt;
    elf_file found;
    const auto header = file.at<Elf64_Ehdr>(0);
    if (identification[EI_CLASS] != ELFCLASS64 || identification[EI_DATA] != ELFDATA2LSB || !header ||
        header->e_machine != this_machine || header->e_phentsize != sizeof(Elf64_Phdr))
        return found;
    found.native = true;
    const std::vector<Elf64_Phdr> headers = program_headers(file, *header);
    found.is_cut = headers.size() < header->e_phnum ||
                   std::any_of(headers.begin(), headers.end(), [&file](const Elf64_Phdr& h) {
                       return h.p_type == PT_LOAD && !file.has(h.p_offset, h.p_filesz);
                   });
    const auto first = [&headers](Elf64_Word type) {
        return std::find_if(headers.begin(), headers.end(),
                            [type](const Elf64_Phdr& h) { return h.p_type == type; });
    };
    if (const auto h = first(PT_INTERP); h != headers.end())
        found.interpreter = text_at(file, h->p_offset).substr(0, h->p_filesz);
    if (const auto h = first(PT_DYNAMIC); h != headers.end()) {
        found.dynamic = true;
        read_dynamic(file, headers, *h, found);
    }
    return found;
}

std::optional<elf_file> read_elf(const std::string& path) {
    return parse_elf(file_bytes(path));
}

void for_each_symbol(const file_bytes& file, const std::function<void(std::string_view, bool)>& call) {
    const auto header = file.at<Elf64_Ehdr>(0);
    const std::optional<elf_file> parsed = parse_elf(file);
    if (!header || !parsed || !parsed->native || header->e_shentsize != sizeof(Elf64_Shdr))
        return;
    const auto section = [&](std::uint64_t i) {
        return i < header->e_shnum ? file.at<Elf64_Shdr>(header->e_shoff + i * sizeof(Elf64_Shdr))
                                   : std::nullopt;
    };
    std::optional<Elf64_Shdr> symbols;
    for (std::uint64_t i = 0; i < header->e_shnum && !symbols; ++i) {
        symbols = section(i);
        if (symbols && symbols->sh_type != SHT_DYNSYM)
            symbols.reset();
    }
    const auto strings = symbols ? section(symbols->sh_link) : std::nullopt;
    if (!strings)
        return;
    const std::string_view names = file.slice(strings->sh_offset, strings->sh_size);
    const std::uint64_t count = std::min<std::uint64_t>(symbols->sh_size / sizeof(Elf64_Sym), most_symbols);
    for (std::uint64_t n = 1; n < count; ++n) { // the first one is no symbol
        const auto symbol = file.at<Elf64_Sym>(symbols->sh_offset + n * sizeof(Elf64_Sym));
        if (!symbol)
            break;
        if (symbol->st_name >= names.size())
            continue;
        const std::string_view rest = names.substr(symbol->st_name, longest_symbol + 1);
        const std::string_view name = rest.substr(0, rest.find('\0'));
        if (!name.empty() && name.size() <= longest_symbol)
            call(name, symbol->st_shndx != SHN_UNDEF);
    }
}

bool any_data(const file_bytes& file, const file_bytes::part_test& is_it) {
    struct range {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };
    std::vector<range> ranges;
    const auto header = file.at<Elf64_Ehdr>(0);
    const bool has_sections = header && std::memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
                              header->e_ident[EI_CLASS] == ELFCLASS64 &&
                              header->e_shentsize == sizeof(Elf64_Shdr);
    for (std::uint64_t i = 0; has_sections && i < header->e_shnum; ++i) {
        const auto s = file.at<Elf64_Shdr>(header->e_shoff + i * sizeof(Elf64_Shdr));
        if (!s || !file.has(s->sh_offset, s->sh_size)) { // damaged, or of another byte order
            ranges.clear();
            break;
        }
        if ((s->sh_flags & SHF_ALLOC) != 0 && (s->sh_flags & SHF_EXECINSTR) == 0 && s->sh_type != SHT_NOBITS)
            ranges.push_back({s->sh_offset, s->sh_offset + s->sh_size});
    }
    if (ranges.empty())
        ranges.push_back({0, file.size()});
    // Sections of a forged file may overlap.
    std::sort(ranges.begin(), ranges.end(), [](const range& a, const range& b) { return a.begin < b.begin; });
    std::uint64_t left = file_bytes::most_read;
    std::uint64_t end = 0;
    return std::any_of(ranges.begin(), ranges.end(), [&](const range& r) {
        const std::uint64_t begin = std::max(r.begin, end);
        if (r.end <= begin)
            return false;
        end = r.end;
        const std::uint64_t length = std::min(end - begin, left);
        left -= length;
        return file.any_part(begin, length, is_it);
    });
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
    std::string version;
    any_data(file_bytes(path), [&version](std::string_view part, std::uint64_t) {
        version = openssl_version_in(part);
        return !version.empty();
    });
    return version;
}

} // namespace ibid::cli
