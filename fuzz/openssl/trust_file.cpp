// SPDX-License-Identifier: Apache-2.0
//
// A file of certificates and CRLs is loaded into trust stores: an empty one, another one, the same again, and
// a non-empty one. The list of each store's objects, in order, is part of the outcome.
#include <sys/mman.h>
#include <unistd.h>

#include "owned.h"
#include "scenes.h"

namespace ibid::fuzz {

namespace {

// A file in memory under the same name in each process: errors name it.
class file {
public:
    explicit file(const byte_string& content) {
        static const bool made = [] {
            const int fd = memfd_create("trust", MFD_CLOEXEC);
            const bool good = fd >= 0 && dup2(fd, number) == number;
            close(fd);
            return good;
        }();
        good_ = made && ftruncate(number, 0) == 0 &&
                pwrite(number, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size());
    }
    [[nodiscard]] bool good() const noexcept { return good_; }

    static constexpr char name[] = "/proc/self/fd/900";

private:
    static constexpr int number = 900;
    bool good_ = false;
};

[[nodiscard]] byte_string as_pem(const char* name, std::span<const unsigned char> der) {
    const owned_bio out(BIO_new(BIO_s_mem()));
    PEM_write_bio(out.get(), name, "", der.data(), static_cast<long>(der.size()));
    return content(out.get());
}

[[nodiscard]] byte_string file_of(const input& in) {
    static constexpr const char* names[] = {PEM_STRING_X509, PEM_STRING_X509_TRUSTED, PEM_STRING_X509_CRL};
    const unsigned kind = in.choice(0, 2);
    byte_string sent =
        kind < 3 ? as_pem(names[kind], in.payload) : byte_string(in.payload.begin(), in.payload.end());
    byte_string whole;
    const auto add = [&](const byte_string& bytes) { whole.insert(whole.end(), bytes.begin(), bytes.end()); };
    const auto add_fixed = [&](const char* pem) { whole.insert(whole.end(), pem, pem + std::strlen(pem)); };
    switch (in.choice(2, 2)) {
    case 0:
        add(sent);
        break;
    case 1:
        add_fixed(fixed_root_pem);
        add(sent);
        add_fixed(fixed_leaf_pem);
        break;
    case 2:
        add(sent);
        add(sent);
        break;
    default:
        add(sent);
        add_fixed(fixed_leaf_pem);
        add_fixed(fixed_root_pem);
        add(sent);
        break;
    }
    return whole;
}

int load(unsigned how, X509_STORE* store) {
    X509_LOOKUP* const lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    switch (how) {
    case 0:
    case 1:
        return X509_STORE_load_file(store, file::name);
    case 2:
        return X509_load_cert_crl_file(lookup, file::name, X509_FILETYPE_PEM);
    case 3:
        return X509_load_cert_file(lookup, file::name, X509_FILETYPE_PEM);
    case 4:
    case 5:
        return X509_load_crl_file(lookup, file::name, X509_FILETYPE_PEM);
    case 6:
        return X509_load_crl_file(lookup, file::name, X509_FILETYPE_ASN1);
    default:
        return X509_load_cert_file(lookup, file::name, X509_FILETYPE_ASN1);
    }
}

void list(X509_STORE* store, outcome& seen) {
#if OPENSSL_VERSION_MAJOR < 4
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
#else // there, get0 would turn the store's hash table into a list
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get1_objects(store);
#endif
    seen.number("objects", sk_X509_OBJECT_num(objects));
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        const X509_OBJECT* const o = sk_X509_OBJECT_value(objects, i);
        if (X509_OBJECT_get_type(o) == X509_LU_X509) {
            seen.certificate("in store", X509_OBJECT_get0_X509(o));
        } else {
            seen.crl("in store", X509_OBJECT_get0_X509_CRL(o));
        }
    }
}

} // namespace

void play_trust_file(const input& in, outcome& seen) {
    seen.about("trust file");
    // Types other than PEM are read from the unchanged input.
    const unsigned how = in.choice(4, 3);
    const bool pem = how < 6;
    const file on_disk(pem ? file_of(in) : byte_string(in.payload.begin(), in.payload.end()));
    seen.number("written", on_disk.good() ? 1 : 0);
    const auto load_into = [&](X509_STORE* store) {
        seen.number("load", load(how, store));
        seen.errors();
        list(store, seen);
    };
    if (in.choice(7, 1) != 0 && in.choice(0, 2) == 3) {
        ERR_raise(ERR_LIB_USER, 1); // an older error stays in the queue
    }
    const owned_store first(X509_STORE_new());
    load_into(first.get());
    {
        const owned_store second(X509_STORE_new());
        load_into(second.get());
        load_into(second.get());
    }
    const unsigned char* p = fixed_root().data();
    const owned_x509 root(d2i_X509(nullptr, &p, static_cast<long>(fixed_root().size())));
    const owned_store third(X509_STORE_new());
    X509_STORE_add_cert(third.get(), root.get());
    load_into(third.get());
}

} // namespace ibid::fuzz
