// SPDX-License-Identifier: Apache-2.0
//
// The publishing half of the shared counters: claiming a slot, keeping its address through fork, giving it back.
#include "statistics/shared_statistics.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ibid::shared_statistics {
namespace {

// Where this process sees its region from the head on; its slot is then mapped a second time, at a place that stays. In
// process memory, not in the slot: a child reads it after a fork, when the parent may be gone and the slot another's.
head* home = nullptr;
// Bytes of the mapping at `home`.
std::size_t home_bytes = 0;

// A program under ibid must find errno as it left it.
class errno_kept {
public:
    errno_kept() noexcept : value_(errno) {}
    ~errno_kept() { errno = value_; }
    errno_kept(const errno_kept&) = delete;
    errno_kept& operator=(const errno_kept&) = delete;

private:
    int value_;
};

std::size_t stride_here() noexcept {
    const long page = ::sysconf(_SC_PAGESIZE);
    return page > static_cast<long>(minimum_stride) ? static_cast<std::size_t>(page) : minimum_stride;
}

slot* slot_at(head* region, std::uint32_t index) noexcept {
    // The region's bytes come from mmap; zero bytes are valid objects by the layout's law.
    return reinterpret_cast<slot*>(reinterpret_cast<char*>(region) +
                                   (std::size_t{index} + 1) * stride_here());
}

// How many slots there are, by the mapping's size: what the region itself says, another process may have overwritten.
std::uint32_t capacity_of(std::size_t bytes) noexcept {
    return static_cast<std::uint32_t>(bytes / stride_here()) - 1;
}

std::uint64_t pid_namespace() noexcept {
    struct stat s {};
    return ::stat("/proc/self/ns/pid", &s) == 0 ? static_cast<std::uint64_t>(s.st_ino) : 0;
}

// Adds what an ended process counted to the region's sums and leaves zeros.
void fold(head& region, slot& ended) noexcept {
    for (std::size_t k = 0; k < kinds; ++k) {
        for (std::size_t i = 0; i < counter_stripes; ++i) {
            counter_stripe& from = ended.blocks[k][i];
            counter_stripe& to = region.departed[k][i];
            const auto move = [](std::atomic<std::uint64_t>& source, std::atomic<std::uint64_t>& sum) {
                sum.fetch_add(source.exchange(0, std::memory_order_relaxed), std::memory_order_relaxed);
            };
            move(from.hits, to.hits);
            move(from.misses, to.misses);
            move(from.evictions, to.evictions);
            move(from.detached, to.detached);
            move(from.bytes_not_parsed, to.bytes_not_parsed);
            move(from.inserts, to.inserts);
            move(from.retained, to.retained);
            move(from.retained_bytes, to.retained_bytes);
        }
    }
    region.departed_helped.fetch_add(ended.helped.exchange(0, std::memory_order_relaxed),
                                     std::memory_order_relaxed);
    ended.reason[0].store('\0', std::memory_order_relaxed);
}

constexpr std::uint32_t word(slot_state s) noexcept {
    return static_cast<std::uint32_t>(s);
}

// The slot becomes this process's. Release: whoever sees `running` (acquire, in observe.cpp) sees whose it is.
void occupy(slot& s, std::uint32_t index, std::uint32_t pid, std::uint64_t space) noexcept {
    s.pid.store(pid, std::memory_order_relaxed);
    s.pid_namespace.store(space, std::memory_order_relaxed);
    s.index.store(index, std::memory_order_relaxed);
    s.state.store(word(slot_state::running), std::memory_order_release);
}

// A slot of a process that has ended, with its figures folded away, or nothing. `recycling` is the lock on that slot: only
// the thread that set it folds.
bool recycle(head& region, slot& s, std::uint64_t space) noexcept {
    std::uint32_t seen = s.state.load(std::memory_order_acquire);
    if (seen == word(slot_state::running)) {
        // Killed before it could say so? Only PIDs of our own namespace can be asked for.
        const auto pid = static_cast<pid_t>(s.pid.load(std::memory_order_relaxed));
        if (s.pid_namespace.load(std::memory_order_relaxed) != space || space == 0 || ::kill(pid, 0) == 0 ||
            errno != ESRCH)
            return false;
    } else if (seen != word(slot_state::exited)) {
        return false;
    }
    if (!s.state.compare_exchange_strong(seen, word(slot_state::recycling), std::memory_order_acq_rel))
        return false;
    fold(region, s);
    return true;
}

// The index of a slot that is now ours, or -1.
std::int64_t claim_index(head& region, std::uint32_t capacity) noexcept {
    const auto pid = static_cast<std::uint32_t>(::getpid());
    const std::uint64_t space = pid_namespace();

    // A running slot with our PID is our own from before an exec: the image that counted into it is gone.
    bool same_process = false;
    const std::uint32_t used = region.used.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < used && i < capacity; ++i) {
        slot& s = *slot_at(&region, i);
        if (s.pid.load(std::memory_order_relaxed) == pid &&
            s.pid_namespace.load(std::memory_order_relaxed) == space) {
            std::uint32_t expected = word(slot_state::running);
            same_process |= s.state.compare_exchange_strong(expected, word(slot_state::exited));
        }
    }
    const auto joins = [&](std::uint32_t index) {
        occupy(*slot_at(&region, index), index, pid, space);
        if (!same_process)
            region.joined.fetch_add(1, std::memory_order_relaxed);
        return std::int64_t{index};
    };

