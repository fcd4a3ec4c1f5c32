// SPDX-License-Identifier: Apache-2.0
//
// The requests and their order.
//
// Law: a trace is a function of its name, the number of requests and the seed, with the same bits on every
// machine: it uses only integers, sums, quotients and square roots. bench_retention prints a hash over each.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/sequence.h"

#include "policies.h"

namespace bench_retention {

struct trace {
    std::string name;
    std::string what;
    std::size_t keys = 0; // number of distinct keys; they are the numbers from 0 on
    std::vector<request> requests;
};

class random {
public:
    explicit random(std::uint64_t seed) : state_(seed << 40) {}
    [[nodiscard]] std::uint64_t bits() { return bench::mix(state_++); }
    [[nodiscard]] std::size_t below(std::size_t n) { return bits() % n; }
    [[nodiscard]] bool percent(unsigned p) { return bits() % 100 < p; }

private:
    std::uint64_t state_;
};

// Rank i is drawn in proportion to (i + 1)^-1, or to (i + 1)^-0.75, whose two square roots are exact on every
// machine.
class zipf {
public:
    enum class exponent { one, three_quarters };

    zipf(std::size_t ranks, exponent e) : cumulated_(ranks) {
        double sum = 0;
        for (std::size_t i = 0; i < ranks; ++i) {
            const auto x = static_cast<double>(i + 1);
            sum += 1.0 / (e == exponent::one ? x : std::sqrt(x * std::sqrt(x)));
            cumulated_[i] = sum;
        }
    }
    [[nodiscard]] std::size_t rank(random& from) const {
        const double u = static_cast<double>(from.bits() >> 11) * 0x1p-53 * cumulated_.back();
        const auto found = std::upper_bound(cumulated_.begin(), cumulated_.end(), u);
        return std::min<std::size_t>(static_cast<std::size_t>(found - cumulated_.begin()),
                                     cumulated_.size() - 1);
    }

private:
    std::vector<double> cumulated_;
};

// A trace under construction. A key gets its number at its first use.
class writer {
public:
    writer(std::string name, std::string what, std::size_t requests)
        : trace_{std::move(name), std::move(what), 0, {}}, wanted_(requests) {
        trace_.requests.reserve(requests);
    }
    [[nodiscard]] std::uint32_t new_key() { return static_cast<std::uint32_t>(trace_.keys++); }
    [[nodiscard]] std::vector<std::uint32_t> new_keys(std::size_t n) {
        std::vector<std::uint32_t> keys(n);
        for (std::uint32_t& k : keys) {
            k = new_key();
        }
        return keys;
    }
    [[nodiscard]] bool full() const { return trace_.requests.size() >= wanted_; }
    [[nodiscard]] std::size_t now() const { return trace_.requests.size(); }
    void ask(std::uint32_t key, bool verifies = true) {
        if (!full()) {
            trace_.requests.push_back({key, verifies});
        }
    }
    [[nodiscard]] trace done() { return std::move(trace_); }

private:
    trace trace_;
    std::size_t wanted_;
};

[[nodiscard]] inline trace plain_zipf(zipf::exponent e, std::size_t requests, random r) {
    constexpr std::size_t ranks = 50'000;
    const bool one = e == zipf::exponent::one;
    writer w(one ? "Zipf 1" : "Zipf 3/4",
             std::string("50,000 keys, exponent ") + (one ? "1" : "0.75") + ", popularity stays", requests);
    const zipf popular(ranks, e);
    const std::vector<std::uint32_t> keys = w.new_keys(ranks);
    while (!w.full()) {
        w.ask(keys[popular.rank(r)]);
    }
    return w.done();
}

[[nodiscard]] inline trace drifting(std::size_t requests, random r) {
    constexpr std::size_t ranks = 50'000;
    writer w("Zipf 1, drifting",
             "every 50th request a key of the 1,000 most popular ones changes places with any other",
             requests);
    const zipf popular(ranks, zipf::exponent::one);
    std::vector<std::uint32_t> keys = w.new_keys(ranks);
    while (!w.full()) {
        if (w.now() % 50 == 0) {
            std::uint32_t& popular_one =
                keys[r.below(1000)]; // in two steps, so that all compilers draw in this order
            std::swap(popular_one, keys[r.below(ranks)]);
        }
        w.ask(keys[popular.rank(r)]);
    }
    return w.done();
}

[[nodiscard]] inline trace once_only(std::size_t requests, random r) {
    constexpr std::size_t ranks = 50'000;
    writer w("Zipf 1 + once-only", "half of the requests are for keys that never come again", requests);
    const zipf popular(ranks, zipf::exponent::one);
    const std::vector<std::uint32_t> keys = w.new_keys(ranks);
    while (!w.full()) {
        w.ask(r.percent(50) ? w.new_key() : keys[popular.rank(r)]);
    }
    return w.done();
}

[[nodiscard]] inline trace scans(std::size_t requests, random r) {
    constexpr std::size_t ranks = 50'000;
    writer w("Zipf 1 + scans", "after every 20,000 requests, 5,000 keys in a row that never come again",
             requests);
    const zipf popular(ranks, zipf::exponent::one);
    const std::vector<std::uint32_t> keys = w.new_keys(ranks);
    while (!w.full()) {
        for (int i = 0; i < 20'000; ++i) {
            w.ask(keys[popular.rank(r)]);
        }
        for (int i = 0; i < 5'000; ++i) {
            w.ask(w.new_key());
        }
    }
    return w.done();
}

[[nodiscard]] inline trace rounds(std::size_t requests, random) {
    constexpr std::size_t hosts = 3'000;
    writer w("rounds", "3,000 keys one after another, again and again, as a health checker asks", requests);
    const std::vector<std::uint32_t> keys = w.new_keys(hosts);
    while (!w.full()) {
        w.ask(keys[w.now() % hosts]);
    }
    return w.done();
}

// 20,000 sites, Zipf 1. Each site's leaf certificate is renewed at times of its own: 2.5 times in 500,000
// requests. A site has many machines: for a while some of them have the new certificate and some the old. One
// of the authority's intermediates issues the renewed leaf; the intermediates are replaced, too, half as
// often.
class sites {
public:
    sites(writer& w, random& r) : w_(w), r_(r), leaves_(count) {
        for (leaf& l : leaves_) {
            l.phase = r_.below(lifetime);
        }
        for (authority& a : authorities_) {
            a.intermediates = w_.new_keys(intermediates);
            a.renewed = r_.below(2 * lifetime);
        }
    }

