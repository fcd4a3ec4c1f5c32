// SPDX-License-Identifier: Apache-2.0
//
// What the TLS server and the TLS client share: options, errors, limits.
//
// Law: every function here either does its work or ends the program with one line on standard error and exit
// status 1 (2 for a wrong command line).
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <sys/resource.h>

// A certificate chain in PEM (leaf first) and the PEM file of the leaf's private key.
struct identity {
    const char* chain;
    const char* key;
};

// The --cert/--key pairs of a command line, in their order.
struct identities {
    struct identity* items;
    size_t count;
    size_t keys; // how many of them have a key already
};

// Ends the program; `what` is a printf format without a newline.
_Noreturn void fail(const char* what, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail_usage(const char* what, ...) __attribute__((format(printf, 1, 2)));

// As fail(), followed by the first error of OpenSSL's queue.
_Noreturn void fail_openssl(const char* what, ...) __attribute__((format(printf, 1, 2)));

// The reason of the first error of OpenSSL's queue, which is emptied; when it is empty already, what errno
// says. Valid until the next call.
const char* openssl_reason(void);

// A whole number in [least, most], or the end.
long parse_number(const char* option, const char* text, long least, long most);

// "127.0.0.1:8443" (IPv4 only), or the end.
struct sockaddr_in parse_address(const char* option, const char* text);

void add_certificate(struct identities* all, const char* chain);

// The key of the first certificate that has none yet.
void add_key(struct identities* all, const char* key);

// One key may serve several certificates: those that follow the last --key use it too.
void complete_keys(struct identities* all);

// "1.2" or "1.3" pins the version; "any" leaves OpenSSL's default.
void set_tls_version(SSL_CTX* context, const char* version);

void use_identity(SSL_CTX* context, const struct identity* who);

// Raises the soft limit of open files to `needed`; beyond the hard limit only root may go.
void need_open_files(rlim_t needed);
