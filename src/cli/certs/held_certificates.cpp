// SPDX-License-Identifier: Apache-2.0
//
// See held_certificates.h.
#include "cli/certs/held_certificates.h"

#include "cli/certs/x509_layout.h"
#include "statistics/foreign_memory.h"
#include "statistics/layout.h"
#include "statistics/packed.h"
#include "statistics/reading_child.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <unordered_set>

namespace ibid::cli::certs {
namespace {

using shared_statistics::certificates_anchor;
using shared_statistics::copy_from;

constexpr std::uint32_t most_slots_log = 20; // of one array: a million

template <class T>
T word_at(const char* bytes, std::size_t offset) {
    T word{};
    std::memcpy(&word, bytes + offset, sizeof(T));
    return word;
}

bool is_sound(const certificates_anchor& a) {
    const std::uint32_t most = 4096;
    return a.magic == shared_statistics::magic_number && a.arrays != 0 && a.arrays <= 64 &&
           a.entry_bytes <= most && a.entry_bytes >= 8 && a.entry_home <= a.entry_bytes - 8 &&
           a.entry_x509 <= a.entry_bytes - 8 && a.entry_der_size <= a.entry_bytes - 4 && a.table <= most &&
           a.first_array <= most * 16 && a.arrays_apart <= most;
}

class reader {
public:
    reader(pid_t pid, const certificates_anchor& a, budget& left) : pid_(pid), a_(a), left_(left) {}

    reading all() {
        reading r;
        std::uint64_t home = 0;
        std::uint64_t table = 0;
        if (!copy_from(pid_, a_.home, &home, sizeof(home))) {
            r.failed = true;
            return r;
        }
        if (home == 0 || !copy_from(pid_, home + a_.table, &table, sizeof(table)))
            return r;
        std::unordered_set<std::uint64_t> seen; // entries and X509s: each is in the table once
        for (std::uint32_t i = 0; i < a_.arrays; ++i) {
            for (const std::uint64_t entry :
                 entries(table + a_.first_array + std::uint64_t{i} * a_.arrays_apart, r.cut)) {
                const auto now = std::chrono::steady_clock::now();
                if (now - told_ > std::chrono::milliseconds(100)) {
                    left_.alive();
                    told_ = now;
                }
                if (left_.certificates == 0 || left_.text_bytes == 0 || left_.der_bytes == 0 ||
                    now > left_.end) {
                    r.cut = true;
                    return r;
                }
                if (!seen.insert(entry).second)
                    continue;
                std::uint64_t x509 = 0;
                std::optional<held_certificate> one = certificate_of(entry, home, x509);
                if (x509 != 0 && !seen.insert(x509).second)
                    continue;
                if (!one) {
                    ++r.missed;
                    continue;
                }
                --left_.certificates;
                const tbs_certificate& c = one->shown;
                left_.text_bytes -= std::min(left_.text_bytes, c.subject.size() + c.issuer.size());
                r.certificates.push_back(std::move(*one));
            }
        }
        return r;
    }

private:
    // The slots of the array to which the word at this address leads. The word is read again afterwards,
    // because the array may have been replaced.
    [[nodiscard]] std::vector<std::uint64_t> entries(std::uint64_t address, bool& cut) {
        for (int tries = 0; tries < 4; ++tries) {
            std::uint64_t word = 0;
            if (!copy_from(pid_, address, &word, sizeof(word)) || word == 0 || (word & 63) > most_slots_log)
                return {};
            const std::size_t number = std::size_t{1} << (word & 63);
            if (cut = cut || number > left_.slots; number > left_.slots)
                return {};
            left_.slots -= number;
            std::vector<std::uint64_t> slots(number);
            std::uint64_t again = 0;
            if (!copy_from(pid_, word & ~std::uint64_t{63}, slots.data(), slots.size() * sizeof(slots[0])) ||
                !copy_from(pid_, address, &again, sizeof(again)) || again != word)
                continue;
            for (std::uint64_t& slot : slots)
                slot &= a_.slot_address;
            std::erase(slots, 0U);
            std::sort(slots.begin(), slots.end()); // an entry that was moved meanwhile may be there twice
            slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
            return slots;
        }
        return {};
    }

