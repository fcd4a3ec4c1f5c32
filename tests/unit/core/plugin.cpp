// SPDX-License-Identifier: Apache-2.0
#include "plugin.h"

#include <algorithm>
#include <thread>

#include "ibid/modules.h"

namespace {

struct local {
    int number;
    bool operator==(const local&) const = default;
};

using namespace ibid::testing;

names& own_names() {
    static names own({.retain = {.bytes = 1 << 20, .entries = 10}});
    struct late_user {
        ~late_user() {
            (void)own.find("kept");
            (void)own.intern("late", [] { return "late"; });
        }
    };
    static const late_user user;
    return own;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const ibid::testing::plugin* ibid_test_plugin() {
    static const plugin functions{
        [](names& in, const std::string& key) { return in.intern(key, [&] { return key; }); },
        [](const names& in, const std::string& key) { return in.find(key); },
        [](names& in, const std::string& key, std::atomic<bool>& begun, const std::atomic<bool>& may_end) {
            return in.intern(key, [&] {
                begun = true;
                while (!may_end) {
                    std::this_thread::yield();
                }
                return key;
            });
        },
        [](ibid::atomic_handle<std::string>& in, const ibid::handle<std::string>& h) {
            in.store(h);
            in.notify_all();
        },
        [](const std::string& text) { return ibid::intern(text); },
        [](const ibid::handle<std::string>& h) { return h; },
        [](ibid::handle<std::string>& h) { h.reset(); },
        [](names& c) { c.lock_for_fork(); },
        [](names& c) { c.unlock_after_fork(); },
        [](ibid::pool<std::string>& from) { return from.take(); },
        [](ibid::loan<std::string>& l) { l.end(); },
        []() -> const void* {
            static const ibid::handle<local> kept = ibid::intern(local{1});
            return kept.get();
        },
        [] {
            const auto all = ibid::modules();
            return static_cast<int>(
                std::count_if(all.begin(), all.end(), [](const auto& m) { return m.shares; }));
        },
        [](const std::string& key) { return own_names().intern(key, [&] { return key; }); },
    };
    return &functions;
}
