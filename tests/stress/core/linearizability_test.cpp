// SPDX-License-Identifier: Apache-2.0
//
// Records short random histories of concurrent operations and checks each against the sequential model
// (tests/support/cache_model.h). Caches that are broken on purpose are checked too, and must be rejected: a
// checker that accepts everything proves nothing.
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "disturbance.h"
#include "ibid/cache.h"
#include "ibid/weak.h"
#include "support/cache_model.h"
#include "support/crew.h"
#include "support/linearizability.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;
using op = cache_operation;

constexpr std::size_t threads = 3;
constexpr int keys = 2;
constexpr std::size_t slots = 2;   // handles that a thread holds at most
constexpr int steps = 5;           // operations of a thread in one history, besides the drops at its end
constexpr int believed = 4000;     // histories of a cache that is believed to be right
constexpr int known_wrong = 40000; // at most, of one that is known to be wrong

std::atomic<std::uint64_t> clock_ticks{1};
std::uint64_t tick() {
    return clock_ticks.fetch_add(1);
}

std::atomic<std::uint64_t> serials{0};
thread_local std::array<std::uint64_t, keys>
    ended_here{}; // for each key, the serial of what ended on this thread

struct numbered {
    int key;
    std::uint64_t serial = serials.fetch_add(1) + 1;
    explicit numbered(int k) : key(k) {}
    numbered(const numbered&) = delete;
    numbered& operator=(const numbered&) = delete;
    ~numbered() {
        ended_here[static_cast<std::size_t>(key)] = serial;
        stumble();
    }
};

// All keys in one shard; of one hash, or of neighbouring ones.
struct one_hash {
    std::uint64_t operator()(int) const {
        stumble();
        return 42;
    }
};
struct neighbouring_hashes {
    std::uint64_t operator()(int key) const {
        stumble();
        return 42 + static_cast<std::uint64_t>(key);
    }
};
// The same, and hits are answered without a lock.
struct resistant_hashes : neighbouring_hashes {
    using is_keyed = void;
};
struct stumbling_equal {
    bool operator()(int a, int b) const {
        stumble();
        return a == b;
    }
};

// What is tested.
template <class Hash>
struct real {
    using handle_type = handle<numbered>;
    using weak_type = weak<numbered>;
    static constexpr bool has_weak = true;
    static constexpr bool retains = false;
    cache<int, numbered, key_beside, Hash, stumbling_equal> c;

    template <class Make>
    handle_type intern(int key, Make make) {
        return c.intern(key, make);
    }
    handle_type find(int key) { return c.find(key); }
    void trim() { c.trim(); }
};

template <class Hash>
struct real_with_retention : real<Hash> {
    static constexpr bool retains = true;
    real_with_retention() { this->c.retain({.bytes = 1 << 20, .entries = 100}); }
};

// Every value is hot as soon as two have it.
template <class Hash>
struct real_and_hot : real<Hash> {
    template <class Make>
    handle<numbered> intern(int key, Make make) {
        handle<numbered> h = this->c.intern(key, make);
        make_hot(h);
        return h;
    }
};

// Right, and slow: everything under one lock. The checker must not refuse it.
struct one_lock {
    using handle_type = std::shared_ptr<const numbered>;
    using weak_type = std::weak_ptr<const numbered>;
    static constexpr bool has_weak = true;
    static constexpr bool retains = false;
    std::mutex mutex;
    std::map<int, std::weak_ptr<const numbered>> entries;

    template <class Make>
    handle_type intern(int key, Make make) {
        const std::lock_guard lock(mutex);
        handle_type h = entries[key].lock();
        if (!h) {
            h = handle_type(new numbered(make()));
            entries[key] = h;
        }
        return h;
    }
    handle_type find(int key) {
        const std::lock_guard lock(mutex);
        return entries[key].lock();
    }
    void trim() {}
};

// Wrong: looks, makes, and puts in what it made, whatever has come meanwhile (as Go's crypto/tls did,
// harmlessly there).
struct two_values : one_lock {
    template <class Make>
    handle_type intern(int key, Make make) {
        if (handle_type h = find(key)) {
            return h;
        }
        handle_type h(new numbered(make()));
        const std::lock_guard lock(mutex);
        entries[key] = h;
        return h;
    }
};

// Wrong: what ends is kept until somebody comes by.
struct late_end : one_lock {
    std::vector<handle_type> garbage;
    template <class Make>
    handle_type intern(int key, Make make) {
        handle_type h = one_lock::intern(key, make);
        const std::lock_guard lock(mutex);
        garbage.assign(1, h);
        return h;
    }
};

// Wrong: now and then a find overlooks what is there, as if it looked at a table that is being replaced.
struct overlooks : one_lock {
    handle_type find(int key) { return this_threads_dice()(8) == 0 ? nullptr : one_lock::find(key); }
};

