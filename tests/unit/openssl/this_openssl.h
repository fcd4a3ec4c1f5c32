// SPDX-License-Identifier: Apache-2.0
//
// Differences between OpenSSL versions, for tests that are the same on each: the names of its files, types
// that became opaque or const, the list of a store's objects.
#pragma once

#include <openssl/opensslv.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <vector>

namespace ibid::test {

#define IBID_QUOTED_(text) #text
#define IBID_QUOTED(text) IBID_QUOTED_(text)
inline constexpr char libcrypto_file[] = "libcrypto.so." IBID_QUOTED(OPENSSL_SHLIB_VERSION);
inline constexpr char libssl_file[] = "libssl.so." IBID_QUOTED(OPENSSL_SHLIB_VERSION);
#undef IBID_QUOTED
#undef IBID_QUOTED_

// The tests write through pointers that are const in 4.0, because a program can cast them.
template <class T>
[[nodiscard]] T* written_to(const T* part) {
    return const_cast<T*>(part);
}
[[nodiscard]] inline unsigned char* octets_of(const ASN1_STRING* string) {
    return const_cast<unsigned char*>(ASN1_STRING_get0_data(string));
}

// A store's objects. In 4.0, X509_STORE_get0_objects() would change the store, so these are copies, which end
// with this list. They refer to the store's own certificates and CRLs.
class objects_of {
public:
    explicit objects_of(X509_STORE* store)
#if OPENSSL_VERSION_MAJOR < 4
        : all_(X509_STORE_get0_objects(store)) {
    }
    ~objects_of() = default;
#else
        : all_(X509_STORE_get1_objects(store)) {
    }
    ~objects_of() {
        sk_X509_OBJECT_pop_free(all_, X509_OBJECT_free);
    }
#endif
    objects_of(const objects_of&) = delete;
    objects_of& operator=(const objects_of&) = delete;

    [[nodiscard]] int count() const {
        return sk_X509_OBJECT_num(all_);
    }
    [[nodiscard]] const X509_OBJECT* operator[](int i) const {
        return sk_X509_OBJECT_value(all_, i);
    }
    [[nodiscard]] X509* certificate(int i) const {
        return X509_OBJECT_get0_X509((*this)[i]);
    }
    [[nodiscard]] X509_CRL* list(int i) const {
        return X509_OBJECT_get0_X509_CRL((*this)[i]);
    }

private:
    STACK_OF(X509_OBJECT) * all_;
};

// The certificates and CRLs of a store, in its order.
[[nodiscard]] inline std::vector<const void*> objects(X509_STORE* store) {
    std::vector<const void*> all;
    const objects_of in_store(store);
    for (int i = 0; i < in_store.count(); ++i) {
        const void* const x = in_store.certificate(i);
        all.push_back(x != nullptr ? x : in_store.list(i));
    }
    return all;
}

} // namespace ibid::test
