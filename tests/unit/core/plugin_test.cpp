// SPDX-License-Identifier: Apache-2.0
//
// Caches, handles, pools and canonical copies between a program that exports nothing (no -rdynamic) and
// plugins that it opens with dlopen(): with hidden and with default visibility, from the same compiler and
// from Clang, opened with RTLD_LOCAL, RTLD_DEEPBIND and RTLD_GLOBAL, and one with another layout of ibid.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ibid/modules.h"
#include "ibid/weak.h"
#include "plugin.h"

namespace ibid {
namespace {

using namespace ibid::testing;

struct opened {
    std::string path;
    int flags;
    void* library;
    const plugin* functions;

    opened(const char* file, int how) : path(file), flags(how), library(dlopen(file, RTLD_NOW | how)) {
        EXPECT_NE(library, nullptr) << dlerror();
        functions = reinterpret_cast<const plugin* (*)()>(dlsym(library, "ibid_test_plugin"))();
    }
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int deep = 0; // sanitizers refuse RTLD_DEEPBIND
#else
constexpr int deep = RTLD_DEEPBIND;
#endif

// Opened once, for all tests, and left open.
const std::vector<opened>& plugins() {
    static const std::vector<opened> all = [] {
        std::vector<opened> v;
        v.emplace_back(IBID_PLUGIN_HIDDEN, RTLD_LOCAL);
        v.emplace_back(IBID_PLUGIN_DEFAULT, RTLD_LOCAL | deep);
        v.emplace_back(IBID_PLUGIN_GLOBAL, RTLD_GLOBAL);
#ifdef IBID_PLUGIN_CLANG
        v.emplace_back(IBID_PLUGIN_CLANG, RTLD_LOCAL);
        v.emplace_back(IBID_PLUGIN_CLANG_DEFAULT, RTLD_LOCAL);
#endif
        return v;
    }();
    return all;
}

TEST(plugins, and_the_program_have_one_value_for_each_key) {
    names c;
    for (int i = 0; i < 100; ++i) {
        const std::string key = "key " + std::to_string(i);
        const handle<std::string> mine = c.intern(key, [&] { return key; });
        for (const opened& p : plugins()) {
            EXPECT_EQ(p.functions->intern(c, key), mine) << p.path;
            EXPECT_EQ(p.functions->find(c, key), mine) << p.path;
        }
        const std::string theirs = "made by a plugin " + std::to_string(i);
        const handle<std::string> made = plugins()[0].functions->intern(c, theirs);
        EXPECT_EQ(c.find(theirs), made);
    }
    EXPECT_EQ(c.statistics().entries, 0U);
}

TEST(plugins, and_the_program_have_one_canonical_copy) {
    const handle<std::string> mine = intern(std::string("ibidem"));
    for (const opened& p : plugins()) {
        EXPECT_EQ(p.functions->canonical("ibidem"), mine) << p.path;
    }
    EXPECT_EQ(canonical<std::string>().statistics().entries, 1U);
}

// The thread that makes, or stores, wakes the thread that waits, whichever modules the two are in.
TEST(plugins, wake_who_waits_for_a_value_that_they_make) {
    names c;
    for (const opened& p : plugins()) {
        std::atomic<bool> begun{false};
        std::atomic<bool> may_end{false};
        handle<std::string> theirs;
        std::thread maker([&] { theirs = p.functions->intern_slowly(c, p.path, begun, may_end); });
        while (!begun) {
            std::this_thread::yield();
        }
        std::thread ender([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(20)); // the others sleep by now
            may_end = true;
        });
        std::vector<std::thread> others;
        for (const opened& q : plugins()) {
            others.emplace_back([&] { EXPECT_EQ(*q.functions->intern(c, p.path), p.path); });
        }
        const handle<std::string> mine = c.intern(p.path, [] { return std::string("not made"); });
        for (std::thread& t : others) {
            t.join();
        }
        maker.join();
        ender.join();
        EXPECT_EQ(mine, theirs);
    }
}

TEST(plugins, wake_who_waits_for_what_they_store) {
    names c;
    const handle<std::string> old = c.intern("old", [] { return "old"; });
    for (const opened& p : plugins()) {
        atomic_handle<std::string> current(old);
        std::thread waits([&] { current.wait(old); });
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        p.functions->publish(current, c.intern(p.path, [&] { return p.path; }));
        waits.join();
        EXPECT_EQ(*current.load(), p.path);
    }
}

TEST(plugins, have_canonical_copies_of_their_own_of_types_without_linkage) {
    std::vector<const void*> copies;
    for (const opened& p : plugins()) {
        copies.push_back(p.functions->local_canonical());
    }
    std::sort(copies.begin(), copies.end());
    EXPECT_EQ(std::adjacent_find(copies.begin(), copies.end()), copies.end());
}

TEST(plugins, copy_and_drop_hot_handles) {
    names c;
    for (const opened& p : plugins()) {
        handle<std::string> h = c.intern("hot", [] { return "hot"; });
        handle<std::string> central = h;
        ASSERT_TRUE(detail::hot_values::of_process().promote(detail::header_of(h.get())));
        handle<std::string> in_stripe = p.functions->copy(h);
        p.functions->drop(h);
        handle<std::string> found = p.functions->find(c, "hot");
        EXPECT_EQ(found, central);
        p.functions->drop(in_stripe);
        p.functions->drop(found);
        EXPECT_EQ(c.statistics().entries, 1U);
        p.functions->drop(central);
        EXPECT_EQ(c.statistics().entries, 0U) << p.path;
    }
}

// One record for each thread and table, so that one thread does not count as several.
TEST(plugins, are_one_reader_with_the_program_on_each_thread) {
    for (const opened& p : plugins()) {
        names c;
        const handle<std::string> h = c.intern("a", [] { return "a"; });
        std::thread([&] {
            for (int i = 0; i < 1000; ++i) {
                EXPECT_EQ(c.find("a"), h);
                EXPECT_EQ(p.functions->find(c, "a"), h);
                p.functions->intern(c, std::to_string(i) + "b").reset();
            }
        }).join();
        const statistics s = c.statistics();
        EXPECT_EQ(s.hits, 2000U);
        EXPECT_EQ(s.misses, 1001U);
        EXPECT_EQ(s.entries, 1U);
    }
}

TEST(plugins, that_intern_what_the_program_is_making_get_an_error) {
    for (const opened& p : plugins()) {
        names c;
        EXPECT_THROW((void)c.intern("a", [&] { return *p.functions->intern(c, "a"); }), recursive_make)
            << p.path;
    }
}

TEST(plugins, lock_tables_for_one_fork_with_the_program) {
    for (const opened& p : plugins()) {
        names a;
        names b;
        a.lock_for_fork();
        p.functions->lock_for_fork(b);
        const pid_t child = fork();
        if (child == 0) {
            p.functions->unlock_after_fork(b);
            a.unlock_after_fork();
            const auto h = p.functions->intern(a, "in the child");
            _exit(a.find("in the child") == h ? 0 : 1);
        }
        p.functions->unlock_after_fork(b);
        a.unlock_after_fork();
        int status = 1;
        waitpid(child, &status, 0);
        EXPECT_EQ(status, 0) << p.path;
    }
}

TEST(plugins, take_what_the_program_gave_back) {
    for (const opened& p : plugins()) {
        pool<std::string> strings([] { return std::string(); });
        for (int round = 0; round < 100; ++round) {
            loan<std::string> here = strings.take();
            const std::string* const object = here.get();
            p.functions->end(here);
            loan<std::string> there = p.functions->take(strings);
            EXPECT_EQ(there.get(), object);
            there.end();
        }
        EXPECT_EQ(strings.statistics().made, 1U) << p.path;
        std::thread([&] { p.functions->take(strings).end(); }).join();
        EXPECT_EQ(strings.statistics().idle, strings.statistics().made);
    }
}

TEST(plugins, may_be_closed_while_what_they_made_lives) {
    names c;
    for (const char* const file : {IBID_PLUGIN_CLOSED, IBID_PLUGIN_CLOSED, IBID_PLUGIN_CLOSED_CLANG}) {
        if (*file == '\0') {
            continue;
        }
        opened p(file, RTLD_LOCAL);
        handle<std::string> kept = p.functions->intern(c, "kept");
        handle<std::string> canonical_copy = p.functions->canonical("made by a plugin that goes");
        std::thread uses([&] {
            EXPECT_EQ(p.functions->find(c, "kept"), kept);
            dlclose(p.library);
        });
        uses.join();
        EXPECT_EQ(*kept, "kept");
        EXPECT_EQ(c.find("kept"), kept);
        EXPECT_EQ(intern(std::string("made by a plugin that goes")), canonical_copy);
        kept.reset();
        canonical_copy.reset();
        EXPECT_EQ(c.statistics().entries, 0U);
    }
}

// A plugin that has made no canonical copy is unloaded after the threads that used it have ended.
TEST(plugins, may_be_closed_after_the_threads_that_used_them) {
    names c;
    const handle<std::string> h = c.intern("kept", [] { return "kept"; });
    pool<std::string> strings;
    for (const char* const file : {IBID_PLUGIN_UNLOADED, IBID_PLUGIN_UNLOADED_CLANG, IBID_PLUGIN_UNLOADED}) {
        if (*file == '\0') {
            continue;
        }
        std::thread([&] {
            opened p(file, RTLD_LOCAL);
            EXPECT_EQ(p.functions->find(c, "kept"), h);
            p.functions->intern(c, "other").reset();
            p.functions->take(strings).end();
            std::thread([&] { EXPECT_EQ(p.functions->find(c, "kept"), h); }).join();
            dlclose(p.library);
        }).join();
        EXPECT_EQ(c.find("kept"), h);
        EXPECT_EQ(strings.statistics().idle, strings.statistics().made);
        (void)c.intern("new", [] { return "new"; });
        strings.take().end();
    }
}

// Its static objects are destroyed by a thread that uses caches, but has not used those of this plugin.
TEST(plugins, may_be_closed_by_another_thread) {
    names c;
    for (const char* const file : {IBID_PLUGIN_UNLOADED, IBID_PLUGIN_UNLOADED_CLANG}) {
        if (*file == '\0') {
            continue;
        }
        std::thread([&] {
            (void)c.intern("mine", [] { return "mine"; });
            void* library = nullptr;
            std::thread([&] {
                const opened p(file, RTLD_LOCAL);
                p.functions->intern_in_its_own("kept").reset();
                library = p.library;
            }).join();
            dlclose(library);
            EXPECT_EQ(dlopen(file, RTLD_NOLOAD | RTLD_NOW), nullptr) << "it is still there";
        }).join();
    }
}

TEST(plugins, of_another_layout_stay_apart_and_say_so) {
    const handle<std::string> mine = intern(std::string("ibidem"));
    void* const other = dlopen(IBID_PLUGIN_OTHER_LAYOUT, RTLD_NOW);
    ASSERT_NE(other, nullptr) << dlerror();
    const auto canonical =
        reinterpret_cast<const void* (*)(const char*)>(dlsym(other, "ibid_test_other_canonical"));
    EXPECT_NE(canonical("ibidem"), static_cast<const void*>(mine.get()));
    std::size_t others = 0;
    for (const module& m : modules()) {
        others += m.shares ? 0 : 1;
        EXPECT_EQ(m.shares, m.layout == "layout_1");
        EXPECT_EQ(!m.shares, m.path == IBID_PLUGIN_OTHER_LAYOUT);
    }
    EXPECT_EQ(others, 1U);
    for (const opened& p : plugins()) {
        EXPECT_GE(p.functions->modules_that_share(), static_cast<int>(plugins().size()) + 1);
    }
}

} // namespace
} // namespace ibid