// Wrong: counts a reference without asking whether the value is already ending.
struct revives {
    struct box {
        std::atomic<int> count{1};
        numbered* value;
        bool ended = false;
        revives* in;
        int key;
    };
    struct handle_type {
        box* b = nullptr;
        handle_type() = default;
        explicit handle_type(box* x) : b(x) {}
        handle_type(const handle_type& o) : b(o.b) {
            if (b != nullptr) {
                ++b->count;
            }
        }
        handle_type(handle_type&& o) noexcept : b(std::exchange(o.b, nullptr)) {}
        handle_type& operator=(handle_type o) noexcept {
            std::swap(b, o.b);
            return *this;
        }
        ~handle_type() {
            if (b != nullptr && --b->count == 0) {
                stumble();
                b->in->forget(b);
            }
        }
        const numbered* operator->() const { return b->value; }
        explicit operator bool() const { return b != nullptr; }
    };
    struct weak_type {
        weak_type() = default;
        explicit weak_type(const handle_type&) {}
        handle_type lock() { return {}; }
    };
    static constexpr bool retains = false;
    static constexpr bool has_weak = false;
    std::mutex mutex;
    std::map<int, box*> entries;
    std::vector<std::unique_ptr<box>> boxes;
    std::vector<std::unique_ptr<numbered>> values;

    handle_type take(int key) {
        box* const b = entries[key];
        if (b == nullptr) {
            return {};
        }
        ++b->count; // may have been zero
        return handle_type(b);
    }
    void forget(box* b) {
        const std::lock_guard lock(mutex);
        if (entries[b->key] == b) {
            entries[b->key] = nullptr;
        }
        if (!std::exchange(b->ended, true)) {
            ended_here[static_cast<std::size_t>(b->key)] =
                b->value
                    ->serial; // the memory stays, so that this wrong cache does nothing worse than be wrong
        }
    }
    template <class Make>
    handle_type intern(int key, Make make) {
        const std::lock_guard lock(mutex);
        if (handle_type h = take(key)) {
            return h;
        }
        values.push_back(std::unique_ptr<numbered>(new numbered(make())));
        boxes.push_back(std::make_unique<box>());
        box* const b = boxes.back().get();
        b->value = values.back().get();
        b->in = this;
        b->key = key;
        entries[key] = b;
        return handle_type(b);
    }
    handle_type find(int key) {
        const std::lock_guard lock(mutex);
        return take(key);
    }
    void trim() {}
};

struct no_value_today {};

using key_histories = std::array<std::vector<recorded<op>>, keys>;

template <class Subject>
class recorder {
    using handle_type = typename Subject::handle_type;
    using weak_type = typename Subject::weak_type;

public:
    explicit recorder(Subject& subject) : subject_(subject) {}

    key_histories history;

    // Before the race: this thread holds `key`, and all threads know its value weakly.
    void start_with(int key, std::vector<recorder>& all) {
        intern(slots_[0], key, false);
        for (recorder& r : all) {
            r.known_ = weak_type(slots_[0].h);
            r.known_serial_ = slots_[0].serial;
            r.known_key_ = key;
        }
    }

    // One thread's part. Afterwards it holds nothing.
    void play(std::uint64_t seed) {
        dice d(seed);
        for (int step = 0; step < steps; ++step) {
            slot& s = slots_[d(slots)];
            const int key = static_cast<int>(d(keys));
            const std::uint32_t what = d(8);
            if (what == 0 && s.serial != 0) {
                slot& other = slots_[&s == &slots_[0] ? 1 : 0];
                drop(other);
                clone(s, other);
                continue;
            }
            drop(s);
            if (what <= 2) {
                intern(s, key, false);
            } else if (what == 3) {
                intern(s, key, true);
            } else if (what == 4) {
                find(s, key);
            } else if (what == 5 && Subject::has_weak && known_serial_ != 0) {
                lock(s);
            } else if (what == 6 && Subject::retains) {
                trim();
            }
        }
        for (slot& s : slots_) {
            drop(s);
        }
    }

private:
    struct slot {
        handle_type h;
        std::uint64_t serial = 0;
        int key = 0;
    };

    static std::uint64_t call() {
        ended_here.fill(0);
        return tick();
    }
    void add(int key, std::uint64_t called, op what) {
        what.ended = ended_here[static_cast<std::size_t>(key)] != 0;
        history[static_cast<std::size_t>(key)].push_back({called, tick(), what});
    }
    static void hold(slot& s, handle_type h, int key) {
        s.serial = h ? h->serial : 0;
        s.key = key;
        s.h = std::move(h);
    }

