// SPDX-License-Identifier: Apache-2.0
//
// See foreign_module.h.
#include "statistics/foreign_module.h"

#include "statistics/foreign_memory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ibid::shared_statistics {
namespace {

constexpr std::size_t most_segments = 64;

} // namespace

const Elf64_Phdr* foreign_module::segment(std::uint32_t type) const {
    const auto found = std::find_if(segments.begin(), segments.end(),
                                    [type](const Elf64_Phdr& s) { return s.p_type == type; });
    return found != segments.end() ? &*found : nullptr;
}

std::optional<foreign_module> foreign_module::read(pid_t pid, std::uint64_t start) {
    Elf64_Ehdr header{};
    if (!copy_from(pid, start, &header, sizeof(header)))
        return std::nullopt;
    errno = 0;
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 || header.e_phnum > most_segments)
        return std::nullopt;
    foreign_module m;
    m.segments.resize(header.e_phnum);
    if (!copy_from(pid, start + header.e_phoff, m.segments.data(), m.segments.size() * sizeof(Elf64_Phdr)))
        return std::nullopt;
    const Elf64_Phdr* const first = m.segment(PT_LOAD);
    if (first == nullptr)
        return std::nullopt;
    m.bias = start - (first->p_vaddr - first->p_offset);
    return m;
}

} // namespace ibid::shared_statistics
