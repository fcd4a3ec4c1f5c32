// SPDX-License-Identifier: Apache-2.0
//
// Functions that parse a certificate. libssl parses what the peer sent; a program's own certificates are
// shared only with IBID_SCOPE=all, and never with one that may write to them.
#pragma once

#include <cstddef>
#include <tuple>

#include "entry.h"
#include "openssl/interpose/parsing.h"

namespace ibid::openssl::interpose {

// A decoder with an output argument for the certificate: argument number `Place`.
template <unsigned N, bool shares, auto Member, std::size_t Place>
struct decoder;
template <unsigned N, bool shares, class... Arguments, X509* (*functions::*Member)(Arguments...),
          std::size_t Place>
struct decoder<N, shares, Member, Place> {
    static X509* entry(Arguments... arguments) {
        libcrypto& of = libcrypto::at(N);
        X509** const place = std::get<Place>(std::tuple(arguments...));
        return decode_for_program(of, place, shares, [&] { return (of.f.*Member)(arguments...); });
    }
};

template <unsigned N>
struct parsers {
    [[nodiscard]] static libcrypto& of() noexcept { return libcrypto::at(N); }

    // ---- libssl's calls

    static X509* new_ex(OSSL_LIB_CTX* context, const char* query) {
        return new_certificate(of(), context, query);
    }
    static X509* peer(X509** a, const unsigned char** pp, long length) {
        return parse_peer(of(), a, pp, length, __builtin_return_address(0));
    }
    static const ASN1_ITEM* it() { return session_peer_item(N); }

    // ---- a program's calls

    template <bool shares>
    static X509* parse(X509** a, const unsigned char** pp, long length) {
        return parse_for_program(of(), a, pp, length, shares);
    }
    // If the trust settings are invalid, the certificate has already been filled in, and stays so.
    template <bool shares>
    static X509* parse_trusted(X509** a, const unsigned char** pp, long length) {
        const auto decode = [&] { return of().f.d2i_X509_AUX(a, pp, length); };
        if (a != nullptr && *a != nullptr) {
            const private_target target(of(), a);
            return decode();
        }
        return decode_for_program(of(), a, shares, decode);
    }
    static ASN1_VALUE* item(ASN1_VALUE** value, const unsigned char** in, long length,
                            const ASN1_ITEM* type) {
        return decode_item(of(), value, type, [&] { return of().f.ASN1_item_d2i(value, in, length, type); });
    }
    static ASN1_VALUE* item_ex(ASN1_VALUE** value, const unsigned char** in, long length,
                               const ASN1_ITEM* type, OSSL_LIB_CTX* context, const char* query) {
        return decode_item(of(), value, type,
                           [&] { return of().f.ASN1_item_d2i_ex(value, in, length, type, context, query); });
    }

    [[nodiscard]] static void* find(function_id id, module_kind kind) noexcept {
        if (kind == module_kind::libssl) {
            switch (id) {
            case function_id::X509_new_ex:
                return address(&new_ex);
            case function_id::d2i_X509:
                return address(&peer);
            case function_id::X509_it:
                return address(&it);
            default:
                return nullptr;
            }
        }
        if (!is_program(kind)) {
            return nullptr;
        }
        const bool shares = kind == module_kind::reader && environment().scope == scope_setting::all;
        return shares ? of_program<true>(id) : of_program<false>(id);
    }

private:
    template <bool shares>
    [[nodiscard]] static void* of_program(function_id id) noexcept {
        switch (id) {
        case function_id::d2i_X509:
            return address(&parse<shares>);
        case function_id::d2i_X509_AUX:
            return address(&parse_trusted<shares>);
#define IBID_CASE(name)                                                                                      \
    case function_id::name:                                                                                  \
        return address(&decoder<N, shares, &functions::name, 1>::entry);
            IBID_CASE(d2i_X509_bio)
            IBID_CASE(d2i_X509_fp)
            IBID_CASE(PEM_read_X509)
            IBID_CASE(PEM_read_X509_AUX)
            IBID_CASE(PEM_read_bio_X509)
            IBID_CASE(PEM_read_bio_X509_AUX)
#undef IBID_CASE
        case function_id::ASN1_item_d2i:
            return address(&item);
        case function_id::ASN1_item_d2i_ex:
            return address(&item_ex);
        default:
            return nullptr;
        }
    }
};

} // namespace ibid::openssl::interpose
