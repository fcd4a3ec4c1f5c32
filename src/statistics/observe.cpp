// SPDX-License-Identifier: Apache-2.0
//
// The reading half of the shared counters. See observe.h for its law.
#include "statistics/observe.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace ibid::shared_statistics {
namespace {

// Text of a slot, as far as it can be shown: another process wrote it, so control characters do not reach a terminal.
std::string text_of(const slot& s) {
    std::string text;
    for (const std::atomic<char>& c : s.reason) {
        const char byte = c.load(std::memory_order_relaxed);
        if (byte == '\0')
            break;
        text += static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f ? '?' : byte;
    }
    return text;
}

process_figures figures_of(const slot& s) {
    process_figures f;
    f.pid = s.pid.load(std::memory_order_relaxed);
    f.running = s.state.load(std::memory_order_relaxed) == static_cast<std::uint32_t>(slot_state::running);
    f.helped = s.helped.load(std::memory_order_relaxed) != 0;
    f.reason = text_of(s);
    for (std::size_t k = 0; k < kinds; ++k)
        f.of[k] = sum(s.blocks[k]);
    return f;
}

void add(statistics& to, const statistics& from) {
    to.hits += from.hits;
    to.misses += from.misses;
    to.evictions += from.evictions;
    to.detached += from.detached;
    to.bytes_not_parsed += from.bytes_not_parsed;
    to.entries += from.entries;
    to.retained += from.retained;
    to.retained_bytes += from.retained_bytes;
    to.active += from.active;
}

// Killed processes never say that they ended; whether they are there still is asked where PIDs mean the same.
bool is_there(std::uint32_t pid) {
    return ::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

struct mapping {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t offset = 0;
};

// "7f0000000000-7f0000002000 rw-s 00002000 00:01 77  /memfd:ibid-statistics (deleted)"
std::optional<mapping> parse_line(std::string_view line) {
    if (line.find(std::string("/memfd:") + mapping_name) == std::string_view::npos)
        return std::nullopt;
    mapping m;
    const char* const last = line.data() + line.size();
    const auto start = std::from_chars(line.data(), last, m.start, 16);
    if (start.ec != std::errc{} || start.ptr == last || *start.ptr != '-')
        return std::nullopt;
    const auto end = std::from_chars(start.ptr + 1, last, m.end, 16);
    if (end.ec != std::errc{} || last - end.ptr < 7)
        return std::nullopt;
    const auto offset = std::from_chars(end.ptr + 6, last, m.offset, 16); // past " rw-s "
    return offset.ec == std::errc{} ? std::optional(m) : std::nullopt;
}

// As the region was made. What it says itself, a program under ibid may have overwritten.
std::size_t stride_here() {
    const long page = ::sysconf(_SC_PAGESIZE);
    return page > static_cast<long>(minimum_stride) ? static_cast<std::size_t>(page) : minimum_stride;
}

// Copies bytes out of another process; false with errno set.
bool copy_from(pid_t pid, std::uint64_t address, void* to, std::size_t bytes) {
    const iovec local{to, bytes};
    const iovec remote{reinterpret_cast<void*>(address), bytes}; // an address there, never used here
    return ::process_vm_readv(pid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

read_error from_errno(read_error when_forbidden) {
    if (errno == EPERM || errno == EACCES)
        return when_forbidden;
    return errno == ESRCH || errno == ENOENT ? read_error::no_such_process : read_error::not_under_ibid;
}

} // namespace

region region::create(std::uint32_t capacity) {
    const std::size_t stride = stride_here();
    const std::size_t bytes = (std::size_t{capacity} + 1) * stride;
    // Away from the standard streams, which may be closed, and are then the first to be given out.
    const int made = ::memfd_create(mapping_name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const int fd =
        made < 0 || made > STDERR_FILENO ? made : ::fcntl(made, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd != made)
        ::close(made);
    if (fd < 0)
        throw std::system_error(errno, std::generic_category(), "memfd_create");
    void* p = MAP_FAILED;
    // Sealed: any program that is given the counters could else shrink them, and kill all others by SIGBUS.
    if (::ftruncate(fd, static_cast<off_t>(bytes)) == 0 &&
        ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        const int reason = errno;
        ::close(fd);
        throw std::system_error(reason, std::generic_category(), "cannot make the shared counters");
    }
    head* base = static_cast<head*>(p);
    base->version = layout_version;
    base->stride = static_cast<std::uint32_t>(stride);
    base->capacity = capacity;
    base->magic = magic_number;
    return {fd, base, bytes};
}

region::region(region&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), base_(std::exchange(other.base_, nullptr)), bytes_(other.bytes_) {}

region& region::operator=(region&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(base_, other.base_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

region::~region() {
    if (base_ != nullptr)
        ::munmap(base_, bytes_);
    if (fd_ >= 0)
        ::close(fd_);
}

std::string region::path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_);
}

totals region::sum_up() const {
    totals t;
    t.processes = base_->joined.load(std::memory_order_relaxed);
    t.refused = base_->refused.load(std::memory_order_relaxed);
    t.helped = base_->departed_helped.load(std::memory_order_relaxed);
    for (std::size_t k = 0; k < kinds; ++k)
        add(t.of[k], sum(base_->departed[k]));
    struct stat here {};
    const bool known = ::stat("/proc/self/ns/pid", &here) == 0;
    const std::uint32_t used = base_->used.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < used && i < bytes_ / stride_here() - 1; ++i) {
        const slot& s = *reinterpret_cast<const slot*>(reinterpret_cast<const char*>(base_) +
                                                       (std::size_t{i} + 1) * stride_here());
        // Acquire: pairs with occupy() in publish.cpp, so that the PID is the one of the process that runs.
        if (s.state.load(std::memory_order_acquire) == static_cast<std::uint32_t>(slot_state::free))
            continue;
        const process_figures f = figures_of(s);
        for (std::size_t k = 0; k < kinds; ++k)
            add(t.of[k], f.of[k]);
        t.helped += f.helped ? 1 : 0;
        if (!f.helped && t.reason.empty())
            t.reason = f.reason;
        const bool same_space = known && s.pid_namespace.load(std::memory_order_relaxed) == here.st_ino;
        if (f.running && (!same_space || is_there(f.pid)))
            t.still_running.push_back(f.pid);
    }
    return t;
}

process_result read_process(pid_t pid) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    if (!maps)
        return {from_errno(read_error::not_permitted), {}};

    std::optional<mapping> whole; // the region, from its head on
    std::optional<mapping> own;   // the slot of this process alone
    errno = 0;
    for (std::string line; std::getline(maps, line);) {
        if (const std::optional<mapping> m = parse_line(line))
            (m->offset == 0 ? whole : own) = m;
    }
    // A process that may not be looked at has a maps file that opens and reads as nothing, or fails to be read.
    if (maps.bad() || (!whole && errno == EACCES))
        return {read_error::not_permitted, {}};
    if (!whole)
        return {read_error::not_under_ibid, {}};

    // Plain bytes of a head: only its constant words are looked at.
    alignas(head) std::array<std::byte, sizeof(head)> head_bytes{};
    if (!copy_from(pid, whole->start, head_bytes.data(), head_bytes.size()))
        return {from_errno(read_error::memory_not_permitted), {}};
    const head& h = *reinterpret_cast<const head*>(head_bytes.data());
    if (h.magic != magic_number)
        return {read_error::not_under_ibid, {}};
    if (h.version != layout_version || h.stride < minimum_stride ||
        whole->end - whole->start < 2 * std::uint64_t{h.stride})
        return {read_error::unknown_version, {}};
    if (!own && h.capacity != 1)
        return {read_error::no_slot, {}};

    const auto bytes = std::make_unique<std::array<std::byte, sizeof(slot) + alignof(slot)>>();
    void* place = bytes->data();
    std::size_t room = bytes->size();
    place = std::align(alignof(slot), sizeof(slot), place, room);
    if (!copy_from(pid, own ? own->start : whole->start + h.stride, place, sizeof(slot)))
        return {from_errno(read_error::memory_not_permitted), {}};
    return {read_error::none, figures_of(*static_cast<const slot*>(place))};
}

} // namespace ibid::shared_statistics