    void intern(slot& s, int key, bool fails) {
        bool made = false;
        const std::uint64_t called = call();
        try {
            handle_type h = subject_.intern(key, [&]() -> numbered {
                stumble();
                if (fails) {
                    throw no_value_today();
                }
                made = true;
                return numbered(key);
            });
            add(key, called, {op::intern, h->serial, made});
            hold(s, std::move(h), key);
        } catch (const no_value_today&) {
            add(key, called, {op::failed_intern, 0});
        }
    }
    void find(slot& s, int key) {
        const std::uint64_t called = call();
        handle_type h = subject_.find(key);
        add(key, called, {op::find, h ? h->serial : 0});
        hold(s, std::move(h), key);
    }
    void clone(slot& from, slot& to) {
        const std::uint64_t called = call();
        handle_type h = from.h;
        add(from.key, called, {op::clone, from.serial});
        hold(to, std::move(h), from.key);
    }
    void lock(slot& s) {
        const std::uint64_t called = call();
        handle_type h(known_.lock());
        add(known_key_, called, {op::lock, known_serial_, false, static_cast<bool>(h)});
        hold(s, std::move(h), known_key_);
    }
    void drop(slot& s) {
        if (s.serial == 0) {
            return;
        }
        const std::uint64_t called = call();
        s.h = handle_type();
        add(s.key, called, {op::drop, s.serial});
        s.serial = 0;
    }
    void trim() {
        const std::uint64_t called = call();
        subject_.trim();
        const std::uint64_t returned = tick();
        for (std::size_t key = 0; key < keys; ++key) {
            history[key].push_back({called, returned, {op::trim_takes, 0}});
            history[key].push_back(
                {called, returned, {op::trim_lets_go, 0, false, true, ended_here[key] != 0}});
        }
    }

    Subject& subject_;
    std::array<slot, slots> slots_;
    weak_type known_;
    std::uint64_t known_serial_ = 0;
    int known_key_ = 0;
};

// Plays and checks up to `n` histories. The first that no sequential cache could have answered so, in words;
// empty: none.
template <class Subject>
std::string first_violation(int n) {
    crew all(threads);
    for (int i = 0; i < n; ++i) {
        Subject subject;
        std::vector<recorder<Subject>> parts(threads, recorder<Subject>(subject));
        parts[0].start_with(i % keys, parts);
        all.run([&](std::size_t t) { parts[t].play(static_cast<std::uint64_t>(i) * threads + t + 1); });
        for (std::size_t key = 0; key < keys; ++key) {
            std::vector<recorded<op>> history;
            for (const recorder<Subject>& p : parts) {
                history.insert(history.end(), p.history[key].begin(), p.history[key].end());
            }
            if (!linearizable(cache_model{Subject::retains}, cache_model::state(), history)) {
                std::ostringstream words;
                words << "history " << i << ", key " << key << ":\n";
                for (const recorded<op>& r : history) {
                    words << "  " << r.called << ".." << r.returned << "  " << r.what << '\n';
                }
                return words.str();
            }
        }
    }
    return {};
}

TEST(linearizability, histories_of_the_cache_are_linearizable) {
    EXPECT_EQ(first_violation<real<neighbouring_hashes>>(believed), "");
}

TEST(linearizability, histories_of_the_cache_with_retention_are_linearizable) {
    EXPECT_EQ(first_violation<real_with_retention<neighbouring_hashes>>(believed), "");
}

TEST(linearizability, histories_of_a_cache_that_answers_hits_without_a_lock_are_linearizable) {
    EXPECT_EQ(first_violation<real<resistant_hashes>>(believed), "");
    EXPECT_EQ(first_violation<real_with_retention<resistant_hashes>>(believed), "");
}

TEST(linearizability, histories_of_a_cache_whose_values_are_hot_are_linearizable) {
    EXPECT_EQ(first_violation<real_and_hot<resistant_hashes>>(believed), "");
    EXPECT_EQ(first_violation<real_and_hot<neighbouring_hashes>>(believed), "");
}

// A lookup must not even for a moment hold the value of another key, since the drop that ends it would then
// not be the last.
TEST(linearizability, histories_of_keys_whose_hashes_agree_are_linearizable) {
    EXPECT_EQ(first_violation<real<one_hash>>(believed), "");
    EXPECT_EQ(first_violation<real_with_retention<one_hash>>(believed), "");
}

TEST(linearizability, histories_of_a_cache_under_one_lock_are_linearizable) {
    EXPECT_EQ(first_violation<one_lock>(believed / 4), "");
}

TEST(linearizability, histories_of_a_cache_that_lets_a_race_make_two_values_are_refused) {
    EXPECT_NE(first_violation<two_values>(known_wrong), "");
}

TEST(linearizability, histories_of_a_cache_that_ends_values_late_are_refused) {
    EXPECT_NE(first_violation<late_end>(known_wrong), "");
}

TEST(linearizability, histories_of_a_cache_that_overlooks_what_is_there_are_refused) {
    EXPECT_NE(first_violation<overlooks>(known_wrong), "");
}

TEST(linearizability, histories_of_a_cache_that_revives_what_is_ending_are_refused) {
    EXPECT_NE(first_violation<revives>(known_wrong), "");
}

} // namespace
} // namespace ibid