    std::uint32_t fresh = used;
    while (fresh < capacity) {
        if (region.used.compare_exchange_weak(fresh, fresh + 1, std::memory_order_acq_rel))
            return joins(fresh);
    }
    for (std::uint32_t i = 0; i < capacity; ++i) {
        if (recycle(region, *slot_at(&region, i), space))
            return joins(i);
    }
    region.refused.fetch_add(1, std::memory_order_relaxed);
    return -1;
}

// Maps all of a region of ours or of `ibid run`. The descriptor is closed: the mapping needs none.
head* map_and_close(int fd, std::size_t bytes) noexcept {
    void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    return p == MAP_FAILED ? nullptr : static_cast<head*>(p);
}

int private_memfd(std::size_t bytes) noexcept {
    // Beyond this limit, ftruncate would kill the program by SIGXFSZ.
    rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur < bytes)
        return -1;
    const int fd = ::memfd_create(mapping_name, MFD_CLOEXEC);
    if (fd >= 0 && ::ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
        ::close(fd);
        return -1;
    }
    return fd;
}

// Zero bytes become a region.
void lay_out(head& region, std::size_t stride, std::uint32_t capacity) noexcept {
    region.version = layout_version;
    region.stride = static_cast<std::uint32_t>(stride);
    region.capacity = capacity;
    region.magic = magic_number;
}

slot* claim_private() noexcept {
    const std::size_t stride = stride_here();
    const int fd = private_memfd(2 * stride);
    if (fd < 0)
        return nullptr;
    head* region = map_and_close(fd, 2 * stride);
    if (region == nullptr)
        return nullptr;
    lay_out(*region, stride, 1);
    home = region;
    home_bytes = 2 * stride;
    return slot_at(region, static_cast<std::uint32_t>(claim_index(*region, 1)));
}

// A second mapping of the slot, at `where` (anywhere if null). An old size of zero makes mremap duplicate a shared mapping.
void* map_again(slot* s, std::size_t stride, void* where) noexcept {
    return ::mremap(s, 0, stride, where ? MREMAP_MAYMOVE | MREMAP_FIXED : MREMAP_MAYMOVE, where);
}

// Opens and checks the region at `path`.
head* map_shared(const char* path, std::size_t& bytes) noexcept {
    const int fd = ::open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return nullptr;
    struct stat s {};
    // A file that can shrink would take this process with it: SIGBUS.
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || ::fstat(fd, &s) != 0 ||
        static_cast<std::size_t>(s.st_size) < 2 * minimum_stride) {
        ::close(fd);
        return nullptr;
    }
    bytes = static_cast<std::size_t>(s.st_size);
    head* region = map_and_close(fd, bytes);
    if (region == nullptr)
        return nullptr;
    if (region->magic == magic_number && region->version == layout_version &&
        region->stride == stride_here() && region->capacity > 0 && region->capacity == capacity_of(bytes))
        return region;
    ::munmap(region, bytes);
    return nullptr;
}

} // namespace

