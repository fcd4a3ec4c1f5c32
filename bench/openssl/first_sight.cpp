// SPDX-License-Identifier: Apache-2.0
//
// The cost of a miss: certificates that are parsed for the first time.
#include "der_file.h"
#include "instructions.h"
#include "memory.h"
#include "samples.h"
#include "scenarios.h"

namespace bench {

namespace {

constexpr std::size_t warm_up = 200; // the first few include OpenSSL's one-time fetches
constexpr std::size_t stretch = 100; // certificates between two turns

} // namespace

figures measure_first_sight(const std::filesystem::path& certificates, const turns& turns) {
    const bytes file = read_file(certificates);
    auto ders = split_certificates(file);
    if (ders.size() <= warm_up || (ders.size() - warm_up) % stretch != 0)
        throw std::runtime_error("not as many certificates as are needed");
    for (const auto der : std::span(ders).first(warm_up))
        parse(der);
    const auto measured = std::span(ders).subspan(warm_up);
    const auto count = static_cast<double>(measured.size());

    std::vector<owned_x509> kept;
    kept.reserve(measured.size());
    // The median of stretches: other load affects only a few of them.
    std::vector<double> parsing;
    std::vector<double> freeing;
    const instruction_counter instructions;
    const std::int64_t heap = heap_in_use();
    std::uint64_t retired = 0;
    for (std::size_t i = 0; i < measured.size(); i += stretch) {
        turns.next();
        const std::uint64_t begin = instructions.now();
        nanoseconds spent = 0;
        timed(spent, [&] {
            for (const auto der : measured.subspan(i, stretch))
                kept.push_back(parse(der));
        });
        retired += instructions.now() - begin;
        parsing.push_back(microseconds(spent) / static_cast<double>(stretch));
    }
    const std::int64_t heap_after = heap_in_use();
    while (!kept.empty()) {
        turns.next();
        nanoseconds spent = 0;
        timed(spent, [&] { kept.resize(kept.size() - stretch); });
        freeing.push_back(microseconds(spent) / static_cast<double>(stretch));
    }

    const double parse_us = median(parsing);
    const double free_us = median(freeing);
    figures result{{"parse_us", parse_us},
                   {"free_us", free_us},
                   {"life_us", parse_us + free_us},
                   {"heap_bytes", static_cast<double>(heap_after - heap) / count}};
    if (retired > 0)
        result["parse_instructions"] = static_cast<double>(retired) / count;
    return result;
}

} // namespace bench
