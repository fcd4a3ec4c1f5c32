// SPDX-License-Identifier: Apache-2.0
//
// Publishes the counters. See shared_statistics.h for the law.
#include "statistics/shared_statistics.h"

#include "statistics/figures.h"
#include "statistics/place.h"

#include <cerrno>

#include <pthread.h>
#include <sys/ipc.h>
#include <sys/shm.h>

extern "C" {
// All zero, so it uses no memory until something is counted. Has a symbol name, because the note below refers
// to it.
[[gnu::visibility("hidden")]] constinit ibid::shared_statistics::process_block ibid_process_block{};
}

// An ELF note that `ibid stat` finds in the memory of a process (layout.h: note_content).
__asm__(".pushsection .note.ibid, \"a\", %note\n"
        ".balign 4\n"
        ".long 5, 16, 1\n" // bytes of the name, bytes of the content, note_type
        ".asciz \"ibid\"\n"
        ".balign 4\n"
        ".long 5\n"     // layout_version
        ".long 20480\n" // sizeof(process_block)
        ".quad ibid_process_block - .\n"
        ".popsection\n");

namespace ibid::shared_statistics {
static_assert(layout_version == 5 && note_type == 1 && sizeof(process_block) == 20480, "as in the note");

namespace {

constinit process_block& here = ibid_process_block;

// Null: there is no region, or it cannot be reached. Stored once, by open_at_load().
constinit std::atomic<region_block*> region{nullptr};

// errno must not change for a program under ibid.
class errno_kept {
public:
    errno_kept() noexcept : value_(errno) {}
    ~errno_kept() { errno = value_; }
    errno_kept(const errno_kept&) = delete;
    errno_kept& operator=(const errno_kept&) = delete;

private:
    int value_;
};

constexpr std::uint32_t word(row_state s) noexcept {
    return static_cast<std::uint32_t>(s);
}

// A reader in another process may see half of an old text and half of a new one, but always finds an end.
template <std::size_t N>
void write(shared_text<N>& to, const char* text) noexcept {
    std::size_t i = 0;
    for (; text != nullptr && i + 1 < N && text[i] != '\0'; ++i)
        to[i].store(text[i], std::memory_order_relaxed);
    to[i].store('\0', std::memory_order_relaxed);
}

// Compares the texts as they would be stored, that is, cut to the maximum length.
template <std::size_t N>
bool equal(const shared_text<N>& written, const char* text) noexcept {
    std::size_t i = 0;
    for (; text != nullptr && i + 1 < N && text[i] != '\0'; ++i) {
        if (written[i].load(std::memory_order_relaxed) != text[i])
            return false;
    }
    return written[i].load(std::memory_order_relaxed) == '\0';
}

// The index of the row with this name, which is created if needed; the last row if all are used. Never waits:
// a row that another thread or process is just naming is skipped, even if that never ends. Readers merge rows
// with the same name.
template <class NameOf>
std::size_t row_named(const char* path, const char* version, std::size_t rows, NameOf name_of) noexcept {
    for (std::size_t i = 0; i < rows; ++i) {
        row_name& name = name_of(i);
        std::uint32_t seen = name.state.load(std::memory_order_acquire);
        if (seen == word(row_state::free) &&
            name.state.compare_exchange_strong(seen, word(row_state::being_named),
                                               std::memory_order_acquire)) {
            const bool last = i + 1 == rows; // stands for several
            write(name.path, last ? nullptr : path);
            write(name.version, last ? nullptr : version);
            name.state.store(word(row_state::ready), std::memory_order_release);
            return i;
        }
        if (seen == word(row_state::ready) && equal(name.path, path) && equal(name.version, version))
            return i;
    }
    return rows - 1;
}

std::size_t index_of(const row* r) noexcept {
    return static_cast<std::size_t>(r - here.rows.data());
}

// The row's place in the region, or null.
region_row* in_region(std::size_t i) noexcept {
    region_block* const all = region.load(std::memory_order_acquire);
    const std::uint32_t found = here.published[i].in_region.load(std::memory_order_relaxed);
    return all == nullptr || found == 0 ? nullptr : &all->rows[found - 1];
}

// If two threads find the same change, only one counts it; the flag decides which.
void count_if(bool is, std::atomic<std::uint32_t>& flag, std::atomic<std::uint64_t>& number) noexcept {
    if (flag.exchange(is ? 1 : 0) != (is ? 1U : 0U))
        number.fetch_add(is ? std::uint64_t{1} : ~std::uint64_t{0}, std::memory_order_relaxed);
}

bool stands(std::size_t i, standing s) noexcept {
    return here.published[i].standing.load() == static_cast<std::uint32_t>(s);
}

bool any_stands(standing s) noexcept {
    for (std::size_t i = 0; i < rows_of_process; ++i) {
        if (stands(i, s))
            return true;
    }
    return false;
}

// Updates the region's numbers to the state of row `i`. Sequentially consistent: if two rows are disabled at
// the same time, the later one sees both.
void count_standing(std::size_t i, region_row& into) noexcept {
    published_row& p = here.published[i];
    if (p.counted.processes.load() == 0)
        return;
    count_if(stands(i, standing::helped), p.counted.helped, into.numbers.helped);
    count_if(stands(i, standing::disabled), p.counted.disabled, into.numbers.disabled);
    process_numbers& all = region.load(std::memory_order_relaxed)->numbers;
    count_if(any_stands(standing::helped), here.counted.helped, all.helped);
    count_if(any_stands(standing::disabled), here.counted.disabled, all.disabled);
}

// Counts this process as one that uses OpenSSL; also a forked child, once it has something to publish.
void count_process(std::size_t i, region_row& into) noexcept {
    if (here.published[i].counted.processes.exchange(1) != 0)
        return;
    into.numbers.processes.fetch_add(1, std::memory_order_relaxed);
    count_if(true, here.counted.processes, region.load(std::memory_order_relaxed)->numbers.processes);
    count_standing(i, into);
}

void forget(counted_in& counted) noexcept {
    counted.processes.store(0, std::memory_order_relaxed);
    counted.helped.store(0, std::memory_order_relaxed);
    counted.disabled.store(0, std::memory_order_relaxed);
}

std::array<std::uint64_t, figures> figures_of(const counter_block& block) noexcept {
    const statistics s = sum(block);
    std::array<std::uint64_t, figures> all{};
    for (std::size_t i = 0; i < figures; ++i)
        all[i] = s.*members[i];
    return all;
}

// The parent's events are already published, or the parent publishes them; the parent still holds its
// entries.
void in_child() noexcept {
    for (std::size_t i = 0; i < rows_of_process; ++i) {
        published_row& p = here.published[i];
        if (p.in_region.load(std::memory_order_relaxed) == 0)
            continue;
        for (std::size_t k = 0; k < kinds; ++k) {
            const auto now = figures_of(here.rows[i].blocks[k]);
            for (std::size_t f = 0; f < figures; ++f) {
                const bool gauge = f >= first_gauge;
                p.inherited[k][f].store(gauge ? now[f] : 0, std::memory_order_relaxed);
                p.added[k][f].store(gauge ? 0 : now[f], std::memory_order_relaxed);
            }
        }
        forget(p.counted);
    }
    forget(here.counted);
}

// Publishes what was counted since the last OpenSSL call that ibid saw.
[[gnu::destructor]] void at_exit() noexcept {
    publish_all();
}

} // namespace

void open_at_load(const char* text) noexcept {
    place where;
    if (text == nullptr || region.load(std::memory_order_relaxed) != nullptr || !parse_place(text, where))
        return;
    const errno_kept keep;
    // Checked before mapping: in another IPC namespace, a segment with this number may belong to another
    // program.
    shmid_ds about{};
    if (::shmctl(where.id, IPC_STAT, &about) != 0 || about.shm_segsz != sizeof(region_block))
        return;
    void* const p = ::shmat(where.id, nullptr, 0);
    if (p == reinterpret_cast<void*>(-1)) // as shmat says that it failed
        return;
    auto* const found = static_cast<region_block*>(p);
    if (found->magic != magic_number || found->version != layout_version || found->nonce != where.nonce ||
        pthread_atfork(nullptr, nullptr, &in_child) != 0) {
        ::shmdt(p);
        return;
    }
    found->loaded.fetch_add(1, std::memory_order_relaxed);
    region.store(found, std::memory_order_release);
}

namespace {

void make_readable() noexcept {
    if (here.magic.load(std::memory_order_relaxed) == 0) { // otherwise the page stays shared with the parent
        here.version.store(layout_version, std::memory_order_relaxed);
        here.magic.store(magic_number, std::memory_order_relaxed);
    }
}

} // namespace

row* claim(const char* path, const char* version) noexcept {
    make_readable();
    const std::size_t i =
        row_named(path, version, rows_of_process, [](std::size_t n) -> row_name& { return here.names[n]; });
    if (region_block* const all = region.load(std::memory_order_acquire)) {
        const std::size_t there = row_named(path, version, rows_of_region,
                                            [all](std::size_t n) -> row_name& { return all->rows[n].name; });
        here.published[i].in_region.store(static_cast<std::uint32_t>(there + 1), std::memory_order_relaxed);
        count_process(i, all->rows[there]);
    }
    return &here.rows[i];
}

void set_helped(row* r) noexcept {
    if (r == nullptr)
        return;
    const std::size_t i = index_of(r);
    auto before = static_cast<std::uint32_t>(standing::unknown);
    if (!here.published[i].standing.compare_exchange_strong(before,
                                                            static_cast<std::uint32_t>(standing::helped)))
        return;
    if (region_row* const there = in_region(i))
        count_standing(i, *there);
}

void set_anchor(row* r, const certificates_anchor* a) noexcept {
    if (r != nullptr)
        here.anchors[index_of(r)].store(reinterpret_cast<std::uintptr_t>(a), std::memory_order_release);
}

void set_reason(row* r, const char* text) noexcept {
    if (r == nullptr)
        return;
    const std::size_t i = index_of(r);
    write(here.names[i].reason, text);
    here.published[i].standing.store(static_cast<std::uint32_t>(standing::disabled));
    if (region_row* const there = in_region(i)) {
        write(there->name.reason, text);
        count_process(i, *there);
        count_standing(i, *there);
    }
    set_reason(text);
}

void set_reason(const char* text) noexcept {
    make_readable();
    write(here.reason, text);
    region_block* const all = region.load(std::memory_order_acquire);
    if (all != nullptr && all->reason[0].load(std::memory_order_relaxed) == '\0')
        write(all->reason, text);
}

void publish(row* r) noexcept {
    if (r == nullptr || region.load(std::memory_order_relaxed) == nullptr)
        return;
    const std::size_t i = index_of(r);
    region_row* const there = in_region(i);
    if (there == nullptr)
        return;
    published_row& p = here.published[i];
    bool news = false;
    for (std::size_t k = 0; k < kinds; ++k) {
        const auto now = figures_of(r->blocks[k]);
        for (std::size_t f = 0; f < figures; ++f) {
            const std::uint64_t inherited = p.inherited[k][f].load(std::memory_order_relaxed);
            const std::uint64_t own = now[f] > inherited ? now[f] - inherited : 0;
            if (p.added[k][f].load(std::memory_order_relaxed) == own)
                continue;
            // An exchange: if two threads publish at the same time, each adds the difference to the other's
            // sum. A late thread subtracts what is newer than its own sum; the next publication corrects
            // that.
            const std::uint64_t before = p.added[k][f].exchange(own, std::memory_order_relaxed);
            there->sums[k][f].fetch_add(own - before, std::memory_order_relaxed);
            news = true;
        }
    }
    if (news)
        count_process(i, *there);
}

void count_from_here(counter_block& block) noexcept {
    block[0].inserts.fetch_sub(sum(block).entries, std::memory_order_relaxed);
    for (counter_stripe& s : block) {
        s.retained.store(0, std::memory_order_relaxed);
        s.retained_bytes.store(0, std::memory_order_relaxed);
    }
    for (std::size_t i = 0; i < rows_of_process; ++i) {
        for (std::size_t k = 0; k < kinds; ++k) {
            for (std::size_t f = first_gauge; f < figures && &here.rows[i].blocks[k] == &block; ++f)
                here.published[i].inherited[k][f].store(0, std::memory_order_relaxed);
        }
    }
}

void publish_all() noexcept {
    if (region.load(std::memory_order_relaxed) == nullptr)
        return;
    for (row& r : here.rows)
        publish(&r);
}

} // namespace ibid::shared_statistics
