// SPDX-License-Identifier: Apache-2.0
//
// A child process that reads other processes' memory, because such a read may never return: another process
// may provide a page at any time or never (userfaultfd(2), FUSE). Reading /proc/PID/maps, environ and cmdline
// may then block, too.
//
// Laws:
//  - The parent never waits longer than its timeout. A late child is killed. If that also takes time (a read
//    from FUSE cannot be interrupted), the child is abandoned and reaped later.
//  - The child has only the standard descriptors of the parent, dies with the parent, and ends without
//    running any code of the parent (no exit handler, no buffer is flushed twice).
//  - The child is trusted, but its answers describe hostile memory, so the caller checks them.
//
//     reading_child c([](reading_child::answers& out) { out.send(slow_work()); });
//     while (std::optional<std::string> one = c.next(1s)) ...
//     if (c.was_late()) ...
#pragma once

#include <chrono>
#include <cstddef>
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
        // Ends the child if the parent no longer listens.
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
    // The last next() ended by timeout. There will be no further answer.
    [[nodiscard]] bool was_late() const { return late_; }
    // The work is complete: the child was neither late nor killed.
    [[nodiscard]] bool ended_well() const { return ended_; }

    // errno, if the child could not be made; else 0.
    [[nodiscard]] int not_started() const { return not_started_; }

    // Children that were killed and have not ended.
    [[nodiscard]] static std::size_t left_behind();

private:
    struct deadline {
        clock::time_point until;
        clock::time_point at_most; // the limit if the child only lacks a processor
    };
    // False: late, or the end.
    bool take(char* to, std::size_t bytes, deadline& limit);
    void end();

    pid_t pid_ = -1;
    int from_ = -1;
    int not_started_ = 0;
    bool late_ = false;
    bool ended_ = false;
};

// The first `most` bytes of a file in /proc; nothing if it cannot be read, or not in time.
[[nodiscard]] std::optional<std::string> read_in_time(const std::string& path,
                                                      std::size_t most = std::size_t{16} << 20);

} // namespace ibid::shared_statistics