slot* claim(const char* path) noexcept {
    const errno_kept keep;
    std::size_t bytes = 0;
    head* region = path != nullptr && *path != '\0' ? map_shared(path, bytes) : nullptr;
    if (region == nullptr)
        return claim_private();
    const std::int64_t index = claim_index(*region, capacity_of(bytes));
    void* mine = index < 0
                     ? MAP_FAILED
                     : map_again(slot_at(region, static_cast<std::uint32_t>(index)), stride_here(), nullptr);
    if (mine == MAP_FAILED) {
        if (index >= 0)
            mark_exited(slot_at(region, static_cast<std::uint32_t>(index)));
        ::munmap(region, bytes);
        return nullptr;
    }
    home = region;
    home_bytes = bytes;
    return static_cast<slot*>(mine);
}

slot* claim_after_fork(slot* parents) noexcept {
    if (parents == nullptr || home == nullptr)
        return parents;
    const errno_kept keep;
    const std::size_t stride = stride_here();

    // What was inherited: the entries that the cache holds. Taken first, for the parent's slot is about to be covered.
    struct gauges {
        std::uint64_t entries, retained, retained_bytes;
    } inherited[kinds][counter_stripes];
    for (std::size_t k = 0; k < kinds; ++k) {
        for (std::size_t i = 0; i < counter_stripes; ++i) {
            const counter_stripe& from = parents->blocks[k][i];
            const std::uint64_t evictions = from.evictions.load(std::memory_order_relaxed);
            inherited[k][i] = {from.inserts.load(std::memory_order_relaxed) - evictions,
                               from.retained.load(std::memory_order_relaxed),
                               from.retained_bytes.load(std::memory_order_relaxed)};
        }
    }
    const std::uint32_t helped = parents->helped.load(std::memory_order_relaxed);
    std::array<char, std::tuple_size_v<decltype(slot::reason)>> reason;
    for (std::size_t i = 0; i < reason.size(); ++i)
        reason[i] = parents->reason[i].load(std::memory_order_relaxed);

    bool placed = false;
    if (capacity_of(home_bytes) == 1) {
        // A private region: a new one over the old one.
        if (const int fd = private_memfd(home_bytes); fd >= 0) {
            placed =
                ::mmap(home, home_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
            ::close(fd);
            if (placed) {
                lay_out(*home, stride, 1);
                claim_index(*home, 1);
            }
        }
    } else if (const std::int64_t index = claim_index(*home, capacity_of(home_bytes)); index >= 0) {
        slot* mine = slot_at(home, static_cast<std::uint32_t>(index));
        placed = map_again(mine, stride, parents) != MAP_FAILED;
        if (!placed)
            mark_exited(mine);
    }
    // Nothing to publish into: plain memory at the same place, so that the child does not count for its parent.
    if (!placed && ::mmap(parents, stride, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                          -1, 0) == MAP_FAILED)
        return nullptr;

    for (std::size_t k = 0; k < kinds; ++k) {
        for (std::size_t i = 0; i < counter_stripes; ++i) {
            counter_stripe& to = parents->blocks[k][i];
            to.inserts.store(inherited[k][i].entries, std::memory_order_relaxed);
            to.retained.store(inherited[k][i].retained, std::memory_order_relaxed);
            to.retained_bytes.store(inherited[k][i].retained_bytes, std::memory_order_relaxed);
        }
    }
    parents->helped.store(helped, std::memory_order_relaxed);
    set_reason(parents, reason.data());
    return parents;
}

void set_helped(slot* s) noexcept {
    if (s != nullptr)
        s->helped.store(1, std::memory_order_relaxed);
}

void set_reason(slot* s, const char* text) noexcept {
    if (s == nullptr || text == nullptr)
        return;
    // A reader in another process may see half of an old text and half of a new one; it always finds an end.
    std::size_t i = 0;
    for (; i + 1 < s->reason.size() && text[i] != '\0'; ++i)
        s->reason[i].store(text[i], std::memory_order_relaxed);
    s->reason[i].store('\0', std::memory_order_relaxed);
}

void mark_exited(slot* s) noexcept {
    if (s != nullptr)
        s->state.store(word(slot_state::exited), std::memory_order_release);
}

} // namespace ibid::shared_statistics
