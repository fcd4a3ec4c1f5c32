// SPDX-License-Identifier: Apache-2.0
//
// A forked child often serves one connection and ends, and the kernel copies each page that it writes to. So
// a young child parses its first few certificates as in stock, unless the parent's table has them: nothing is
// entered or set up for them. Nor does it write what only later calls would read. A child that lives longer
// shares after that; it only loses the memory of these few.
//
// Thread safety: concerns the thread that called fork(), which is the child's only one.
#pragma once

namespace ibid::openssl::forked_child {

// One connection parses at most this many: a chain of two on each side (the process may be both sides), and
// the peer's certificate once more in each of two tickets, which libssl encodes and decodes.
inline constexpr unsigned first_certificates = 8;

inline constinit thread_local unsigned certificates_left = 0;

inline void begin() noexcept {
    certificates_left = first_certificates;
}
[[nodiscard]] inline bool is_young() noexcept {
    return certificates_left != 0;
}
inline void count_one() noexcept {
    --certificates_left;
}

} // namespace ibid::openssl::forked_child
