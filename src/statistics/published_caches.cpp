// SPDX-License-Identifier: Apache-2.0
//
// Finds published caches without help of the process: a signpost in the image of a module's thread-local
// storage (include/ibid/detail/port/signpost_elf.h) leads to the root of ibid's objects in that process, and
// the list of caches is one of them (process_wide.h, published.h).
#include "statistics/published_caches.h"

#include "statistics/foreign_memory.h"
#include "statistics/foreign_module.h"
#include "statistics/printable.h"
#include "statistics/process_maps.h"

#include <ibid/published.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
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

// The address of the signpost of the module whose start is mapped at `start`; 0: there is none, or it cannot
// be read, with errno set.
std::uint64_t find_signpost(pid_t pid, std::uint64_t start) {
    const std::optional<foreign_module> module = foreign_module::read(pid, start);
    errno = module ? 0 : errno;
    const Elf64_Phdr* const storage = module ? module->segment(PT_TLS) : nullptr;
    if (storage == nullptr || storage->p_filesz > most_of_image)
        return 0;
    const std::uint64_t image = module->bias + storage->p_vaddr;
    std::vector<char> bytes(storage->p_filesz);
    if (!copy_from(pid, image, bytes.data(), bytes.size()))
        return 0;
    constexpr std::size_t step = alignof(process::signpost);
    for (std::size_t at = (0 - image) % step; at + sizeof(foreign_signpost) <= bytes.size(); at += step) {
        foreign_signpost s{};
        std::memcpy(&s, bytes.data() + at, sizeof(s));
        if (s.magic[0] == process::magic_first && s.magic[1] == process::magic_second)
            return image + at;
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
    std::ifstream file("/proc/" + std::to_string(pid) + "/maps");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return read_caches(pid, text);
}

published_figures read_caches(pid_t pid, std::string_view maps) {
    std::size_t left = most_files;
    for (const mapping& m : mappings(maps)) {
        if (m.offset != 0 || m.inode == 0 || !m.is_readable())
            continue;
        if (left-- == 0)
            break;
        const std::uint64_t signpost = find_signpost(pid, m.start);
        if (signpost == 0 && (errno == EPERM || errno == EACCES || errno == ESRCH))
            return {};
        if (signpost == 0)
            continue;
        if (const std::uint64_t object = first_object(pid, signpost))
            return read_from(pid, object); // all modules have one root
    }
    return {};
}

} // namespace ibid::shared_statistics
