// SPDX-License-Identifier: Apache-2.0
//
// Finds published caches without help of the process: a signpost in the image of a module's thread-local
// storage (include/ibid/detail/port/signpost_elf.h) leads to the root of ibid's objects in that process, and
// the list of caches is one of them (process_wide.h, published.h).
#include "statistics/published_caches.h"

#include "statistics/foreign_memory.h"
#include "statistics/printable.h"

#include <ibid/published.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <elf.h>

namespace ibid::shared_statistics {
namespace {

constexpr std::size_t most_objects = 4096; // of the process's list
constexpr std::size_t most_files = 4096;   // that one process maps
constexpr std::uint64_t most_of_image = 1 << 20;

// Words of the process that is read: addresses in that process, never dereferenced here.
struct foreign_signpost {
    std::array<std::uint64_t, 2> magic;
    std::uint64_t root;
    std::uint64_t layout;
};
struct foreign_object {
    std::uint64_t next;
    std::uint64_t name;
    std::uint64_t object;
};
struct foreign_list {
    std::uint64_t magic;
    std::uint64_t bytes_of_counters;
    std::uint64_t first;
};
static_assert(sizeof(foreign_signpost) == sizeof(process::signpost));
static_assert(sizeof(foreign_object) == sizeof(process::process_object));
struct foreign_cache {
    std::uint64_t next;
    std::array<char, 112> name;
    std::uint64_t counters;
};
static_assert(sizeof(foreign_cache) == sizeof(process::published_cache));
static_assert(sizeof(foreign_list) == sizeof(process::published_caches));

// Which files have a signpost, and its offset from their start in memory; 0: none. A command examines each
// file only once, because processes share libraries.
using file = std::pair<std::string, std::uint64_t>; // device, inode
std::map<file, std::uint64_t>& known_files() {
    static std::map<file, std::uint64_t> all;
    return all;
}

// Of the ELF file whose start is mapped at `start`. 0: it has none. Nothing: it cannot be read.
std::optional<std::uint64_t> find_signpost(pid_t pid, std::uint64_t start) {
    Elf64_Ehdr header{};
    if (!copy_from(pid, start, &header, sizeof(header)))
        return std::nullopt;
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 || header.e_phnum > 64)
        return 0;
    std::vector<Elf64_Phdr> segments(header.e_phnum);
    if (!copy_from(pid, start + header.e_phoff, segments.data(), segments.size() * sizeof(Elf64_Phdr)))
        return std::nullopt;
    const auto of_type = [&segments](std::uint32_t type) {
        return std::find_if(segments.begin(), segments.end(),
                            [type](const Elf64_Phdr& s) { return s.p_type == type; });
    };
    const auto first = of_type(PT_LOAD);
    const auto storage = of_type(PT_TLS);
    if (first == segments.end() || storage == segments.end() || storage->p_filesz > most_of_image)
        return 0;
    const std::uint64_t image = start - (first->p_vaddr - first->p_offset) + storage->p_vaddr;
    std::vector<char> bytes(storage->p_filesz);
    if (!copy_from(pid, image, bytes.data(), bytes.size()))
        return std::nullopt;
    constexpr std::size_t step = alignof(process::signpost);
    for (std::size_t at = (0 - image) % step; at + sizeof(foreign_signpost) <= bytes.size(); at += step) {
        foreign_signpost s{};
        std::memcpy(&s, bytes.data() + at, sizeof(s));
        if (s.magic[0] == process::magic_first && s.magic[1] == process::magic_second)
            return image + at - start;
    }
    return 0;
}

// The address of the root's first object; 0: this module has used none, or there is none.
std::uint64_t first_object(pid_t pid, std::uint64_t signpost) {
    foreign_signpost s{};
    std::uint64_t root = 0;
    std::uint64_t first = 0;
    const bool read = copy_from(pid, signpost, &s, sizeof(s)) && s.magic[0] == process::magic_first &&
                      s.magic[1] == process::magic_second && copy_from(pid, s.root, &root, sizeof(root)) &&
                      root != 0 && copy_from(pid, root, &first, sizeof(first));
    return read ? first : 0;
}

published_figures read_list(pid_t pid, std::uint64_t address) {
    published_figures found;
    foreign_list list{};
    if (!copy_from(pid, address, &list, sizeof(list)) ||
        list.magic != process::published_caches::magic_number ||
        list.bytes_of_counters != sizeof(counter_block))
        return found;
    for (std::uint64_t at = list.first; at != 0;) {
        if (found.cut = found.all.size() == most_caches; found.cut)
            break;
        foreign_cache one{};
        counter_block counters; // plain bytes, which nobody else sees
        if (!copy_from(pid, at, &one, sizeof(one)) ||
            !copy_from(pid, one.counters, static_cast<void*>(&counters), sizeof(counters)))
            break;
        const auto end = std::find(one.name.begin(), one.name.end(), '\0');
        found.all.push_back({printable(std::string(one.name.begin(), end)), sum(counters)});
        at = one.next;
    }
    std::reverse(found.all.begin(), found.all.end());
    return found;
}

published_figures read_from(pid_t pid, std::uint64_t object) {
    const std::string_view wanted = process::published_caches::process_name();
    std::vector<char> name(wanted.size() + 1);
    for (std::size_t i = 0; object != 0 && i < most_objects; ++i) {
        foreign_object o{};
        if (!copy_from(pid, object, &o, sizeof(o)))
            break;
        // A shorter name at the end of a page cannot be read completely; it is a different name.
        if (copy_from(pid, o.name, name.data(), name.size()) && name.back() == '\0' &&
            std::string_view(name.data(), wanted.size()) == wanted)
            return read_list(pid, o.object);
        object = o.next;
    }
    return {};
}

} // namespace

published_figures read_caches(pid_t pid) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    return read_caches(pid, maps);
}

published_figures read_caches(pid_t pid, std::istream& maps) {
    std::size_t left = most_files;
    for (std::string line; left != 0 && std::getline(maps, line);) {
        // "7f0000000000-7f0000002000 r--p 00000000 08:01 77     /usr/lib/libexample.so"
        const std::size_t offset = line.find(" 00000000 ");
        const std::size_t device = offset + 10;
        const std::size_t inode = offset == std::string::npos ? offset : line.find(' ', device);
        file which;
        std::uint64_t start = 0;
        if (inode == std::string::npos || line.find(" r") != offset - 5 ||
            std::from_chars(line.data(), line.data() + line.size(), start, 16).ec != std::errc{} ||
            std::from_chars(line.data() + inode + 1, line.data() + line.size(), which.second).ec !=
                std::errc{} ||
            which.second == 0)
            continue;
        --left;
        which.first = line.substr(device, inode - device);
        auto known = known_files().find(which);
        if (known == known_files().end()) {
            const std::optional<std::uint64_t> found = find_signpost(pid, start);
            if (!found) {
                if (errno == EPERM || errno == EACCES || errno == ESRCH)
                    return {};
                continue; // a file that became shorter
            }
            known = known_files().emplace(std::move(which), *found).first;
        }
        if (known->second == 0)
            continue;
        if (const std::uint64_t object = first_object(pid, start + known->second))
            return read_from(pid, object); // all modules have one root
    }
    return {};
}

} // namespace ibid::shared_statistics
