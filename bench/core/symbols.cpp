// SPDX-License-Identifier: Apache-2.0
//
// A parser's symbol table: the identifiers of the C and C++ headers of this machine, in the order in which a
// parser meets them, each kept as a symbol.
//
// Law: the headers are read before the clock runs, in the order of their names. How many identifiers they
// have differs between machines, so the number is printed.
#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/whole_run.h"
#include "ibid/intern.h"
#ifdef BENCH_CORE_BOOST
#include "peers/flyweight/peer.h"
#endif

using namespace bench;

namespace {

// The first `most` identifiers and keywords, also those in comments: a parser without a preprocessor.
[[nodiscard]] std::vector<std::string_view> identifiers(std::size_t most) {
    static std::string text; // what the views point to
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(
             "/usr/include", std::filesystem::directory_options::skip_permission_denied)) {
        if (entry.is_regular_file() &&
            (entry.path().extension() == ".h" || entry.path().extension() == ".hpp")) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    const std::size_t enough = 16 * most;
    for (auto file = files.begin(); file != files.end() && text.size() < enough; ++file) {
        std::ifstream in(*file, std::ios::binary);
        text.append(std::istreambuf_iterator<char>(in), {});
        text += '\n';
    }
    std::array<bool, 256> in_name{};
    for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")) {
        in_name[static_cast<unsigned char>(c)] = true;
    }
    const auto belongs = [&](char c) { return in_name[static_cast<unsigned char>(c)]; };
    std::vector<std::string_view> found;
    for (auto at = text.cbegin(); at != text.cend() && found.size() < most;) {
        at = std::find_if(at, text.cend(), belongs);
        const auto end = std::find_if_not(at, text.cend(), belongs);
        if (at != end && (*at < '0' || *at > '9')) {
            found.emplace_back(&*at, static_cast<std::size_t>(end - at));
        }
        at = end;
    }
    return found;
}

template <class Table>
class symbols {
public:
    using handle = typename Table::handle;

    explicit symbols(std::size_t most) : names_(identifiers(most)) {}
    [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }
    [[nodiscard]] handle make(std::size_t i, const std::vector<handle>&) { return table_.intern(names_[i]); }
    [[nodiscard]] static const void* identity(const handle& h) noexcept { return Table::identity(h); }
    void end() { table_.end(); }

private:
    std::vector<std::string_view> names_;
    Table table_;
};

struct ibid_table {
    using handle = ibid::handle<std::string>;
    [[nodiscard]] static handle intern(std::string_view name) { return ibid::intern<std::string>(name); }
    [[nodiscard]] static const void* identity(const handle& h) noexcept { return h.get(); }
    static void end() noexcept {}
};

// The set holds all names until the set ends, and is for one thread.
struct set_table {
    using handle = const std::string*;
    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    [[nodiscard]] handle intern(std::string_view name) {
        const auto found = names.find(name);
        return found != names.end() ? &*found : &*names.emplace(name).first;
    }
    [[nodiscard]] static const void* identity(handle h) noexcept { return h; }
    void end() { names.clear(); }

    std::unordered_set<std::string, hash, std::equal_to<>> names;
};

#ifdef BENCH_CORE_BOOST
struct flyweight_table {
    using handle = boost::flyweight<std::string>;
    [[nodiscard]] static handle intern(std::string_view name) { return handle(std::string(name)); }
    [[nodiscard]] static const void* identity(const handle& h) noexcept { return &h.get(); }
    static void end() noexcept {}
};
struct tuned_flyweight_table {
    struct hash {
        [[nodiscard]] std::size_t operator()(std::string_view name) const noexcept {
            return std::hash<std::string_view>{}(name);
        }
    };
    using handle = boost::flyweight<boost::flyweights::key_value<std::string_view, viewed_string, view_of>,
                                    boost::flyweights::hashed_factory<hash>, plain_locking>;
    [[nodiscard]] static handle intern(std::string_view name) { return handle(name); }
    [[nodiscard]] static const void* identity(const handle& h) noexcept { return &h.get(); }
    static void end() noexcept {}
};
#endif

template <class Table>
nlohmann::json measured(std::size_t most, std::size_t passes, bool busy) {
    symbols<Table> all(most);
    warm_heap(std::size_t{64} << 20);
    return whole_run(all, all.size(), passes, busy);
}

} // namespace

int main(int argc, char** argv) {
    return run_rival(argc, argv,
                     {
                         {"ibid", measured<ibid_table>},
                         {"unordered_set", measured<set_table>},
#ifdef BENCH_CORE_BOOST
                         {"Boost.Flyweight, default", measured<flyweight_table>},
                         {"Boost.Flyweight, tuned", measured<tuned_flyweight_table>},
#endif
                     });
}
