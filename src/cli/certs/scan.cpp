// SPDX-License-Identifier: Apache-2.0
//
// See scan.h.
#include "cli/certs/scan.h"

#include "cli/certs/x509_layout.h"
#include "openssl/certificates/certificate_weight.h"
#include "statistics/foreign_memory.h"
#include "statistics/packed.h"
#include "statistics/process_maps.h"
#include "statistics/reading_child.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli::certs {
namespace {

using shared_statistics::copy_from;

constexpr std::chrono::seconds longest{60};
constexpr std::size_t most_kept = std::size_t{256} << 20; // bytes of DER
constexpr std::size_t most_encodings = std::size_t{4} << 20;

struct range {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
};

// Private, writable memory without a file: there are the heaps.
std::vector<range> heaps_of(pid_t pid) {
    std::vector<range> all;
    std::ifstream file(fmt::format("/proc/{}/maps", pid));
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    for (const shared_statistics::mapping& m : shared_statistics::mappings(text)) {
        if (m.is_readable() && m.is_writable() && !m.is_executable() && m.is_private() && m.inode == 0 &&
            m.start < m.end)
            all.push_back({m.start, m.end});
    }
    return all;
}

// PAGEMAP_SCAN, since Linux 6.7 (the kernel's Documentation/admin-guide/mm/pagemap.rst): the ranges of pages
// of a kind. Older headers do not define it.
struct found_range {
    std::uint64_t start, end, categories;
};
struct scan_question {
    std::uint64_t size, flags, start, end, walk_end, ranges, number, most_pages;
    std::uint64_t inverted, mask, any_of, returned;
};
constexpr std::uint64_t page_is_present = 1 << 3;
constexpr std::uint64_t page_is_zero = 1 << 5; // the shared zero page, which was never written
constexpr unsigned long pagemap_scan = _IOWR('f', 16, scan_question);

// The parts of a range that are in memory.
class present_pages {
public:
    explicit present_pages(pid_t pid)
        : fd_(::open(fmt::format("/proc/{}/pagemap", pid).c_str(), O_RDONLY | O_CLOEXEC)),
          page_(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))) {}
    present_pages(const present_pages&) = delete;
    present_pages& operator=(const present_pages&) = delete;
    ~present_pages() {
        if (fd_ >= 0)
            ::close(fd_);
    }

    // Calls `see` with each part in order, until it returns false; with an empty part while there is none.
    template <class Function>
    bool of(const range& r, const Function& see) const {
        range run;
        for (std::uint64_t at = r.start; at < r.end;) {
            const std::vector<range> found = next(at, r.end);
            for (const range& one : found) {
                if (one.start != run.end) {
                    if (!see(run))
                        return false;
                    run = one;
                }
                run.end = one.end;
            }
            if (found.empty() && !see(range{}))
                return false;
        }
        return see(run);
    }

    // Whether all pages of these bytes are in memory. Reading a page that is not would load it, or never
    // return.
    [[nodiscard]] bool has(std::uint64_t address, std::uint64_t bytes) const {
        const std::uint64_t first = address / page_;
        std::vector<std::uint64_t> pages((address + bytes - 1) / page_ - first + 1);
        const ssize_t got = ::pread(fd_, pages.data(), pages.size() * 8, static_cast<off_t>(first * 8));
        return got == static_cast<ssize_t>(pages.size() * 8) &&
               std::all_of(pages.begin(), pages.end(), [](std::uint64_t page) { return page >> 63 != 0; });
    }

