// SPDX-License-Identifier: Apache-2.0
//
// Hash-consing: a program's expressions; equal expressions are one node. Each has an operation, and two
// operands among the nodes before it. The first thousand are leaves.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/whole_run.h"
#include "ibid/cache.h"
#ifdef BENCH_CORE_BOOST
#include "peers/flyweight/peer.h"
#endif

using namespace bench;

namespace {

constexpr std::size_t leaves = 1000;

struct request {
    std::uint32_t operation;
    std::uint32_t left; // numbers of nodes
    std::uint32_t right;
};

[[nodiscard]] std::vector<request> requests(std::size_t count) {
    std::vector<request> all;
    std::uint64_t random = 1;
    const auto below = [&random](std::size_t limit) {
        random = random * 6364136223846793005U + 1442695040888963407U; // Knuth's MMIX
        return static_cast<std::uint32_t>((random >> 33) % limit);
    };
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(i < leaves ? request{static_cast<std::uint32_t>(i), 0, 0}
                                 : request{below(4), below(i), below(i)});
    }
    return all;
}

template <class Table>
class expressions {
public:
    using handle = typename Table::handle;

    explicit expressions(std::size_t count) : requests_(requests(count)) {}
    [[nodiscard]] handle make(std::size_t i, const std::vector<handle>& held) {
        const request& r = requests_[i];
        return i < leaves ? table_.leaf(r.operation)
                          : table_.intern(r.operation, held[r.left], held[r.right]);
    }
    [[nodiscard]] static const void* identity(const handle& h) noexcept { return Table::identity(h); }
    void end() { table_.end(); }

private:
    std::vector<request> requests_;
    Table table_;
};

struct ibid_table {
    struct node;
    using handle = ibid::handle<node>;
    struct node {
        std::uint32_t operation;
        handle left;
        handle right;
        bool operator==(const node&) const = default;
    };

    [[nodiscard]] handle leaf(std::uint32_t operation) { return intern(operation, {}, {}); }
    [[nodiscard]] handle intern(std::uint32_t operation, const handle& left, const handle& right) {
        return nodes.intern(node{operation, left, right});
    }
    [[nodiscard]] static const void* identity(const handle& h) noexcept { return h.get(); }
    static void end() noexcept {}

    ibid::cache<node, node, ibid::key_is_value> nodes;
};

// The set holds all nodes until the set ends, and is for one thread.
struct shared_table {
    struct node;
    using handle = std::shared_ptr<const node>;
    struct node {
        std::uint32_t operation;
        handle left;
        handle right;
        bool operator==(const node&) const = default;
    };
    static const node& node_of(const node& n) noexcept { return n; }
    static const node& node_of(const handle& h) noexcept { return *h; }
    struct hash {
        using is_transparent = void;
        template <class N>
        [[nodiscard]] std::size_t operator()(const N& of) const noexcept {
            const node& n = node_of(of);
            std::size_t h = n.operation;
            for (const void* const p : {n.left.get(), n.right.get()}) { // as boost::hash_combine
                h ^= std::hash<const void*>{}(p) + 0x9e3779b97f4a7c15 + (h << 6) + (h >> 2);
            }
            return h;
        }
    };
    struct same {
        using is_transparent = void;
        template <class A, class B>
        [[nodiscard]] bool operator()(const A& a, const B& b) const noexcept {
            return node_of(a) == node_of(b);
        }
    };

    [[nodiscard]] handle leaf(std::uint32_t operation) { return intern(operation, {}, {}); }
    [[nodiscard]] handle intern(std::uint32_t operation, const handle& left, const handle& right) {
        node wanted{operation, left, right};
        const auto found = nodes.find(wanted);
        return found != nodes.end() ? *found : *nodes.insert(std::make_shared<node>(std::move(wanted))).first;
    }
    [[nodiscard]] static const void* identity(const handle& h) noexcept { return h.get(); }
    void end() { nodes.clear(); }

    std::unordered_set<handle, hash, same> nodes;
};

#ifdef BENCH_CORE_BOOST
// A flyweight always has a value, so a node keeps its operands in a vector: none, or two.
template <class... Policies>
struct flyweight_table {
    struct node;
    using handle = boost::flyweight<node, Policies...>;
    struct node {
        std::uint32_t operation = 0;
        std::vector<handle> operands;
        friend bool operator==(const node& a, const node& b) {
            return a.operation == b.operation && a.operands == b.operands;
        }
        friend std::size_t hash_value(const node& n) {
            std::size_t h = n.operation;
            for (const handle& o : n.operands) {
                boost::hash_combine(h, &o.get());
            }
            return h;
        }
    };

    [[nodiscard]] static handle leaf(std::uint32_t operation) { return handle(node{operation, {}}); }
    [[nodiscard]] static handle intern(std::uint32_t operation, const handle& left, const handle& right) {
        return handle(node{operation, {left, right}});
    }
    [[nodiscard]] static const void* identity(const handle& h) noexcept { return &h.get(); }
    static void end() noexcept {}
};
#endif

template <class Table>
nlohmann::json measured(std::size_t count, std::size_t passes, bool busy) {
    warm_heap(count * 256 + (std::size_t{4} << 20));
    expressions<Table> all(count);
    return whole_run(all, count, passes, busy);
}

} // namespace

int main(int argc, char** argv) {
    return run_rival(argc, argv,
                     {
                         {"ibid", measured<ibid_table>},
                         {"shared_ptr + unordered_set", measured<shared_table>},
#ifdef BENCH_CORE_BOOST
                         {"Boost.Flyweight, default", measured<flyweight_table<>>},
                         {"Boost.Flyweight, plain mutex", measured<flyweight_table<plain_locking>>},
#endif
                     });
}
