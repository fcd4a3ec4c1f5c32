// SPDX-License-Identifier: Apache-2.0
//
// See host_reader.h.
#include "statistics/host_reader.h"

#include "statistics/every_process.h"
#include "statistics/packed.h"
#include "statistics/reading_child.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sys/stat.h>

namespace ibid::shared_statistics {
namespace {

std::string packed(const process_result& r) {
    pack out;
    const process_figures& f = r.figures;
    out << r.error << r.start_time << f.helped << f.is_disabled << f.reason << f.of
        << std::uint64_t{f.libcryptos.size()};
    for (const libcrypto_figures& one : f.libcryptos)
        out << one.path << one.version << one.helped << one.reason << one.anchor << one.processes
            << one.disabled << one.of;
    out << f.caches_cut << std::uint64_t{f.caches.size()};
    for (const cache_figures& one : f.caches)
        out << one.name << one.of;
    return out.bytes();
}

process_result unpacked(const std::string& bytes) {
    unpack in(bytes);
    process_result r;
    process_figures& f = r.figures;
    std::uint64_t number = 0;
    in >> r.error >> r.start_time >> f.helped >> f.is_disabled >> f.reason >> f.of >> number;
    for (; number != 0 && in.whole(); --number) {
        libcrypto_figures one;
        in >> one.path >> one.version >> one.helped >> one.reason >> one.anchor >> one.processes >>
            one.disabled >> one.of;
        f.libcryptos.push_back(std::move(one));
    }
    in >> f.caches_cut >> number;
    for (; number != 0 && in.whole(); --number) {
        cache_figures one;
        in >> one.name >> one.of;
        f.caches.push_back(std::move(one));
    }
    return in.whole() ? r : process_result{read_error::no_answer, {}};
}

std::optional<uid_t> user_of(pid_t pid) {
    struct stat about {};
    return ::stat(("/proc/" + std::to_string(pid)).c_str(), &about) == 0 ? std::optional(about.st_uid)
                                                                         : std::nullopt;
}

std::unique_ptr<reading_child> reader_of(const std::vector<pid_t>& pids, std::size_t from) {
    return std::make_unique<reading_child>([&pids, from](reading_child::answers& out) {
        for (std::size_t i = from; i < pids.size(); ++i)
            out.send(packed(read_process_here(pids[i])));
    });
}

} // namespace

process_result read_process(pid_t pid) {
    const std::unique_ptr<reading_child> child = reader_of({pid}, 0);
    const std::optional<std::string> said = child->next(std::chrono::seconds(1));
    return said ? unpacked(*said) : process_result{read_error::no_answer, {}, child->not_started()};
}

std::vector<std::pair<pid_t, process_result>> host_reader::scan() {
    const clock::time_point begin = clock::now();
    std::vector<pid_t> pids = every_process();
    std::map<pid_t, record> known;
    for (const pid_t pid : pids) {
        const auto before = known_.find(pid);
        known[pid] = before != known_.end() ? before->second : record{};
    }
    known_ = std::move(known);
    std::stable_partition(pids.begin(), pids.end(), [this](pid_t pid) { return known_[pid].answered; });

    std::vector<std::pair<pid_t, process_result>> all;
    std::vector<pid_t> asked;
    for (const pid_t pid : pids) {
        if (known_[pid].not_before <= begin)
            asked.push_back(pid);
        else
            all.push_back({pid, {read_error::no_answer, {}}});
    }
    std::unique_ptr<reading_child> child;
    clock::duration lost{0};
    for (std::size_t i = 0; i < asked.size(); ++i) {
        record& r = known_[asked[i]];
        const clock::time_point asks = clock::now();
        if (asks - begin > scan_timeout || (!r.answered && lost > slow_processes_timeout)) {
            all.push_back({asked[i], {read_error::no_answer, {}}});
            continue;
        }
        if (!child)
            child = reader_of(asked, i);
        if (not_started_ = child->not_started(); not_started_ != 0) { // no fault of the process
            all.push_back({asked[i], {read_error::no_answer, {}, not_started_}});
            child.reset();
            continue;
        }
        const std::optional<std::string> said = child->next(process_timeout);
        all.push_back({asked[i], said ? unpacked(*said) : process_result{read_error::no_answer, {}}});
        const clock::duration took = clock::now() - asks;
        r.answered = said.has_value() && took < process_timeout / 2;
        if (!said || took > process_timeout / 2)
            lost += took;
        if (said)
            continue;
        child.reset();
        r.not_before = clock::now() + r.backoff;
        r.backoff = std::min(2 * r.backoff, longest_backoff);
        // The other processes of that user are read last.
        const std::optional<uid_t> user = user_of(asked[i]);
        const auto behind = asked.begin() + static_cast<std::ptrdiff_t>(i) + 1;
        std::stable_partition(behind, asked.end(),
                              [&](pid_t pid) { return known_[pid].answered || user_of(pid) != user; });
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return all;
}

} // namespace ibid::shared_statistics
