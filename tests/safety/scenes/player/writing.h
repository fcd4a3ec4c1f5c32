// SPDX-License-Identifier: Apache-2.0
//
// What attachers and writers do to certificates and CRLs.
#pragma once

#include "reading.h"

#if defined(ATTACHES) || defined(WRITES)
static void attach(X509* x, unsigned b, unsigned c) {
    if (index_count < index_most && (b & 64 || index_count == 0)) {
        indices[index_count++] = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    }
    const int index = indices[b % (unsigned)index_count];
    const char* const before = X509_get_ex_data(x, index);
    emit("found %s, set %d\n", before ? before : "none",
         X509_set_ex_data(x, index, (void*)(c & 1 ? PICK(data, c >> 1) : NULL)));
}
#endif

#ifdef WRITES
static void write_to(X509* x, unsigned b, unsigned c) {
    switch (b % 14) {
    case 0:
        ASN1_TIME_set(X509_getm_notAfter(x), (c & 1) ? 1000 : 4000000000);
        break;
    case 1:
        ASN1_TIME_set(X509_getm_notBefore(x), (c & 1) ? 1000 : 4000000000);
        break;
    case 2: {
        ASN1_TIME* const t = ASN1_TIME_set(NULL, 100000 + c);
        X509_set1_notAfter(x, t);
        ASN1_STRING_free(t);
        break;
    }
    case 3:
        X509_NAME_add_entry_by_txt((X509_NAME*)((c & 1) ? X509_get_subject_name(x) : X509_get_issuer_name(x)),
                                   "OU", MBSTRING_ASC, (const unsigned char*)"written", -1, -1, 0);
        break;
    case 4:
        X509_NAME_ENTRY_free(X509_NAME_delete_entry((X509_NAME*)X509_get_subject_name(x), 0));
        break;
    case 5:
        ASN1_INTEGER_set(X509_get_serialNumber(x), c);
        break;
    case 6:
        X509_add1_trust_object(x, OBJ_nid2obj((c & 1) ? NID_server_auth : NID_client_auth));
        break;
    case 7:
        X509_add1_reject_object(x, OBJ_nid2obj((c & 1) ? NID_server_auth : NID_client_auth));
        break;
    case 8:
        X509_set_version(x, c % 3);
        break;
    case 9:
        X509_EXTENSION_free(X509_delete_ext(x, (int)c % 4));
        break;
    case 10:
        if (X509_get_ext_count(x) > 0) {
            ASN1_STRING_set(
                (ASN1_STRING*)X509_EXTENSION_get_data(X509_get_ext(x, (int)c % X509_get_ext_count(x))),
                "\x05\x00", 2);
        }
        break;
    case 11: {
        X509* const other = certificate_in(PICK(files, c));
        X509_set_pubkey(x, X509_get0_pubkey(other));
        X509_free(other);
        break;
    }
    case 12:
        X509_alias_set1(x, (const unsigned char*)"alias", 5);
        break;
    default:
        EVP_PKEY_set_ex_data(X509_get0_pubkey(x), 0, (void*)(c & 1 ? "key" : NULL));
    }
    show("written", x);
}

static void write_list(X509_STORE* store, unsigned b) {
    STACK_OF(X509_OBJECT)* const all = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
        X509_CRL* const list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(all, i));
        if (!list) {
            continue;
        }
        X509_REVOKED* const entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(list), 0);
        X509* const leaf = certificate_in("server.cert.pem");
        ASN1_TIME* const t = ASN1_TIME_set(NULL, 1000);
        if (b % 4 == 0) {
            X509_CRL_set1_nextUpdate(list, t);
        } else if (b % 4 == 1 && entry) {
            X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(leaf));
        } else if (b % 4 == 2 && entry) {
            X509_REVOKED* const more = X509_REVOKED_dup(entry);
            X509_REVOKED_set_serialNumber(more, X509_get_serialNumber(leaf));
            X509_CRL_add0_revoked(list, more);
        } else {
            X509_CRL_sort(list);
        }
        X509_free(leaf);
        ASN1_STRING_free(t);
        show_list(list);
        return;
    }
}
#endif