private:
    // Moves `at` on.
    [[nodiscard]] std::vector<range> next(std::uint64_t& at, std::uint64_t end) const {
        std::vector<range> runs;
        std::array<found_range, 512> found{};
        scan_question q{.size = sizeof(q),
                        .flags = 0,
                        .start = at / page_ * page_,
                        .end = end,
                        .walk_end = 0,
                        .ranges = reinterpret_cast<std::uintptr_t>(found.data()),
                        .number = found.size(),
                        .most_pages = 0,
                        .inverted = page_is_zero,
                        .mask = page_is_present | page_is_zero,
                        .any_of = 0,
                        .returned = page_is_present};
        if (const int n = ::ioctl(fd_, pagemap_scan, &q); n >= 0 && q.walk_end > at) {
            for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
                runs.push_back({found[i].start, found[i].end});
            at = q.walk_end;
            return runs;
        }
        // One word for each page; the highest bit is set if the page is present.
        std::vector<std::uint64_t> pages(std::min<std::uint64_t>(64 * 1024, (end - at + page_ - 1) / page_));
        const ssize_t got = ::pread(fd_, pages.data(), pages.size() * 8, static_cast<off_t>(at / page_ * 8));
        if (got <= 0) {
            at = end;
            return runs;
        }
        pages.resize(static_cast<std::size_t>(got) / 8);
        for (std::uint64_t i = 0; i < pages.size(); ++i) {
            const std::uint64_t page = at + i * page_;
            if (pages[i] >> 63 == 0)
                continue;
            if (!runs.empty() && runs.back().end == page)
                runs.back().end += page_;
            else
                runs.push_back({page, page + page_});
        }
        at += pages.size() * page_;
        return runs;
    }

    int fd_;
    std::uint64_t page_;
};

class scanner {
    using clock = std::chrono::steady_clock;

public:
    scanner(pid_t pid, const std::function<void(double)>& progress)
        : pid_(pid), present_(pid), heaps_(heaps_of(pid)), progress_(progress) {
        for (const range& heap : heaps_)
            bytes_ += heap.end - heap.start;
    }

    scan all() {
        std::uint64_t before = 0;
        for (const range& heap : heaps_) {
            const bool whole = present_.of(heap, [&](const range& run) {
                constexpr std::uint64_t piece = std::uint64_t{4} << 20;
                for (std::uint64_t at = run.start; at < run.end && goes_on(); at += piece) {
                    part_ = static_cast<double>(before + (at - heap.start)) / static_cast<double>(bytes_);
                    look_through({at, std::min(at + piece, run.end)}, run.end);
                }
                return goes_on();
            });
            if (!whole)
                break;
            before += heap.end - heap.start;
        }
        scan s;
        s.failed = heaps_.empty() || !was_read_;
        s.cut = cut_;
        for (auto& [der, certificate] : found_)
            s.certificates.push_back(std::move(certificate));
        return s;
    }

private:
    // Reports the progress now and then.
    bool goes_on() {
        const clock::time_point now = clock::now();
        if (now - told_ > std::chrono::milliseconds(100)) {
            progress_(part_);
            told_ = now;
        }
        cut_ |= now - begin_ > longest;
        return !cut_;
    }

    [[nodiscard]] bool is_in_a_heap(std::uint64_t address) const {
        const auto after = std::upper_bound(heaps_.begin(), heaps_.end(), address,
                                            [](std::uint64_t a, const range& r) { return a < r.start; });
        return after != heaps_.begin() && address < (after - 1)->end;
    }

    // Objects whose encoding's address is in `part`; the rest of an object may be after it.
    void look_through(const range& part, std::uint64_t end) {
        std::vector<std::uint64_t> words((std::min(part.end + x509_layout::tail, end) - part.start) / 8);
        if (!copy_from(pid_, part.start, words.data(), words.size() * 8))
            return;
        was_read_ = true;
        constexpr std::size_t behind = x509_layout::count_behind / 8;
        const std::size_t first_behind = (part.end - part.start) / 8;
        for (std::size_t i = 0; i < first_behind && i + behind < words.size(); ++i) {
            if (cut_)
                return;
            const std::uint64_t length = words[i + 1];
            const auto count = static_cast<std::uint32_t>(words[i + behind]);
            if (length >= x509_layout::smallest && length <= x509_layout::largest &&
                static_cast<std::uint32_t>(words[i + 2]) <= 1 && count != 0 &&
                count < x509_layout::most_references && is_in_a_heap(words[i]))
                look_at(words[i], length);
        }
    }

