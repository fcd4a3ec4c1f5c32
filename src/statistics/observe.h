// SPDX-License-Identifier: Apache-2.0
//
// The reading half of the shared counters: the region that `ibid run --stats` makes and reads, and the region of any other
// process, read from outside.
//
// Law: a reader changes nothing in the program that it looks at and does not stop it. What it reads is checked, not trusted.
//
//     region r = region::create();
//     setenv("IBID_STATISTICS", ("/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(r.fd())).c_str(), 1);
//     ... run something ...
//     totals t = r.sum_up();
#pragma once

#include "statistics/layout.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ibid::shared_statistics {

// One process's figures.
struct process_figures {
    std::uint32_t pid = 0; // as the process itself sees it
    bool running = false;
    bool helped = false;
    std::string reason; // empty, or why it is not helped; printable text
    std::array<statistics, kinds> of;

    [[nodiscard]] const statistics& operator[](kind k) const { return of[static_cast<std::size_t>(k)]; }
};

// All processes of a region. Gauges (entries, active, retained) are sums over what each process holds now or held at its
// end; a child that inherited its parent's entries counts them again, since it has its own copies.
struct totals {
    std::uint64_t processes = 0; // that joined
    std::uint64_t helped = 0;    // of these, the ones that met OpenSSL 3
    std::uint64_t refused = 0;   // found no slot: their figures are missing
    std::vector<std::uint32_t> still_running;
    std::string reason; // the first one given by a process that was not helped
    std::array<statistics, kinds> of;

    [[nodiscard]] const statistics& operator[](kind k) const { return of[static_cast<std::size_t>(k)]; }
};

// A region for a process and its descendants, and the descriptor by which they find it.
class region {
public:
    // Throws std::system_error when there is no memfd or no memory.
    [[nodiscard]] static region create(std::uint32_t capacity = shared_capacity);

    region(region&& other) noexcept;
    region& operator=(region&& other) noexcept;
    ~region();

    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] std::string path() const; // for IBID_STATISTICS; valid while this process lives
    [[nodiscard]] totals sum_up() const;

private:
    region(int fd, head* base, std::size_t bytes) noexcept : fd_(fd), base_(base), bytes_(bytes) {}

    int fd_ = -1;
    head* base_ = nullptr;
    std::size_t bytes_ = 0;
};

enum class read_error {
    none,
    no_such_process,
    not_permitted,        // another user's: not even its mappings can be seen
    memory_not_permitted, // its counters are there, but its memory may not be read (ptrace(2), ptrace_scope)
    not_under_ibid,       // no counters are mapped there
    unknown_version,      // of another ibid
    no_slot               // it joined a region that was full
};

struct process_result {
    read_error error = read_error::none;
    process_figures figures;
};

// Reads the figures of a running process through /proc/PID/maps and process_vm_readv.
[[nodiscard]] process_result read_process(pid_t pid);

} // namespace ibid::shared_statistics
