// SPDX-License-Identifier: Apache-2.0
//
// Interprets its input as a sequence of operations on a cache, and compares every result with a model: which
// values are alive, their holders, hits and misses. The operations include destructors that intern, makes
// that intern, throw or return nothing, budgets that change, and handles that outlive their cache.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include "ibid/cache.h"
#include "ibid/weak.h"

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                     \
            std::abort();                                                                                    \
        }                                                                                                    \
    } while (false)

namespace {

constexpr int keys = 32;
constexpr int restless = 24; // values of this key and above intern another one when they end

struct value {
    int key;
    std::uint64_t serial;
    explicit value(int k);
    value(value&& other) noexcept : key(other.key), serial(0) { std::abort(); } // all are built in place
    ~value();
};

} // namespace

template <>
struct ibid::weight_of<value> {
    std::size_t operator()(const value& v) const noexcept {
        return 100 + static_cast<std::size_t>(v.key) * 10;
    }
};

namespace {

// Deliberately weak hashes: keys share shards, slots and whole hashes.
struct rough_hash {
    std::uint64_t operator()(int key) const {
        return static_cast<std::uint64_t>(key % 7) << (key % 2 == 0 ? 60 : 0);
    }
};

// Different for each key, and declared as keyed: the cache answers hits without a lock. Some values are
// counted in stripes.
struct resistant_hash {
    using is_keyed = void;
    std::uint64_t operator()(int key) const {
        return rough_hash()(key) + static_cast<std::uint64_t>(key) * 0x1000;
    }
};

// Values report their construction and destruction here.
class register_office {
public:
    virtual std::uint64_t born(const value& v, int key) = 0;
    virtual void ended(const value& v) = 0;
    static inline register_office* current = nullptr;

protected:
    ~register_office() = default;
};

template <class Hash>
class world final : public register_office {
    using tested = ibid::cache<int, value, ibid::key_beside, Hash>;

public:
    void run(const std::uint8_t* data, std::size_t size);

    std::uint64_t born(const value& v, int key) override {
        CHECK(living(key) == nullptr);
        alive_.insert({++serials_, life{key, &v, generation_}});
        return serials_;
    }
    void ended(const value& v) override {
        CHECK(alive_.erase(v.serial) == 1);
        CHECK(held_[v.serial] == 0);
        if (v.key >= restless && cache_ != nullptr) {
            try {
                (void)intern(v.key - restless);
            } catch (const ibid::recursive_make&) { // evicted during the make of the same key
                --misses_;
            }
        }
    }

private:
    struct life {
        int key;
        const value* at;
        int generation;
    };
    struct slot {
        ibid::handle<value> h;
        std::uint64_t serial = 0;
    };
    struct mistake {};

    // The living value of `key` in the current cache; null: none.
    [[nodiscard]] const std::pair<const std::uint64_t, life>* living(int key) const {
        const std::pair<const std::uint64_t, life>* found = nullptr;
        for (const auto& entry : alive_) {
            if (entry.second.generation == generation_ && entry.second.key == key) {
                CHECK(found == nullptr); // one value
                found = &entry;
            }
        }
        return found;
    }

    // Interns like a user, and checks everything that is known about the result.
    ibid::handle<value> intern(int key) {
        const auto* const before = living(key);
        const std::uint64_t serial = before != nullptr ? before->first : 0;
        ++(before != nullptr ? hits_ : misses_);
        ibid::handle<value> h = cache_->intern(key, [&] {
            CHECK(serial == 0);
            return value(key);
        });
        CHECK(h->key == key);
        CHECK(serial == 0 || h->serial == serial);
        CHECK(alive_.at(h->serial).at == h.get());
        if (ibid::detail::keyed_hash<Hash> && key % 3 == 0) {
            ibid::detail::hot_values::of_process().promote(ibid::detail::header_of(h.get()));
        }
        return h;
    }

    void drop(slot& s) {
        if (s.serial == 0) {
            return;
        }
        CHECK(alive_.contains(s.serial)); // held, so alive
        const std::uint64_t serial = std::exchange(s.serial, 0);
        const bool last = --held_[serial] == 0;
        const bool can_stay =
            alive_.at(serial).generation == generation_ && cache_ != nullptr && !budget_.none();
        s.h.reset();
        if (last && !can_stay) {
            CHECK(!alive_.contains(serial)); // exact end
        }
    }
    void fill(slot& s, ibid::handle<value>&& h) {
        const std::uint64_t serial = h ? h->serial : 0;
        if (serial != 0) {
            ++held_[serial];
        }
        drop(s);
        s.h = std::move(h);
        s.serial = serial;
    }

    void step(std::uint8_t what, std::uint8_t argument);
    void end_cache();
    void begin_cache();
    void check();