    void look_at(std::uint64_t address, std::uint64_t length) {
        // An encoding belongs to one object. If it is found twice, one of them is a copy of the object's
        // words.
        if (!encodings_.insert(address).second || !goes_on())
            return;
        cut_ |= encodings_.size() == most_encodings;
        std::array<unsigned char, 2> head{};
        if (!present_.has(address, length) || !copy_from(pid_, address, head.data(), head.size()) ||
            head[0] != 0x30)
            return; // no SEQUENCE
        std::string der(length, '\0');
        if (!copy_from(pid_, address, der.data(), der.size()))
            return;
        const auto known = found_.find(der);
        if (known != found_.end()) {
            ++known->second.copies;
            return;
        }
        std::optional<tbs_certificate> shown = parse_tbs_certificate(der);
        if (!shown)
            return;
        const std::uint64_t weight = weight_of(der);
        kept_ += der.size() + shown->subject.size() + shown->issuer.size();
        cut_ |= kept_ > most_kept;
        found_.emplace(std::move(der), copied_certificate{std::move(*shown), 1, weight});
    }

    // The size of the whole certificate, with a signature as large as that of RSA 2048.
    [[nodiscard]] static std::uint64_t weight_of(const std::string& tbs) {
        const std::string algorithm("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00", 15);
        const std::string signature = std::string("\x03\x82\x01\x01\x00", 5) + std::string(256, '\x5a');
        const std::string inner = tbs + algorithm + signature;
        std::string der("\x30\x83", 2);
        for (const int shift : {16, 8, 0})
            der += static_cast<char>(inner.size() >> shift & 0xff);
        if (inner.size() <= 0xffff)
            der = std::string("\x30\x82", 2) + der.substr(3); // the shortest form, as DER wants it
        der += inner;
        const std::size_t weight = openssl::certificate_weight(
            {reinterpret_cast<const unsigned char*>(der.data()), der.size()}); // bytes
        return weight == openssl::too_heavy ? tbs.size() : weight;
    }

    pid_t pid_;
    present_pages present_;
    std::vector<range> heaps_;
    const std::function<void(double)>& progress_;
    std::uint64_t bytes_ = 0;
    clock::time_point begin_ = clock::now();
    clock::time_point told_ = begin_;
    double part_ = 0;
    std::map<std::string, copied_certificate> found_; // by DER
    std::unordered_set<std::uint64_t> encodings_;     // addresses
    std::size_t kept_ = 0;
    bool was_read_ = false;
    bool cut_ = false;
};

} // namespace

std::uint64_t scan::objects() const {
    std::uint64_t n = 0;
    for (const copied_certificate& c : certificates)
        n += c.copies;
    return n;
}

std::uint64_t scan::saves() const {
    std::uint64_t n = 0;
    for (const copied_certificate& c : certificates)
        n += (c.copies - 1) * c.weight;
    return n;
}

std::optional<scan> scan_in_time(pid_t pid, const std::function<void(double)>& progress) {
    using shared_statistics::pack;
    using shared_statistics::reading_child;
    using shared_statistics::unpack;
    // An answer: progress, a certificate, or the end.
    enum class tag : unsigned char { part, certificate, end };
    reading_child child([&](reading_child::answers& out) {
        const std::function<void(double)> tell = [&out](double part) {
            out.send((pack() << tag::part << part).bytes());
        };
        const scan s = scanner(pid, tell).all();
        for (const copied_certificate& c : s.certificates) {
            const tbs_certificate& t = c.shown;
            out.send((pack() << tag::certificate << t.serial << t.issuer << t.subject << t.not_before
                             << t.not_after << t.begins << t.ends << c.copies << c.weight)
                         .bytes());
        }
        out.send((pack() << tag::end << s.failed << s.cut).bytes());
    });
    scan s;
    bool shown = false;
    while (const std::optional<std::string> one = child.next(std::chrono::seconds(5))) {
        unpack in(*one);
        tag is{};
        in >> is;
        if (is == tag::part) {
            double part = 0;
            in >> part;
            progress(std::min(part, 0.99));
            shown = true;
        } else if (is == tag::certificate) {
            copied_certificate c;
            tbs_certificate& t = c.shown;
            in >> t.serial >> t.issuer >> t.subject >> t.not_before >> t.not_after >> t.begins >> t.ends >>
                c.copies >> c.weight;
            s.certificates.push_back(std::move(c));
        } else {
            in >> s.failed >> s.cut;
        }
    }
    if (shown)
        progress(1);
    s.not_started = child.not_started();
    return child.ended_well() || s.not_started != 0 ? std::optional(std::move(s)) : std::nullopt;
}

} // namespace ibid::cli::certs
