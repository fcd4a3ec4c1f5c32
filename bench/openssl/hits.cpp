// SPDX-License-Identifier: Apache-2.0
//
// The cost of a hit compared with a lower bound, and with two threads.
#include "der_file.h"
#include "samples.h"
#include "scenarios.h"

#define XXH_INLINE_ALL
#define XXH_FORCE_MEMORY_ACCESS 0 // as in ibid/hash.h
#include <xxhash.h>

#include <atomic>
#include <barrier>
#include <cstring>
#include <thread>

namespace bench {

namespace {

// The lower bound of a hit: the keyed hash of the bytes, their comparison with the stored bytes, and one
// reference taken and dropped.
class floor_of_a_hit {
public:
    explicit floor_of_a_hit(std::span<const unsigned char> key)
        : key_(key.begin(), key.end()),
          hash_(XXH3_64bits_withSecret(key.data(), key.size(), secret_.data(), secret_.size())) {}

    void operator()(std::span<const unsigned char> asked) {
        const auto hash = XXH3_64bits_withSecret(asked.data(), asked.size(), secret_.data(), secret_.size());
        if (hash != hash_ || asked.size() != key_.size() ||
            std::memcmp(asked.data(), key_.data(), key_.size()) != 0)
            throw std::runtime_error("the floor has a hole");
        references_.fetch_add(1, std::memory_order_relaxed);
        references_.fetch_sub(1, std::memory_order_acq_rel);
    }

private:
    static constexpr std::array<unsigned char, 192> secret_ = [] {
        std::array<unsigned char, 192> made{};
        unsigned int state = 1;
        for (unsigned char& byte : made)
            byte = static_cast<unsigned char>((state = state * 1664525u + 1013904223u) >> 24);
        return made;
    }();

    bytes key_;
    std::uint64_t hash_;
    alignas(64) std::atomic<int> references_{1};
};

// Nanoseconds for which this thread was runnable and waited for a processor (proc(5), /proc/PID/schedstat).
nanoseconds waited_for_processor() {
    std::ifstream schedstat("/proc/thread-self/schedstat");
    nanoseconds ran = 0;
    nanoseconds waited = 0;
    schedstat >> ran >> waited;
    return waited;
}

constexpr nanoseconds window = 20'000'000;

struct attempt {
    double per_us = 0;      // operations per microsecond, all threads together
    nanoseconds waited = 0; // waiting for a processor, all threads together
};

// Threads that each do their own work for about one window of time. A thread's time is the elapsed time minus
// the time for which it waited for a processor: so waiting for each other counts, and other programs do not.
template <class Work>
attempt work_at_once(const std::vector<Work>& works) {
    std::barrier start(static_cast<std::ptrdiff_t>(works.size()));
    std::vector<attempt> each(works.size());
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < works.size(); ++i) {
        threads.emplace_back([&, i] {
            constexpr int stretch = 64;
            std::int64_t done = 0;
            start.arrive_and_wait();
            const nanoseconds waited = waited_for_processor();
            const nanoseconds begin = wall();
            nanoseconds now = begin;
            do {
                for (int n = 0; n < stretch; ++n)
                    works[i]();
                done += stretch;
                now = wall();
            } while (now - begin < window);
            each[i].waited = waited_for_processor() - waited;
            each[i].per_us = static_cast<double>(done) / microseconds(now - begin - each[i].waited);
        });
    }
    threads.clear();
    attempt together;
    for (const attempt& one : each) {
        together.per_us += one.per_us;
        together.waited += one.waited;
    }
    return together;
}

// If a thread waited for a processor, the threads did not run at the same time, and did not contend. On a
// busy machine it takes some attempts until they run at the same time.
template <class Work>
double throughput(const std::vector<Work>& works) {
    attempt best = work_at_once(works);
    for (int tries = 1; tries < 10 && best.waited > window / 20; ++tries) {
        const attempt next = work_at_once(works);
        if (next.waited < best.waited)
            best = next;
    }
    return best.per_us;
}

// The same measurement in several windows of time, alternately with one thread and with two.
struct rates {
    std::vector<double> one, both, apart;
};

template <class Work>
void add_window(rates& to, const Work& first, const Work& second) {
    to.one.push_back(throughput<Work>({first}));
    to.both.push_back(throughput<Work>({first, first}));
    to.apart.push_back(throughput<Work>({first, second}));
}

} // namespace

figures measure_hits(const std::vector<std::filesystem::path>& certificates, int windows,
                     const turns& turns) {
    if (certificates.size() != 2)
        throw std::runtime_error("two certificates are needed");
    const bytes ders[] = {read_file(certificates[0]), read_file(certificates[1])};
    const owned_x509 held[] = {parse(ders[0]), parse(ders[1])};
    floor_of_a_hit floors[] = {floor_of_a_hit(ders[0]), floor_of_a_hit(ders[1])};

    const auto hit = [&](int i) { return [&der = ders[i]] { parse(der); }; };
    const auto touch_floor = [&](int i) { return [&der = ders[i], &floor = floors[i]] { floor(der); }; };
    rates hits, floor;
    for (int i = 0; i < windows; ++i) {
        turns.next();
        add_window(hits, hit(0), hit(1));
        add_window(floor, touch_floor(0), touch_floor(1));
    }
    const auto result = [](const rates& of, const std::string& name, figures& to) {
        to[name + "_ns"] = 1e3 / median(of.one);
        to[name + "s_one_per_us"] = median(of.one);
        to[name + "s_same_per_us"] = median(of.both);
        to[name + "s_apart_per_us"] = median(of.apart);
    };
    figures measured{{"certificate_bytes", static_cast<double>(ders[0].size())}};
    result(hits, "hit", measured);
    result(floor, "floor", measured);
    return measured;
}

} // namespace bench