    [[nodiscard]] std::optional<held_certificate> certificate_of(std::uint64_t address, std::uint64_t home,
                                                                 std::uint64_t& x509) {
        std::vector<char> entry(a_.entry_bytes);
        if (!copy_from(pid_, address, entry.data(), entry.size()) ||
            word_at<std::uint64_t>(entry.data(), a_.entry_home) != home)
            return std::nullopt;
        x509 = word_at<std::uint64_t>(entry.data(), a_.entry_x509);
        held_certificate c;
        c.bytes = word_at<std::uint32_t>(entry.data(), a_.entry_der_size);
        c.retained = (word_at<std::uint64_t>(entry.data(), 0) & a_.retained) != 0;
        std::array<char, x509_layout::bytes> object{};
        if (c.bytes > x509_layout::largest || !copy_from(pid_, x509, object.data(), object.size()) ||
            !read_object(object, c))
            return std::nullopt;
        // The bytes belong to this certificate only if it was there all the time.
        std::vector<char> again(a_.entry_bytes);
        if (!copy_from(pid_, address, again.data(), again.size()) ||
            word_at<std::uint64_t>(again.data(), a_.entry_home) != home ||
            word_at<std::uint64_t>(again.data(), a_.entry_x509) != x509 ||
            word_at<std::uint32_t>(again.data(), a_.entry_der_size) != c.bytes)
            return std::nullopt;
        return c;
    }

    // Searches for an address and a length that lead to a TBSCertificate; first at the offset where the last
    // one was found.
    [[nodiscard]] bool read_object(const std::array<char, x509_layout::bytes>& object, held_certificate& c) {
        if (read_encoding(object, place_, c))
            return true;
        for (std::size_t at = 0; at + 16 <= object.size(); at += 8) {
            if (at != place_ && read_encoding(object, at, c)) {
                place_ = at;
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] bool read_encoding(const std::array<char, x509_layout::bytes>& object, std::size_t at,
                                     held_certificate& c) {
        const auto length = word_at<std::uint64_t>(object.data(), at + 8);
        if (length < 32 || length >= c.bytes || left_.der_bytes == 0)
            return false;
        left_.der_bytes -= std::min(left_.der_bytes, length);
        std::string der(length, '\0');
        if (!copy_from(pid_, word_at<std::uint64_t>(object.data(), at), der.data(), der.size()))
            return false;
        std::optional<tbs_certificate> shown = parse_tbs_certificate(der);
        if (!shown)
            return false;
        c.shown = std::move(*shown);
        c.holders.reset();
        if (at + x509_layout::count_behind + 4 <= object.size()) {
            const auto count = word_at<std::uint32_t>(object.data(), at + x509_layout::count_behind);
            if (count != 0 && count < x509_layout::most_references)
                c.holders = count - std::min<std::uint32_t>(count, c.retained ? 1 : 0);
        }
        return true;
    }

    pid_t pid_;
    const certificates_anchor& a_;
    budget& left_;
    std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
    std::size_t place_ = x509_layout::encoding;
};

} // namespace

reading read_certificates(pid_t pid, std::uint64_t anchor, budget& left) {
    certificates_anchor a{};
    if (anchor == 0 || !copy_from(pid, anchor, &a, sizeof(a)) || !is_sound(a)) {
        reading none;
        none.failed = anchor != 0;
        return none;
    }
    return reader(pid, a, left).all();
}

std::optional<std::vector<reading>> read_certificates_in_time(pid_t pid,
                                                              const std::vector<std::uint64_t>& anchors) {
    using shared_statistics::pack;
    using shared_statistics::reading_child;
    using shared_statistics::unpack;
    // An answer: progress, a certificate, or the end of a table.
    enum class tag : unsigned char { alive, certificate, end };
    reading_child child([&](reading_child::answers& out) {
        budget left;
        left.alive = [&out] { out.send((pack() << tag::alive).bytes()); };
        for (const std::uint64_t anchor : anchors) {
            const reading r = read_certificates(pid, anchor, left);
            for (const held_certificate& c : r.certificates) {
                const tbs_certificate& t = c.shown;
                out.send((pack() << tag::certificate << t.serial << t.issuer << t.subject << t.not_before
                                 << t.not_after << t.begins << t.ends << c.bytes << c.retained
                                 << c.holders.has_value() << c.holders.value_or(0))
                             .bytes());
            }
            out.send((pack() << tag::end << r.missed << r.failed << r.cut).bytes());
        }
    });
    std::vector<reading> all;
    reading now;
    while (const std::optional<std::string> one = child.next(std::chrono::seconds(3))) {
        unpack in(*one);
        tag is{};
        in >> is;
        if (is == tag::end) {
            in >> now.missed >> now.failed >> now.cut;
            all.push_back(std::move(now));
            now = {};
        }
        if (is != tag::certificate)
            continue;
        held_certificate c;
        tbs_certificate& t = c.shown;
        bool known = false;
        std::uint32_t holders = 0;
        in >> t.serial >> t.issuer >> t.subject >> t.not_before >> t.not_after >> t.begins >> t.ends >>
            c.bytes >> c.retained >> known >> holders;
        if (known)
            c.holders = holders;
        now.certificates.push_back(std::move(c));
    }
    return child.ended_well() ? std::optional(std::move(all)) : std::nullopt;
}

} // namespace ibid::cli::certs
