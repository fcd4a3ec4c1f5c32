// SPDX-License-Identifier: Apache-2.0
//
// How the libcrypto of a process was linked, and so what of ibid can work with it.
#pragma once

#include "library.h"

#define IBID_OPENSSL_NO_INLINE
#include "ibid_openssl.h"

namespace ibid::openssl {

// Whether calls inside the module that contains `code` stay inside, whatever stands before it in the link order. Linked with
// -Bsymbolic, upstream's default, a module says so (the ELF gABI's DT_SYMBOLIC, DF_SYMBOLIC). With -Bsymbolic-functions,
// Ubuntu's default, it says nothing: there no relocation is left that names a function of its own.
[[nodiscard]] bool binds_to_itself(const void* code) noexcept;

// Null: the feature works with this libcrypto. Else why not.
[[nodiscard]] const char* why_not(library& l, ibid_openssl_feature feature) noexcept;

} // namespace ibid::openssl
