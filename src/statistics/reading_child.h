// SPDX-License-Identifier: Apache-2.0
//
// A child process that reads other processes' memory, because that may never return: a page that another
// process answers for (userfaultfd(2), FUSE) comes when that process likes. So does /proc/PID/maps, environ
// and cmdline, while such a page is waited for.
//
// Laws:
//  - The parent never waits longer than it says. A child that is late is killed, and left behind if even that
//    takes time (a read from FUSE cannot be interrupted); it is reaped later.
//  - The child has none of the parent's descriptors but the standard ones, dies with it, and ends without
//    running anything of the parent's (no exit handler, no buffer is flushed twice).
//  - Its answers are those of this program, but about hostile memory: they are checked by who asked.
//
//     reading_child c([](reading_child::answers& out) { out.send(slow_work()); });
//     while (std::optional<std::string> one = c.next(1s)) ...
//     if (c.was_late()) ...
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <sys/types.h>

namespace ibid::shared_statistics {

class reading_child {
public:
    using clock = std::chrono::steady_clock;

    class answers {
    public:
        explicit answers(int to) : to_(to) {}
        // Ends the child where the parent no longer listens.
        void send(const std::string& one) const;

    private:
        int to_;
    };

    explicit reading_child(const std::function<void(answers&)>& work);
    reading_child(const reading_child&) = delete;
    reading_child& operator=(const reading_child&) = delete;
    ~reading_child();

    // The next answer. Nothing: there are no more, it took too long, or there is no child (out of memory). A
    // child that only lacks a processor gets ten times as long.
    [[nodiscard]] std::optional<std::string> next(clock::duration time);
    // The last next() ended because of the time. Nothing comes any more.
    [[nodiscard]] bool was_late() const { return late_; }
    // The work was done to its end: neither late nor killed.
    [[nodiscard]] bool ended_well() const { return ended_; }

    // Children that were killed and have not ended.
    [[nodiscard]] static std::size_t left_behind();

private:
    struct patience {
        clock::time_point until;
        clock::time_point at_most; // while it is not its fault
    };
    // False: late, or the end.
    bool take(char* to, std::size_t bytes, patience& left);
    void end();

    pid_t pid_ = -1;
    int from_ = -1;
    bool late_ = false;
    bool ended_ = false;
};

// What a file of /proc says; nothing where it cannot be read, or not in time.
[[nodiscard]] std::optional<std::string> read_in_time(const std::string& path);

} // namespace ibid::shared_statistics
