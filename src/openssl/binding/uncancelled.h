// SPDX-License-Identifier: Apache-2.0
//
// A scope in which this thread cannot be cancelled. open(), read() and close() are cancellation points, and
// ibid calls them where the program calls none. Without this scope a thread could be cancelled in the middle
// of ibid's work, or in a noexcept function.
#pragma once

#include <pthread.h>

namespace ibid::openssl {

class uncancelled {
public:
    uncancelled() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
    uncancelled(const uncancelled&) = delete;
    uncancelled& operator=(const uncancelled&) = delete;
    ~uncancelled() { pthread_setcancelstate(before_, nullptr); }

private:
    int before_ = PTHREAD_CANCEL_ENABLE;
};

} // namespace ibid::openssl
