// SPDX-License-Identifier: Apache-2.0
//
// A server's buffers in a pool: taken by the thread that reads, returned by the thread that has written, and
// freed after a time without messages, in which they were not needed.
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ibid/pool.h"

namespace {

using buffer = std::vector<char>;

// A queue from one thread to another. Messages contain their loans, so a buffer always returns to its pool. A
// reader that is too fast waits.
class queue {
public:
    void put(ibid::loan<buffer> b) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [this] { return waiting_.size() < at_most; });
        waiting_.push_back(std::move(b));
        ready_.notify_one();
    }
    ibid::loan<buffer> get() {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return !waiting_.empty(); });
        ibid::loan<buffer> b = std::move(waiting_.front());
        waiting_.pop_front();
        room_.notify_one();
        return b;
    }

private:
    static constexpr std::size_t at_most = 64;

    std::mutex mutex_; // protects waiting_
    std::condition_variable ready_;
    std::condition_variable room_;
    std::deque<ibid::loan<buffer>> waiting_;
};

} // namespace

int main() {
    constexpr int messages = 100'000;
    ibid::pool<buffer> buffers(
        [] {
            buffer b;
            b.reserve(4096);
            return b;
        },
        [](buffer& b) {
            b.clear();
            return b.capacity() <= 65536; // one huge message must not leave a huge buffer in the pool
        },
        {.objects = 256});

    queue read;
    std::thread writer([&] {
        std::size_t bytes = 0;
        for (int i = 0; i < messages; ++i) {
            const ibid::loan<buffer> b = read.get();
            bytes += b->size();
        } // back in the pool, on this thread
        std::printf("written: %zu bytes\n", bytes);
    });
    for (int i = 0; i < messages; ++i) {
        ibid::loan<buffer> b = buffers.take();
        const std::string message = "message " + std::to_string(i);
        b->assign(message.begin(), message.end());
        read.put(std::move(b));
    }
    writer.join();

    const ibid::pool_statistics busy = buffers.statistics();
    std::printf("%d messages, %llu buffers made, %zu idle\n", messages,
                static_cast<unsigned long long>(busy.made), busy.idle);
    buffers.trim(); // at the end of each minute, say
    buffers.trim(); // a minute without messages
    std::printf("after a quiet time: %zu idle\n", buffers.statistics().idle);
    return busy.made <= 256 && buffers.statistics().idle == 0 ? 0 : 1;
}
