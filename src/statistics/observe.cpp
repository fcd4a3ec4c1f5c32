// SPDX-License-Identifier: Apache-2.0
//
// Reads the counters. See observe.h for the law.
#include "statistics/observe.h"

#include "statistics/every_process.h"
#include "statistics/foreign_memory.h"
#include "statistics/foreign_module.h"
#include "statistics/packed.h"
#include "statistics/place.h"
#include "statistics/printable.h"
#include "statistics/process_maps.h"
#include "statistics/process_stat.h"
#include "statistics/reading_child.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <elf.h>
#include <sys/ipc.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <unistd.h>

namespace ibid::shared_statistics {
namespace {

template <std::size_t N>
std::string text_of(const shared_text<N>& from) {
    std::string text;
    for (const std::atomic<char>& c : from) {
        const char byte = c.load(std::memory_order_relaxed);
        if (byte == '\0')
            break;
        text += byte;
    }
    return printable(text);
}

bool is_ready(const row_name& name) {
    return name.state.load(std::memory_order_acquire) == static_cast<std::uint32_t>(row_state::ready);
}

libcrypto_figures named(const row_name& name) {
    libcrypto_figures f;
    f.path = text_of(name.path);
    f.version = text_of(name.version);
    f.reason = text_of(name.reason);
    return f;
}

// If a process claims to have more than this, the rest counts as one, because thousands are not plausible.
constexpr std::size_t most_libcryptos = 64;

bool counted_nothing(const statistics& s) {
    return s.hits == 0 && s.misses == 0;
}

// An OpenSSL that has no file of its own is inside the executable. The executable's calls to it are not seen,
// only those of modules: if nothing was counted, ibid did not help.
bool is_unseen(const libcrypto_figures& f) {
    return f.path.empty() && !f.version.empty() && std::all_of(f.of.begin(), f.of.end(), counted_nothing);
}
constexpr const char* unseen = "OpenSSL is inside the executable, whose own calls ibid does not see";

// One libcrypto may have two rows, if two threads or processes named it at the same time.
void merge(std::vector<libcrypto_figures>& all, libcrypto_figures one) {
    const auto is_one = [&one](const libcrypto_figures& known) {
        return known.path == one.path && known.version == one.version;
    };
    auto known = std::find_if(all.begin(), all.end(), is_one);
    if (known == all.end() && all.size() < most_libcryptos) {
        all.push_back(std::move(one));
        return;
    }
    if (known == all.end())
        known = all.end() - 1;
    known->of += one.of;
    known->helped |= one.helped;
    known->disabled += one.disabled;
    known->processes += one.processes;
    if (known->reason.empty())
        known->reason = one.reason;
}

// Gauges are sums of differences that are correct at different instants; a negative sum counts as 0.
statistics read_sums(const figure_array& from) {
    statistics s;
    for (std::size_t i = 0; i < figures; ++i) {
        const std::uint64_t n = from[i].load(std::memory_order_relaxed);
        s.*members[i] = i >= first_gauge && n > UINT64_MAX / 2 ? 0 : n;
    }
    s.retained = std::min(s.retained, s.entries);
    s.active = s.entries - s.retained;
    return s;
}

// The address of the block of the ELF file that begins at `start` in that process, according to its note. 0:
// it has none.
struct found_block {
    std::uint64_t address = 0;
    std::uint32_t version = 0;
    std::uint32_t bytes = 0;
};

found_block find_block(pid_t pid, std::uint64_t start) {
    const std::optional<foreign_module> module = foreign_module::read(pid, start);
    if (!module)
        return {};
    for (const Elf64_Phdr& s : module->segments) {
        if (s.p_type != PT_NOTE || s.p_memsz > 4096)
            continue;
        std::vector<char> notes(s.p_memsz);
        if (!copy_from(pid, module->bias + s.p_vaddr, notes.data(), notes.size()))
            continue;
        const auto padded = [](std::uint64_t n) { return (n + 3) & ~std::uint64_t{3}; };
        for (std::uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= notes.size();) {
            Elf64_Nhdr note{};
            std::memcpy(&note, notes.data() + at, sizeof(note));
            const std::uint64_t name = at + sizeof(note);
            const std::uint64_t content = name + padded(note.n_namesz);
            const std::uint64_t end = content + padded(note.n_descsz);
            if (end > notes.size())
                break;
            if (note.n_namesz == 5 && note.n_type == note_type && note.n_descsz == sizeof(note_content) &&
                std::memcmp(notes.data() + name, "ibid", 5) == 0) {
                note_content c{};
                std::memcpy(&c, notes.data() + content, sizeof(c));
                const std::uint64_t word =
                    module->bias + s.p_vaddr + content + offsetof(note_content, distance);
                return {word + static_cast<std::uint64_t>(c.distance), c.version, c.bytes};
            }
            at = end;
        }
    }
    return {};
}

// Whether an ELF file of this name may hold ibid: the preload, a library or program that is linked with it.
bool may_hold_ibid(std::string_view path, const std::string& program) {
    return path == program || path.substr(path.rfind('/') + 1).find("ibid") != std::string_view::npos;
}

read_error from_errno(read_error when_forbidden) {
    if (errno == EPERM || errno == EACCES)
        return when_forbidden;
    return errno == ESRCH || errno == ENOENT ? read_error::no_such_process : read_error::not_under_ibid;
}

void add_block(process_figures& to, const process_block& block) {
    for (std::size_t i = 0; i < rows_of_process; ++i) {
        if (!is_ready(block.names[i]))
            continue;
        libcrypto_figures f = named(block.names[i]);
        for (std::size_t k = 0; k < kinds; ++k)
            f.of[k] = sum(block.rows[i].blocks[k]);
        const std::uint32_t now = block.published[i].standing.load(std::memory_order_relaxed);
        f.helped = now == static_cast<std::uint32_t>(standing::helped) && !is_unseen(f);
        if (is_unseen(f) && f.reason.empty())
            f.reason = unseen;
        f.disabled = now == static_cast<std::uint32_t>(standing::disabled) ? 1 : 0;
        f.anchor = block.anchors[i].load(std::memory_order_acquire);
        to.of += f.of;
        to.helped |= f.helped;
        to.is_disabled |= f.disabled != 0;
        merge(to.libcryptos, std::move(f));
    }
    for (libcrypto_figures& f : to.libcryptos) {
        f.processes = 1;
        f.disabled = std::min<std::uint64_t>(f.disabled, 1);
    }
    if (to.reason.empty())
        to.reason = text_of(block.reason);
    if (to.reason.empty() && !to.helped && !to.libcryptos.empty())
        to.reason = to.libcryptos.front().reason;
    to.is_disabled |= to.libcryptos.empty() && !to.reason.empty(); // applies to the whole process
}

// The most mappings of one process that are searched for a block. A process has one or a few; with ten
// thousand it would only keep the reader busy.
constexpr std::size_t most_files = 64;
// The most text of /proc/PID/maps that is read. By default, Linux allows a process 65530 mappings.
constexpr std::size_t most_text = std::size_t{32} << 20;

[[noreturn]] void fail(int error) {
    throw std::system_error(error, std::generic_category(), "no shared memory for the counters");
}

} // namespace

region region::create() {
    std::uint64_t nonce = 0;
    if (::getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
        fail(errno);
    // A program that root starts may become any user; a program of another user stays that user's.
    const int id = ::shmget(IPC_PRIVATE, sizeof(region_block), IPC_CREAT | (::geteuid() == 0 ? 0666 : 0600));
    if (id < 0)
        fail(errno);
    void* const p = ::shmat(id, nullptr, 0);
    const int error = errno;
    // From now on it is destroyed with its last process; until then Linux allows others to attach.
    ::shmctl(id, IPC_RMID, nullptr);
    if (p == reinterpret_cast<void*>(-1)) // as shmat says that it failed
        fail(error);
    auto* const base = static_cast<region_block*>(p);
    base->magic = magic_number;
    base->version = layout_version;
    base->bytes = sizeof(region_block);
    base->nonce = nonce;
    return {id, base};
}

region::region(region&& other) noexcept
    : id_(std::exchange(other.id_, -1)), base_(std::exchange(other.base_, nullptr)) {}

region& region::operator=(region&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(base_, other.base_);
    return *this;
}

region::~region() {
    if (base_ != nullptr)
        ::shmdt(base_);
}

std::string region::place() const {
    shared_statistics::place where;
    where.id = id_;
    where.nonce = base_->nonce;
    return where.text();
}

// Identified by the inode, which is the segment's number. PIDs are those of this process's namespace.
std::vector<std::uint32_t> region::processes_in_it(pid_t but) const {
    std::vector<std::uint32_t> found;
    for (const pid_t pid : every_process()) {
        if (pid == ::getpid() || pid == but)
            continue;
        std::ifstream file("/proc/" + std::to_string(pid) + "/maps");
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        for (const mapping& m : mappings(text)) {
            if (m.inode == static_cast<std::uint64_t>(id_) && m.file().starts_with("/SYSV")) {
                found.push_back(static_cast<std::uint32_t>(pid));
                break;
            }
        }
    }
    return found;
}

std::vector<std::uint32_t> region::still_running() const {
    std::vector<std::uint32_t> all;
    shmid_ds about{};
    if (::shmctl(id_, IPC_STAT, &about) != 0 || about.shm_nattch <= 1)
        return all; // only this process
    reading_child c([this, us = ::getpid()](reading_child::answers& out) {
        for (const std::uint32_t pid : processes_in_it(us)) {
            out.send((pack() << pid).bytes());
            out.send((pack() << read_process_here(static_cast<pid_t>(pid)).error).bytes());
        }
    });
    constexpr std::chrono::seconds timeout{1};
    while (const std::optional<std::string> one = c.next(timeout)) {
        std::uint32_t pid = 0;
        unpack(*one) >> pid;
        read_error error = read_error::no_answer;
        if (const std::optional<std::string> said = c.next(timeout))
            unpack(*said) >> error;
        // If the kernel allows only an ancestor to read (Yama), this process is an ancestor, but its child is
        // not.
        if (error == read_error::memory_not_permitted)
            error = read_process_here(static_cast<pid_t>(pid)).error;
        if (error == read_error::none || error == read_error::memory_not_permitted ||
            error == read_error::no_answer)
            all.push_back(pid);
    }
    return all;
}

totals region::sum_up() const {
    totals t;
    t.loaded = base_->loaded.load(std::memory_order_relaxed);
    t.processes = base_->numbers.processes.load(std::memory_order_relaxed);
    t.helped = base_->numbers.helped.load(std::memory_order_relaxed);
    t.disabled = base_->numbers.disabled.load(std::memory_order_relaxed);
    t.reason = text_of(base_->reason);
    for (const region_row& r : base_->rows) {
        if (!is_ready(r.name))
            continue;
        libcrypto_figures f = named(r.name);
        f.processes = r.numbers.processes.load(std::memory_order_relaxed);
        f.helped = r.numbers.helped.load(std::memory_order_relaxed) != 0;
        f.disabled = r.numbers.disabled.load(std::memory_order_relaxed);
        for (std::size_t k = 0; k < kinds; ++k)
            f.of[k] = read_sums(r.sums[k]);
        t.of += f.of;
        if (f.helped && is_unseen(f)) {
            f.helped = false;
            f.reason = unseen;
            // Each of its processes has this one, and perhaps another.
            t.helped -= std::min(t.helped, f.processes);
        }
        merge(t.libcryptos, std::move(f));
    }
    if (std::any_of(t.libcryptos.begin(), t.libcryptos.end(), [](const auto& f) { return f.helped; }))
        t.helped = std::max<std::uint64_t>(t.helped, 1);
    t.still_running = still_running();
    return t;
}

namespace {

process_result read_blocks(pid_t pid, std::string_view maps) {
    std::error_code unknown;
    const std::string program =
        std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", unknown).string();

    process_result result{read_error::not_under_ibid, {}};
    std::size_t left = most_files;
    for (const mapping& m : mappings(maps)) {
        if (m.offset != 0 || m.file().empty() || !may_hold_ibid(m.file(), program))
            continue;
        if (left-- == 0)
            break;
        errno = 0;
        const found_block found = find_block(pid, m.start);
        if (found.address == 0) {
            const bool preload = m.file().find("/libibid_preload.so") != std::string_view::npos;
            if (preload && (errno == EPERM || errno == EACCES))
                return {read_error::memory_not_permitted, {}};
            continue;
        }
        if (found.version != layout_version || found.bytes != sizeof(process_block)) {
            result.error = read_error::unknown_version;
            continue;
        }
        // Plain bytes of a block: all-zero atomics are valid, and no other thread uses these.
        const auto block = std::make_unique<process_block>();
        if (!copy_from(pid, found.address, static_cast<void*>(block.get()), sizeof(process_block)))
            return {from_errno(read_error::memory_not_permitted), {}};
        if (result.error == read_error::not_under_ibid)
            result.error = read_error::not_used;
        if (block->magic.load(std::memory_order_relaxed) != magic_number)
            continue;
        add_block(result.figures, *block);
        if (!result.figures.libcryptos.empty())
            result.error = read_error::none;
    }
    return result;
}

process_result read_whole(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/maps");
    if (!file)
        return {from_errno(read_error::not_permitted), {}};
    // Read once for both uses, because the kernel generates the file at each read.
    std::string text;
    std::array<char, 16384> part{};
    errno = 0;
    while (text.size() < most_text && (file.read(part.data(), part.size()), file.gcount() > 0))
        text.append(part.data(), static_cast<std::size_t>(file.gcount()));
    // Without permission for the process, the file can be opened, but is empty or cannot be read.
    if (file.bad() || (text.empty() && errno == EACCES))
        return {read_error::not_permitted, {}};
    process_result result = read_blocks(pid, text);
    if (result.error != read_error::no_such_process && result.error != read_error::not_permitted &&
        result.error != read_error::memory_not_permitted) {
        published_figures published = read_caches(pid, text);
        result.figures.caches = std::move(published.all);
        result.figures.caches_cut = published.cut;
    }
    return result;
}

std::uint64_t start_time_of(pid_t pid) {
    const std::optional<process_stat> s = read_process_stat(pid);
    return s ? s->start_time : 0;
}

} // namespace

process_result read_process_here(pid_t pid) {
    const std::uint64_t start_time = start_time_of(pid);
    process_result result = read_whole(pid);
    // Another process may have got the PID meanwhile.
    if ((result.error == read_error::none || result.error == read_error::not_used) &&
        start_time_of(pid) != start_time)
        return {read_error::no_such_process, {}};
    result.start_time = start_time;
    return result;
}

} // namespace ibid::shared_statistics
