// SPDX-License-Identifier: Apache-2.0
//
// Reads counters: the region that `ibid run --stats` makes and reads, and the counters of any other process,
// read from outside.
//
// Law: a reader changes nothing in the program that it reads and does not stop it. What it reads is checked,
// not trusted.
//
//     region r = region::create();
//     setenv("IBID_STATISTICS", r.place().c_str(), 1);
//     ... run something ...
//     totals t = r.sum_up();
#pragma once

#include "statistics/figures.h"
#include "statistics/layout.h"
#include "statistics/published_caches.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ibid::shared_statistics {

// What was counted for one libcrypto. Texts are printable.
struct libcrypto_figures {
    std::string path;            // empty: not known, or several that share a row
    std::string version;         // may be empty
    bool helped = false;         // ibid works with it in at least one process
    std::string reason;          // empty, or why ibid is disabled
    std::uint64_t anchor = 0;    // of a process: where it has a certificates_anchor; 0: none
    std::uint64_t processes = 1; // that used it
    std::uint64_t disabled =
        0; // of these, the ones in which ibid is disabled, perhaps after it helped for a while
    kind_figures of;
};

// One process's figures.
struct process_figures {
    bool helped = false;      // ibid works with one of its libcryptos
    bool is_disabled = false; // with one of them it does not, or no longer
    std::string reason;       // empty, or why
    std::vector<libcrypto_figures> libcryptos;
    kind_figures of;                   // sums over them
    std::vector<cache_figures> caches; // of a C++ program, under ibid or not; whatever the error is
    bool caches_cut = false;           // there are more

    [[nodiscard]] const statistics& operator[](kind k) const { return of[static_cast<std::size_t>(k)]; }
};

// All processes of a region. Gauges (entries, active, retained) are sums over what each process holds now or
// held at its end. Entries that a forked child inherited are its parent's.
struct totals {
    std::uint64_t loaded = 0;    // programs that were started with ibid and could be counted
    std::uint64_t processes = 0; // that used OpenSSL
    std::uint64_t helped = 0;    // of these, the ones that ibid works with
    std::uint64_t disabled =
        0;              // of these, the ones in which it is disabled, perhaps after it helped for a while
    std::string reason; // the first one given by a process for being disabled
    std::vector<std::uint32_t> still_running; // that use OpenSSL
    std::vector<libcrypto_figures> libcryptos;
    kind_figures of;

    [[nodiscard]] const statistics& operator[](kind k) const { return of[static_cast<std::size_t>(k)]; }
};

// A region for a process and its descendants. It is destroyed with the last process that has it mapped.
class region {
public:
    // Throws std::system_error if it cannot be created.
    [[nodiscard]] static region create();

    region(region&& other) noexcept;
    region& operator=(region&& other) noexcept;
    ~region();

    [[nodiscard]] std::string place() const; // for IBID_STATISTICS; valid while a process has it mapped
    [[nodiscard]] totals sum_up() const;

private:
    region(int id, region_block* base) noexcept : id_(id), base_(base) {}

    [[nodiscard]] std::vector<std::uint32_t> processes_in_it(pid_t but) const;
    [[nodiscard]] std::vector<std::uint32_t> still_running() const;

    int id_ = -1;
    region_block* base_ = nullptr;
};

enum class read_error {
    none,
    no_such_process,
    not_permitted,        // another user's: not even its mappings can be seen
    memory_not_permitted, // ibid is in it, but its memory may not be read (ptrace(2), ptrace_scope)
    not_under_ibid,       // ibid is not in it
    unknown_version,      // another version of ibid
    no_answer,            // reading its memory did not finish and was abandoned
    not_used              // ibid is in it, and it has not used OpenSSL so far
};

struct process_result {
    read_error error = read_error::none;
    process_figures figures;
    int not_started = 0;          // with no_answer: errno, if the child that reads could not be made
    std::uint64_t start_time = 0; // process_stat.h; 0: not known
};

// Reads the figures of a running process through /proc/PID/maps and process_vm_readv, in a child
// (reading_child.h). Always returns within about a second.
[[nodiscard]] process_result read_process(pid_t pid);

// The same without a child: may never return.
[[nodiscard]] process_result read_process_here(pid_t pid);

} // namespace ibid::shared_statistics
