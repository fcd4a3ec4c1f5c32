// SPDX-License-Identifier: Apache-2.0
//
// A process that plays each input on stock OpenSSL and returns the outcome: the same scenes, linked without
// ibid (stock.cpp).
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace ibid::fuzz {

class stock_twin {
public:
    stock_twin(); // starts openssl_stock_twin, which is beside this program
    stock_twin(const stock_twin&) = delete;
    stock_twin& operator=(const stock_twin&) = delete;
    ~stock_twin();

    // Two steps, so that both processes work at once.
    void begin(std::span<const std::uint8_t> bytes);
    [[nodiscard]] std::string outcome();

private:
    int socket_ = -1;
    int child_ = -1;
};

} // namespace ibid::fuzz
