// SPDX-License-Identifier: Apache-2.0
//
// Tries the laws that sharing rests on, with a certificate of ibid's own: on a version of OpenSSL that is
// newer than what the tests have seen (binding/versions.h), before anything of the program's is shared.
//
// What cannot be tried in one thread, such as what two threads do at once to one certificate, is not tried.
#pragma once

#include "openssl/binding/functions.h"
#include "openssl/certificates/certificate_cache.h"

namespace ibid::openssl {

// Null: all laws hold. Else why this OpenSSL is left alone. `cache`: nothing is in it and nobody else has it;
// leaves it so. The error queue is as before. Throws bad_alloc.
[[nodiscard]] const char* broken_law(const functions& f, certificate_cache& cache);

} // namespace ibid::openssl
