// SPDX-License-Identifier: Apache-2.0
//
// The names of the functions that ibid intercepts, each with its number.
#pragma once

#include <array>
#include <cstdint>

#include "openssl/interpose/entries.h"

namespace ibid::openssl::modules {

extern const std::array<const char*, interpose::function_count> function_names;
extern const std::array<std::uint32_t, interpose::function_count> function_hashes; // symbol_hash() of each

// `hash`: elf_module's symbol_hash(name). function_id::count: ibid does not intercept it.
[[nodiscard]] interpose::function_id function_of(const char* name, std::uint32_t hash) noexcept;
[[nodiscard]] interpose::function_id function_of(const char* name) noexcept;

} // namespace ibid::openssl::modules
