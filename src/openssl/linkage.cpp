// SPDX-License-Identifier: Apache-2.0
#include "linkage.h"

#include <dlfcn.h>
#include <link.h>

#include "features.h"
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

namespace {

[[nodiscard]] const char* obstacle(library& l) noexcept {
    if (l.certificates() != nullptr) {
        return nullptr;
    }
    if (environment().disabled) {
        return "IBID_DISABLE is set";
    }
    return l.known() ? "ibid stands aside: the program has given a thread a default library context of its "
                       "own, or wants "
                       "to be told of every certificate"
                     : "this OpenSSL is of a version or build that ibid does not know";
}

} // namespace

const char* why_not(library& l, ibid_openssl_feature feature) noexcept {
    circumstances here;
    here.obstacle = obstacle(l);
    here.met = met();
    here.symbolic = l.symbolic();
    here.verify_memo = environment().verify_memo;
    here.everything = environment().scope == scope_setting::all;
    const auto features = features_of(here);
    const auto answer = [&](feature_index i) { return features[i].active ? nullptr : features[i].why; };
    switch (feature) {
    case IBID_OPENSSL_FEATURE_PEERS:
        return answer(feature_peers);
    case IBID_OPENSSL_FEATURE_TRUST_STORES:
        return answer(feature_trust_stores);
    case IBID_OPENSSL_FEATURE_VERIFY_MEMO:
        return answer(feature_signatures);
    case IBID_OPENSSL_FEATURE_CALLS:
        return here.obstacle;
    }
    return "unknown feature";
}

} // namespace ibid::openssl
