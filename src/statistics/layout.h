// SPDX-License-Identifier: Apache-2.0
//
// The data that a process under ibid publishes for the `ibid` command. There are two structures:
//
//     process_block   static memory of libibid_preload.so: one row of counters for each libcrypto of the
//                     process. `ibid stat`, `top`, `certs` and `doctor PID` read it from outside
//                     (process_vm_readv). An ELF note in the same file says where it is, so nothing has to be
//                     registered.
//     region          shared memory that `ibid run --stats` makes: sums over all processes, added to by each.
//
// Law: a layout is fixed for its version, and all-zero bytes are a valid empty block or region. Every word
// that two threads or processes may touch at once is a lock-free atomic. Nothing that is read from either is
// trusted: a reader checks magic and version, and takes text only up to its array's end.
#pragma once

#include <ibid/statistics.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ibid::shared_statistics {

inline constexpr std::uint64_t magic_number = 0x5441545344494249; // "IBIDSTAT" as little-endian bytes
inline constexpr std::uint32_t layout_version = 5;

// The kinds of counters; one block for each.
enum class kind : std::uint32_t { certificates, trust_stores, signatures, count_ };
inline constexpr std::size_t kinds = static_cast<std::size_t>(kind::count_);

// The number of rows for libcryptos in a process, and in a run. Further libcryptos share the last row.
inline constexpr std::size_t rows_of_process = 4;
inline constexpr std::size_t rows_of_region = 8;

template <std::size_t N>
using shared_text = std::array<std::atomic<char>, N>; // ends with a zero

// The identity of a row. `state` is stored last, with release; a reader that sees `ready` (acquire) may read
// the texts.
enum class row_state : std::uint32_t { free, being_named, ready };
struct row_name {
    std::atomic<std::uint32_t> state; // a row_state
    shared_text<192> path;            // its file
    shared_text<32> version;          // "3.0.19"
    shared_text<192> reason;          // why ibid is disabled
};

// Whether ibid works with a libcrypto in one process. It may help for a while and then be disabled, never in
// the reverse order.
enum class standing : std::uint32_t { unknown, helped, disabled };

// The counters of one libcrypto in one process. It has a page of its own, which is the only page that
// counting writes to in a forked child.
struct alignas(4096) row {
    std::array<counter_block, kinds> blocks;

    [[nodiscard]] counter_block& operator[](kind k) noexcept { return blocks[static_cast<std::size_t>(k)]; }
    [[nodiscard]] const counter_block& operator[](kind k) const noexcept {
        return blocks[static_cast<std::size_t>(k)];
    }
};
static_assert(sizeof(row) == 4096);

// Sums, as they are published. The first five count events; the last three are gauges.
enum class figure : std::uint32_t {
    hits,
    misses,
    evictions,
    detached,
    bytes_not_parsed,
    entries,
    retained,
    retained_bytes,
    count_
};
inline constexpr std::size_t figures = static_cast<std::size_t>(figure::count_);
inline constexpr std::size_t first_gauge = static_cast<std::size_t>(figure::entries);
using figure_array = std::array<std::atomic<std::uint64_t>, figures>;

// 1: this process is included in the counter of that name in the region.
struct counted_in {
    std::atomic<std::uint32_t> processes;
    std::atomic<std::uint32_t> helped;
    std::atomic<std::uint32_t> disabled;
};

// What this process has added to the region for one row.
struct published_row {
    std::array<figure_array, kinds> added;
    std::array<figure_array, kinds> inherited; // gauges at the fork: they are the parent's
    counted_in counted;
    std::atomic<std::uint32_t> standing;  // a standing
    std::atomic<std::uint32_t> in_region; // index there + 1; 0: none
};

// Where a process keeps the certificates of one libcrypto, for `ibid certs`. Only addresses and offsets are
// published, no name and no byte of a certificate. Reading them requires the permission to read the process's
// memory. Written once, before its address is published.
struct certificates_anchor {
    std::uint64_t magic; // magic_number
    std::uint64_t
        home; // address of the word that leads to the table's home; that word is 0 where there is none
    std::uint64_t slot_address; // the address bits of a slot
    std::uint64_t retained;     // the bit of an entry's first word that means "retained"
    std::uint32_t table;        // where the home has the table's address
    std::uint32_t first_array;  // where the table has the words that lead to slots
    std::uint32_t arrays_apart;
    std::uint32_t arrays;
    std::uint32_t entry_home; // where an entry has its home's address, its X509's, the bytes of its DER
    std::uint32_t entry_x509;
    std::uint32_t entry_der_size;
    std::uint32_t entry_bytes;
};

struct process_block {
    std::atomic<std::uint64_t> magic; // stored by the first claim
    std::atomic<std::uint32_t> version;
    shared_text<192> reason; // why ibid is disabled in this process
    counted_in counted;
    std::array<row_name, rows_of_process> names;
    std::array<published_row, rows_of_process> published;
    std::array<std::atomic<std::uint64_t>, rows_of_process>
        anchors; // addresses of certificates_anchor; 0: none
    std::array<row, rows_of_process> rows;
};

// The content of the ELF note with the name "ibid" and this type.
inline constexpr std::uint32_t note_type = 1;
struct note_content {
    std::uint32_t version; // layout_version
    std::uint32_t bytes;   // sizeof(process_block)
    std::int64_t distance; // from this word to the block
};
static_assert(sizeof(note_content) == 16);

// How many processes.
struct process_numbers {
    std::atomic<std::uint64_t> processes; // that used OpenSSL, or the libcrypto of a row
    std::atomic<std::uint64_t> helped;    // of these: ibid works with it
    std::atomic<std::uint64_t>
        disabled; // of these: ibid is disabled. A process of two libcryptos may be in both
};

struct region_row {
    row_name name;
    process_numbers numbers;
    std::array<figure_array, kinds> sums;
};

struct region_block {
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t bytes;
    std::uint64_t nonce;               // as in IBID_STATISTICS
    std::atomic<std::uint64_t> loaded; // programs that were started with the preload
    process_numbers numbers;
    shared_text<192> reason; // the first one that a process gave for being disabled
    std::array<region_row, rows_of_region> rows;
};

static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<char>::is_always_lock_free);

} // namespace ibid::shared_statistics
