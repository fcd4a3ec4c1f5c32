// SPDX-License-Identifier: Apache-2.0
#include "linkage.h"

#include <dlfcn.h>
#include <link.h>

#include "settings.h"

namespace ibid::openssl {

namespace {

constexpr char linked_name[] = "d2i_X509";

// Whether a program's reference to d2i_X509 ends in ibid.
[[nodiscard]] bool met() noexcept {
    void* const found = dlvsym(RTLD_DEFAULT, linked_name, "OPENSSL_3.0.0");
    dl_find_object theirs{};
    dl_find_object ours{};
    return found != nullptr && _dl_find_object(found, &theirs) == 0 &&
           _dl_find_object(reinterpret_cast<void*>(&met), &ours) == 0 &&
           theirs.dlfo_link_map == ours.dlfo_link_map;
}

} // namespace

bool binds_to_itself(const void* code) noexcept {
    dl_find_object object{};
    if (_dl_find_object(const_cast<void*>(code), &object) != 0) {
        return false;
    }
    for (const ElfW(Dyn)* d = object.dlfo_link_map->l_ld; d->d_tag != DT_NULL; ++d) {
        if (d->d_tag == DT_SYMBOLIC || (d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_SYMBOLIC) != 0)) {
            return true;
        }
    }
    return false;
}

const char* why_not(library& l, ibid_openssl_feature feature) noexcept {
    if (l.certificates() == nullptr) {
        return environment().disabled ? "IBID_DISABLE is set"
                                      : "this OpenSSL is of a version or build that ibid does not know";
    }
    switch (feature) {
    case IBID_OPENSSL_FEATURE_PEERS:
        return met() ? nullptr : "ibid's symbols do not stand before OpenSSL's: use ibid_openssl_attach()";
    case IBID_OPENSSL_FEATURE_TRUST_STORES:
        return met() ? nullptr
                     : "ibid's symbols do not stand before OpenSSL's: use ibid_openssl_load_trust_store()";
    case IBID_OPENSSL_FEATURE_VERIFY_MEMO:
        if (!environment().verify_memo) {
            return "IBID_VERIFY_MEMO=0";
        }
        if (!met()) {
            return "ibid's symbols do not stand before OpenSSL's";
        }
        return l.symbolic() ? "this libcrypto is linked with -Bsymbolic: its inner calls cannot be met"
                            : nullptr;
    case IBID_OPENSSL_FEATURE_CALLS:
        return nullptr;
    }
    return "unknown feature";
}

} // namespace ibid::openssl
