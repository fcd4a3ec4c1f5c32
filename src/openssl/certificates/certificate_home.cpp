// SPDX-License-Identifier: Apache-2.0
#include "certificate_home.h"

#include "ibid/detail/base/slot_bits.h"

namespace ibid::openssl {

std::unique_ptr<certificate_home> certificate_home::make(const functions& f, counter_block* counters) {
    std::unique_ptr<certificate_home> home(new certificate_home{f, nullptr});
    home->table = table_type::create({}, counters);
    return home;
}

// offsetof of classes that derive from another: conditionally supported, and supported by GCC and Clang.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
shared_statistics::certificates_anchor anchor_of(const std::atomic<certificate_home*>& home) noexcept {
    const auto arrays = home.load(std::memory_order_relaxed)->table->where_arrays_are();
    return {.magic = shared_statistics::magic_number,
            .home = reinterpret_cast<std::uintptr_t>(&home),
            .slot_address = detail::slot_bits::address_mask,
            .retained = detail::entry_word::retained,
            .table = offsetof(certificate_home, table),
            .first_array = arrays.first,
            .arrays_apart = arrays.apart,
            .arrays = arrays.number,
            .entry_home = offsetof(certificate_entry, home),
            .entry_x509 = offsetof(certificate_entry, x509),
            .entry_der_size = offsetof(certificate_entry, der_size),
            .entry_bytes = sizeof(certificate_entry)};
}
#pragma GCC diagnostic pop

} // namespace ibid::openssl
