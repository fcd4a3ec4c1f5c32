// SPDX-License-Identifier: Apache-2.0
//
// The same program without ibid: a process that plays each input on stock OpenSSL and tells what it saw.
//
// Law: it begins before either of the two has called OpenSSL, and differs in one thing: IBID_DISABLE=1.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace ibid::fuzz {

class stock_twin {
public:
    stock_twin();
    stock_twin(const stock_twin&) = delete;
    stock_twin& operator=(const stock_twin&) = delete;
    ~stock_twin();

    // Two steps, so that both processes work at once.
    void begin(std::span<const std::uint8_t> bytes);
    [[nodiscard]] std::string outcome();

private:
    [[noreturn]] void serve();

    int socket_ = -1;
    int child_ = -1;
};

} // namespace ibid::fuzz