    tested* cache_ = nullptr;
    int generation_ = 0;
    ibid::retention budget_;
    std::map<std::uint64_t, life> alive_; // by serial
    std::map<std::uint64_t, int> held_;   // by serial: slots and pins
    std::array<slot, 8> slots_;
    std::array<ibid::weak<value>, 4> weak_;
    std::array<std::uint64_t, 4> weak_serials_{};
    std::map<std::uint64_t, int> pins_;
    std::uint64_t serials_ = 0;
    std::uint64_t hits_ = 0;
    std::uint64_t misses_ = 0;
};

value::value(int k) : key(k), serial(register_office::current->born(*this, k)) {}
value::~value() {
    register_office::current->ended(*this);
}

template <class Hash>
void world<Hash>::begin_cache() {
    ++generation_;
    hits_ = misses_ = 0;
    cache_ = new tested({.retain = budget_});
}

template <class Hash>
void world<Hash>::end_cache() {
    // Its pins end with it, so pinned values may end, and also retained ones.
    for (const auto& [serial, count] : pins_) {
        held_[serial] -= count;
    }
    pins_.clear();
    budget_ = {};
    delete cache_; // cache_ is still set while it is destroyed: destructors intern in it
    cache_ = nullptr;
    for (const auto& [serial, l] : alive_) {
        CHECK(held_[serial] > 0);
    }
}

template <class Hash>
void world<Hash>::step(std::uint8_t what, std::uint8_t argument) {
    const int key = argument % keys;
    slot& s = slots_[argument % slots_.size()];
    slot& other = slots_[argument / slots_.size() % slots_.size()];
    const std::size_t w = argument % weak_.size();
    switch (what % 16) {
    case 0:
    case 1:
        fill(slots_[what / 16 % slots_.size()], intern(key));
        break;
    case 2: {
        const auto* const before = living(key);
        ibid::handle<value> h = cache_->find(key);
        CHECK(static_cast<bool>(h) == (before != nullptr));
        CHECK(!h || h.get() == before->second.at);
        hits_ += h ? 1 : 0;
        fill(slots_[what / 16 % slots_.size()], std::move(h));
        break;
    }
    case 3:
    case 4:
        drop(s);
        break;
    case 5:
        fill(s, ibid::handle<value>(other.h));
        break;
    case 6:
        std::swap(s.h, other.h);
        std::swap(s.serial, other.serial);
        break;
    case 7:
        weak_[w] = ibid::weak<value>(other.h);
        weak_serials_[w] = other.serial;
        break;
    case 8: {
        const bool alive = alive_.contains(weak_serials_[w]);
        CHECK(weak_[w].expired() == !alive);
        ibid::handle<value> h = weak_[w].lock();
        CHECK(static_cast<bool>(h) == alive);
        fill(other, std::move(h));
        break;
    }
    case 9:
        cache_->trim();
        for (const auto& [serial, l] : alive_) {
            CHECK(l.generation != generation_ || held_[serial] > 0 ||
                  l.key < keys - restless); // or interned by a destructor
        }
        break;
    case 10:
        budget_ = {.bytes = std::size_t{argument % 16U} * 400, .entries = argument / 16U};
        cache_->retain(budget_);
        CHECK(cache_->retained() == budget_);
        break;
    case 11:
        if (s.serial != 0 && alive_.at(s.serial).generation == generation_) {
            ++held_[s.serial];
            ++pins_[s.serial];
            cache_->pin(s.h);
        }
        break;
    case 12: {
        std::map<int, int> seen;
        cache_->for_each([&](int k, const ibid::handle<value>& h) {
            CHECK(h->key == k);
            CHECK(living(k) != nullptr && living(k)->second.at == h.get());
            CHECK(++seen[k] == 1);
        });
        std::size_t there = 0;
        for (const auto& [serial, l] : alive_) {
            there += l.generation == generation_ ? 1 : 0;
        }
        CHECK(seen.size() == there);
        break;
    }
    case 13: { // a make that throws, or returns nothing
        const bool there = living(key) != nullptr;
        ++(there ? hits_ : misses_);
        try {
            ibid::handle<value> h = cache_->intern(key, [&]() -> std::optional<value> {
                CHECK(!there);
                if (what / 16 % 2 == 0) {
                    throw mistake();
                }
                return std::nullopt;
            });
            CHECK(static_cast<bool>(h) == there);
        } catch (const mistake&) {
            CHECK(!there);
        }
        break;
    }
    case 14: { // a make that interns another key first; or itself
        const int inner = (what / 16 + key / 2) % keys;
        const bool there = living(key) != nullptr;
        ++(there ? hits_ : misses_);
        ibid::handle<value> in;
        try {
            ibid::handle<value> h = cache_->intern(key, [&] {
                in = inner == key ? cache_->intern(key, [&] { return value(key); }) : intern(inner);
                return value(key);
            });
            CHECK(there || inner != key);
            in.reset();
            fill(s, std::move(h));
        } catch (const ibid::recursive_make&) {
            CHECK(!there && inner == key);
        }
        break;
    }
    default:
        end_cache();
        begin_cache();
    }
}

template <class Hash>
void world<Hash>::check() {
    const ibid::statistics now = cache_->statistics();
    std::size_t there = 0;
    std::size_t unheld = 0;
    for (const auto& [serial, l] : alive_) {
        const int holders = held_[serial];
        CHECK(l.at->serial == serial); // alive, and where it was
        if (l.generation == generation_) {
            ++there;
            unheld += holders == 0 ? 1 : 0;
        } else {
            CHECK(holders > 0);
        }
    }
    for (const slot& s : slots_) {
        CHECK(s.serial == 0 || (alive_.contains(s.serial) && alive_.at(s.serial).at == s.h.get()));
    }
    CHECK(now.entries == there);
    CHECK(now.hits == hits_);
    CHECK(now.misses == misses_);
    CHECK(now.retained <= budget_.entries);
    CHECK(now.retained_bytes <= budget_.bytes);
    CHECK(unheld <= now.retained);
    CHECK(now.active == now.entries - now.retained);
}

template <class Hash>
void world<Hash>::run(const std::uint8_t* data, std::size_t size) {
    current = this;
    begin_cache();
    for (std::size_t i = 0; i + 1 < size && i < 2048; i += 2) {
        step(data[i], data[i + 1]);
        check();
    }
    end_cache();
    for (slot& s : slots_) {
        drop(s);
    }
    CHECK(alive_.empty());
    for (const ibid::weak<value>& w : weak_) {
        CHECK(!w.lock());
    }
    current = nullptr;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    world<rough_hash>().run(data, size);
    world<resistant_hash>().run(data, size);
    return 0;
}