    // One connection: the server's leaf and intermediate.
    void connect() {
        const std::size_t site = popular_.rank(r_);
        leaf& l = leaves_[site];
        authority& a = authorities_[site % authorities_.size()];
        const std::size_t now = w_.now();
        if (now >= a.renewed) {
            a.intermediates[r_.below(intermediates)] = w_.new_key();
            a.renewed += 2 * lifetime / intermediates;
        }
        const std::size_t generation = (now + l.phase) / lifetime;
        if (!l.known || generation != l.generation) {
            l.old = l.known ? l.current : chain{w_.new_key(), any_of(a)};
            l.current = chain{w_.new_key(), any_of(a)};
            l.generation = generation;
            l.known = true;
        }
        const bool old_machine =
            (now + l.phase) % lifetime < roll_out && r_.below(roll_out) > (now + l.phase) % lifetime;
        const chain& sent = old_machine ? l.old : l.current;
        w_.ask(sent.leaf);
        w_.ask(sent.intermediate);
    }

private:
    static constexpr std::size_t count = 20'000;
    static constexpr std::size_t lifetime = 200'000; // requests
    static constexpr std::size_t roll_out = 10'000;
    static constexpr std::size_t intermediates = 4;

    struct chain {
        std::uint32_t leaf;
        std::uint32_t intermediate;
    };
    struct leaf {
        std::size_t phase = 0;
        std::size_t generation = 0;
        bool known = false;
        chain current{};
        chain old{};
    };
    struct authority {
        std::vector<std::uint32_t> intermediates;
        std::size_t renewed = 0; // the next renewal
    };
    [[nodiscard]] std::uint32_t any_of(const authority& a) {
        return a.intermediates[r_.below(intermediates)];
    }

    writer& w_;
    random& r_;
    zipf popular_{count, zipf::exponent::one};
    std::vector<leaf> leaves_;
    std::vector<authority> authorities_{40};
};

[[nodiscard]] inline trace rotation(std::size_t requests, random r) {
    writer w("rotation", "20,000 sites whose certificates are renewed; leaf and intermediate", requests);
    sites s(w, r);
    while (!w.full()) {
        s.connect();
    }
    return w.done();
}

[[nodiscard]] inline trace rotation_and_strangers(std::size_t requests, random r) {
    writer w("rotation + strangers",
             "the same; half of the connections bring two that never verify and come once, or, one in five, "
             "those of 300 hosts that never verify and do come again",
             requests);
    sites s(w, r);
    constexpr std::size_t hosts = 300;
    const std::vector<std::uint32_t> unverified = w.new_keys(hosts);
    while (!w.full()) {
        if (r.percent(50)) {
            s.connect();
        } else if (r.percent(20)) {
            w.ask(unverified[r.below(hosts)], false);
        } else {
            w.ask(w.new_key(), false);
            w.ask(w.new_key(), false);
        }
    }
    return w.done();
}

[[nodiscard]] inline trace short_lived(std::size_t requests, random r) {
    constexpr std::size_t workloads = 5'000;
    writer w(
        "short-lived clients",
        "5,000 workloads, Zipf 0.75, each with a new certificate after 30 connections on average; leaf alone",
        requests);
    const zipf busy(workloads, zipf::exponent::three_quarters);
    std::vector<std::uint32_t> keys = w.new_keys(workloads);
    while (!w.full()) {
        std::uint32_t& key = keys[busy.rank(r)];
        w.ask(key);
        if (r.below(30) == 0) {
            key = w.new_key();
        }
    }
    return w.done();
}

[[nodiscard]] inline std::vector<trace> all_traces(std::size_t requests, std::uint64_t seed) {
    std::vector<trace> all;
    all.push_back(plain_zipf(zipf::exponent::one, requests, random(seed)));
    all.push_back(plain_zipf(zipf::exponent::three_quarters, requests, random(seed + 1)));
    all.push_back(drifting(requests, random(seed + 2)));
    all.push_back(once_only(requests, random(seed + 3)));
    all.push_back(scans(requests, random(seed + 4)));
    all.push_back(rounds(requests, random(seed + 5)));
    all.push_back(rotation(requests, random(seed + 6)));
    all.push_back(rotation_and_strangers(requests, random(seed + 7)));
    all.push_back(short_lived(requests, random(seed + 8)));
    return all;
}

} // namespace bench_retention
