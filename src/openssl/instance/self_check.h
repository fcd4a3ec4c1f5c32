// SPDX-License-Identifier: Apache-2.0
//
// Tries the assumptions on which sharing depends, with a certificate of ibid's own. It runs on a version of
// OpenSSL that is newer than the tested ones (binding/versions.h), before anything of the program is shared.
// It does not test concurrency.
#pragma once

#include "openssl/binding/functions.h"
#include "openssl/certificates/certificate_cache.h"

namespace ibid::openssl {

// Null: all assumptions are right. Otherwise why ibid does nothing with this OpenSSL. Requires an empty
// `cache` that no other thread has; leaves it empty. The error queue is preserved. Throws bad_alloc.
[[nodiscard]] const char* broken_law(const functions& f, certificate_cache& cache);

} // namespace ibid::openssl
