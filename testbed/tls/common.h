// SPDX-License-Identifier: Apache-2.0
//
// What the TLS server and the TLS client share: options, errors, limits.
//
// Law: a function either succeeds, or ends the program with one line on standard error and exit status 1 (2
// for a wrong command line).
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

// The --cert/--key pairs of a command line, in order.
struct identities {
    struct identity* items;
    size_t count;
    size_t keys; // how many of them have a key
};

// Ends the program; `what` is a printf format without a newline.
_Noreturn void fail(const char* what, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail_usage(const char* what, ...) __attribute__((format(printf, 1, 2)));

// Like fail(), with the first error of OpenSSL's queue behind the message.
_Noreturn void fail_openssl(const char* what, ...) __attribute__((format(printf, 1, 2)));

// The reason of the first error in OpenSSL's queue, or errno's text if the queue is empty. Empties the queue.
// The string is valid until the next call.
const char* openssl_reason(void);

// Returns a whole number in [least, most], or ends the program.
long parse_number(const char* option, const char* text, long least, long most);

// Parses "127.0.0.1:8443" (IPv4 only), or ends the program.
struct sockaddr_in parse_address(const char* option, const char* text);

void add_certificate(struct identities* all, const char* chain);

// Adds the key of the first certificate without one.
void add_key(struct identities* all, const char* key);

// Several certificates may have one key: certificates behind the last --key use that key, too.
void complete_keys(struct identities* all);

// "1.2" or "1.3" sets the version; "any" keeps OpenSSL's default.
void set_tls_version(SSL_CTX* context, const char* version);

void use_identity(SSL_CTX* context, const struct identity* who);

// Raises the soft limit of open files to `needed`. Only root may exceed the hard limit.
void need_open_files(rlim_t needed);
