// SPDX-License-Identifier: Apache-2.0
#include "why_not.h"

#include "features.h"
#include "openssl/scan/scan.h"

namespace ibid::openssl {

namespace {

[[nodiscard]] const char* obstacle(libcrypto& l) noexcept {
    if (l.certificates() != nullptr) {
        return nullptr;
    }
    if (environment().disabled) {
        return "IBID_DISABLE is set";
    }
    const char* const why = l.why_disabled();
    return why != nullptr ? why : "another thread is setting it up";
}

} // namespace

const char* why_not(libcrypto& l, ibid_openssl_feature feature) noexcept {
    circumstances here;
    here.obstacle = obstacle(l);
    here.intercepted = modules::why_not_scanned() == nullptr;
    here.libssl = l.f.has_libssl();
    here.symbolic = l.symbolic();
    here.verify_memo = environment().verify_memo && l.remembers_signatures();
    here.everything = environment().scope == scope_setting::all;
    here.writer = l.has_writer();
    here.other_files = l.leaves_files();
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
