// SPDX-License-Identifier: Apache-2.0
//
// See scan.h.
#include "cli/certs/scan.h"

#include "cli/certs/x509_layout.h"
#include "openssl/certificates/certificate_weight.h"
#include "statistics/foreign_memory.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli::certs {
namespace {

using shared_statistics::copy_from;

struct range {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
};

// Private memory that can be written to and belongs to no file: where heaps are.
std::vector<range> heaps_of(pid_t pid) {
    std::vector<range> all;
    std::ifstream maps(fmt::format("/proc/{}/maps", pid));
    for (std::string line; std::getline(maps, line);) {
        range r;
        const char* const last = line.data() + line.size();
        const auto start = std::from_chars(line.data(), last, r.start, 16);
        if (start.ec != std::errc{} || start.ptr == last)
            continue;
        const auto end = std::from_chars(start.ptr + 1, last, r.end, 16);
        const std::string_view rest(
            end.ptr, static_cast<std::size_t>(last - end.ptr)); // " rw-p 00000000 00:00 0 [heap]"
        if (end.ec == std::errc{} && rest.size() >= 22 && rest.starts_with(" rw-p") &&
            rest.substr(15, 7) == "00:00 0" && r.start < r.end)
            all.push_back(r);
    }
    return all;
}

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

    [[nodiscard]] std::vector<range> of(const range& r) const {
        std::vector<range> runs;
        std::vector<std::uint64_t> pages(64 * 1024);
        for (std::uint64_t at = r.start; at < r.end; at += pages.size() * page_) {
            const std::uint64_t number =
                std::min<std::uint64_t>(pages.size(), (r.end - at + page_ - 1) / page_);
            const ssize_t got = ::pread(fd_, pages.data(), number * 8, static_cast<off_t>(at / page_ * 8));
            if (got <= 0)
                return runs;
            for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(got) / 8; ++i) {
                constexpr std::uint64_t is_present = std::uint64_t{1} << 63;
                const std::uint64_t page = at + i * page_;
                if ((pages[i] & is_present) == 0)
                    continue;
                if (!runs.empty() && runs.back().end == page)
                    runs.back().end += page_;
                else
                    runs.push_back({page, page + page_});
            }
        }
        return runs;
    }

private:
    int fd_;
    std::uint64_t page_;
};

class scanner {
public:
    explicit scanner(pid_t pid) : pid_(pid), heaps_(heaps_of(pid)) {}

    scan all() {
        const present_pages present(pid_);
        for (const range& heap : heaps_) {
            for (const range& run : present.of(heap)) {
                constexpr std::uint64_t piece = std::uint64_t{4} << 20;
                for (std::uint64_t at = run.start; at < run.end; at += piece)
                    look_through({at, std::min(at + piece, run.end)}, run.end);
            }
        }
        scan s;
        s.failed = heaps_.empty() || !was_read_;
        for (auto& [der, certificate] : found_)
            s.certificates.push_back(std::move(certificate));
        return s;
    }

private:
    [[nodiscard]] bool is_in_a_heap(std::uint64_t address) const {
        const auto after = std::upper_bound(heaps_.begin(), heaps_.end(), address,
                                            [](std::uint64_t a, const range& r) { return a < r.start; });
        return after != heaps_.begin() && address < (after - 1)->end;
    }

    // Objects whose encoding's address stands in `part`; the rest of one may be behind it.
    void look_through(const range& part, std::uint64_t end) {
        std::vector<std::uint64_t> words((std::min(part.end + x509_layout::tail, end) - part.start) / 8);
        if (!copy_from(pid_, part.start, words.data(), words.size() * 8))
            return;
        was_read_ = true;
        constexpr std::size_t behind = x509_layout::count_behind / 8;
        const std::size_t first_behind = (part.end - part.start) / 8;
        for (std::size_t i = 0; i < first_behind && i + behind < words.size(); ++i) {
            const std::uint64_t length = words[i + 1];
            const auto count = static_cast<std::uint32_t>(words[i + behind]);
            if (length >= x509_layout::smallest && length <= x509_layout::largest &&
                static_cast<std::uint32_t>(words[i + 2]) <= 1 && count != 0 &&
                count < x509_layout::most_references && is_in_a_heap(words[i]))
                look_at(words[i], length);
        }
    }

    void look_at(std::uint64_t address, std::uint64_t length) {
        std::string der(length, '\0');
        if (!copy_from(pid_, address, der.data(), der.size()))
            return;
        const auto known = found_.find(der);
        if (known != found_.end()) {
            ++known->second.copies;
            return;
        }
        std::optional<tbs_certificate> shown = parse_tbs_certificate(der);
        if (shown) {
            const std::uint64_t weight = weight_of(der);
            found_.emplace(std::move(der), copied_certificate{std::move(*shown), 1, weight});
        }
    }

    // Of the whole certificate: with a signature as large as one of RSA 2048.
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
    std::vector<range> heaps_;
    std::map<std::string, copied_certificate> found_; // by DER
    bool was_read_ = false;
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

scan scan_process(pid_t pid) {
    return scanner(pid).all();
}

} // namespace ibid::cli::certs
