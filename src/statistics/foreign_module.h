// SPDX-License-Identifier: Apache-2.0
//
// The ELF headers of a module in another process's memory.
//
// Law: as foreign_memory.h. A process may alter its private copy of a file, so what is read of one process
// says nothing of another that has mapped the same file.
//
//     if (const auto module = foreign_module::read(pid, mapping.start))
//         module->segment(PT_TLS) ...
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <elf.h>
#include <sys/types.h>

namespace ibid::shared_statistics {

struct foreign_module {
    std::uint64_t bias = 0; // an address in the process is bias + p_vaddr
    std::vector<Elf64_Phdr> segments;

    // The first one of a type; null: there is none.
    [[nodiscard]] const Elf64_Phdr* segment(std::uint32_t type) const;

    // `start`: where the file's start is mapped. Nothing, with errno 0: it is no ELF file of 64 bits;
    // otherwise it cannot be read.
    [[nodiscard]] static std::optional<foreign_module> read(pid_t pid, std::uint64_t start);
};

} // namespace ibid::shared_statistics
