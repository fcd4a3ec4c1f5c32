// SPDX-License-Identifier: Apache-2.0
//
// What an operator wants to know of a program that writes to a shared certificate or CRL: nothing (the default), a line for
// each object that stops being shared, or that line and a core file at the first. For finding such a program's code; see
// IBID_ON_MUTATE in docs/decisions/0008-mutation.md.
#pragma once

namespace ibid::openssl {

// After the object was detached, before the write. `code`: an address in the writer. `what`: for a person.
void tell_mutation(const void* code, const char* what) noexcept;

} // namespace ibid::openssl
