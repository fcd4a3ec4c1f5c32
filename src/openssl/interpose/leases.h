// SPDX-License-Identifier: Apache-2.0
//
// An attacher's own calls: they decide how long it has a shared object by a lease (certificates/lease.h), and
// when the object belongs to its session for good.
#pragma once

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

[[nodiscard]] X509* lease_peer(libcrypto& of, const SSL* ssl); // SSL_get1_peer_certificate
int attach(libcrypto& of, X509* x, int index, void* data);     // X509_set_ex_data
int hold(libcrypto& of, X509* x);                              // X509_up_ref
void let_go(libcrypto& of, X509* x);                           // X509_free

// An attacher gives OpenSSL a certificate, or certificates, to hold. It may get back references that ibid
// does not see, so the lease lasts.
void keep_held(libcrypto& of, X509* x);
void keep_held(libcrypto& of, STACK_OF(X509) * all);

} // namespace ibid::openssl::interpose
