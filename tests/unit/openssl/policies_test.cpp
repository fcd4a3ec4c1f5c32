// SPDX-License-Identifier: Apache-2.0
//
// A certificate in which a policy check would record a fault is not shared; all others are. OpenSSL's own
// policy check decides the expected result for each kind of certificate.
#include <gtest/gtest.h>

#include "a_cache.h"
#include "openssl/certificates/policy_extensions.h"
#include "policy_check.h"

namespace ibid::openssl {
namespace {

using namespace ibid::test;

constexpr const char* policies = "2.5.29.32";
constexpr const char* mappings = "2.5.29.33";
constexpr const char* constraints = "2.5.29.36";
constexpr const char* any_skip = "2.5.29.54";

[[nodiscard]] bytes policy(const bytes& object, const bytes& rest = {}) {
    return tlv(0x30, join({tlv(6, object), rest}));
}
[[nodiscard]] bytes mapping(const bytes& from, const bytes& to) {
    return tlv(0x30, join({tlv(6, from), tlv(6, to)}));
}
const bytes any_policy{0x55, 0x1d, 0x20, 0x00};
const bytes one{0x2a, 0x03, 0x04};
const bytes two{0x2a, 0x03, 0x05};
const bytes cps{0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x01};
const bytes notice{0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x02};

[[nodiscard]] bytes qualified(const bytes& id, const bytes& value) {
    return policy(one, tlv(0x30, tlv(0x30, join({tlv(6, id), value}))));
}

struct shape {
    const char* name;
    std::vector<raw_extension> extensions;
    bool plain; // as authorities issue them: these are shared
};

[[nodiscard]] std::vector<shape> shapes() {
    const bytes good = tlv(0x30, policy(one));
    return {
        {"none", {}, true},
        {"one", {{policies, good}}, true},
        {"two and any", {{policies, tlv(0x30, join({policy(one), policy(two), policy(any_policy)}))}}, true},
        {"a statement", {{policies, tlv(0x30, qualified(cps, tlv(0x16, text("http://x"))))}}, true},
        {"a notice", {{policies, tlv(0x30, qualified(notice, tlv(0x30, tlv(0x0c, text("read me")))))}}, true},
        {"a notice with a reference",
         {{policies, tlv(0x30, qualified(notice, tlv(0x30, join({tlv(0x30, join({tlv(0x0c, text("org")),
                                                                                 tlv(0x30, tlv(2, {1}))})),
                                                                 tlv(0x1a, text("text"))}))))}},
         true},
        {"mappings", {{policies, good}, {mappings, tlv(0x30, mapping(one, two))}}, true},
        {"constraints", {{constraints, tlv(0x30, join({tlv(0x80, {0}), tlv(0x81, {3})}))}}, true},
        {"one constraint", {{constraints, tlv(0x30, tlv(0x81, {0}))}}, true},
        {"inhibited any", {{policies, good}, {any_skip, tlv(2, {0})}}, true},
        {"not a sequence of sequences", {{policies, bytes{0x30, 0x03, 0x02, 0x01, 0x05}}}, false},
        {"an integer", {{policies, tlv(2, {5})}}, false},
        {"nothing at all", {{policies, {}}}, false},
        {"no policy", {{policies, tlv(0x30, {})}}, false},
        {"twice the same", {{policies, tlv(0x30, join({policy(one), policy(two), policy(one)}))}}, false},
        {"any twice", {{policies, tlv(0x30, join({policy(any_policy), policy(any_policy)}))}}, false},
        {"two extensions", {{policies, good}, {policies, good}}, false},
        {"no object", {{policies, tlv(0x30, tlv(0x30, tlv(0x0c, text("x"))))}}, false},
        {"an empty object", {{policies, tlv(0x30, policy({}))}}, false},
        {"an object that does not end", {{policies, tlv(0x30, policy({0x2a, 0x83}))}}, false},
        {"an object with a padded part", {{policies, tlv(0x30, policy({0x2a, 0x80, 0x01}))}}, false},
        {"more behind a policy",
         {{policies, tlv(0x30, policy(one, join({tlv(0x30, {}), tlv(2, {1})})))}},
         false},
        {"a statement of another type", {{policies, tlv(0x30, qualified(cps, tlv(0x02, {1})))}}, false},
        {"a notice of an odd BMPString",
         {{policies, tlv(0x30, qualified(notice, tlv(0x30, tlv(0x1e, {1, 2, 3}))))}},
         false},
        {"a notice with a padded number",
         {{policies, tlv(0x30, qualified(notice, tlv(0x30, tlv(0x30, join({tlv(0x0c, text("o")),
                                                                           tlv(0x30, tlv(2, {0, 1}))})))))}},
         false},
        {"a mapping from any", {{policies, good}, {mappings, tlv(0x30, mapping(any_policy, two))}}, false},
        {"a mapping to any", {{policies, good}, {mappings, tlv(0x30, mapping(one, any_policy))}}, false},
        {"no mapping", {{policies, good}, {mappings, tlv(0x30, {})}}, false},
        {"a broken mapping", {{policies, good}, {mappings, tlv(0x30, tlv(0x30, tlv(6, one)))}}, false},
        {"no constraint", {{constraints, tlv(0x30, {})}}, false},
        {"a negative constraint", {{constraints, tlv(0x30, tlv(0x80, {0xff}))}}, false},
        {"an empty constraint", {{constraints, tlv(0x30, tlv(0x80, {}))}}, false},
        {"a negative skip", {{policies, good}, {any_skip, tlv(2, {0x80})}}, false},
        {"a skip of another type", {{policies, good}, {any_skip, tlv(4, {0})}}, false},
    };
}

// What OpenSSL itself records in the certificate when it checks policies.
[[nodiscard]] bool openssl_finds_a_fault(X509* x, const authority& root) {
    const may_be_lost some; // of a mapping that is refused
    check_policies(x, root);
    return (X509_get_extension_flags(x) & EXFLAG_INVALID_POLICY) != 0;
}

TEST(Policies, AreSharedAsFarAsACheckWouldFindNothing) {
    const authority root = make_authority("root");
    int faults = 0;
    for (const shape& s : shapes()) {
        const bytes der = der_of(make_raw(root, root.key.get(), s.extensions).get());
        const bool fault = openssl_finds_a_fault(fresh(der).get(), root);
        faults += fault ? 1 : 0;
        const x509_ptr first = parse(der);
        const x509_ptr second = parse(der);
        EXPECT_TRUE(!fault || first != second) << s.name;
        EXPECT_EQ(s.plain, first == second) << s.name;
        EXPECT_FALSE(s.plain && fault) << s.name;
        ERR_clear_error();
        // The result of the first holder's check is not visible in the second holder's object.
        EXPECT_EQ(openssl_finds_a_fault(first.get(), root), fault) << s.name;
        if (first != second) {
            EXPECT_EQ(X509_get_extension_flags(second.get()) & EXFLAG_INVALID_POLICY, 0U) << s.name;
        }
    }
    EXPECT_GT(faults, 15) << "the check did not come as far as the policies";
}

TEST(Policies, ThatAreVeryManyAreLeftToOpenSSL) {
    bytes all;
    for (unsigned char i = 0; i < 64; ++i) {
        all = join({all, policy({0x2a, i, 0x01})});
    }
    EXPECT_TRUE(are_sound_policies(tlv(0x30, all)));
    EXPECT_FALSE(are_sound_policies(tlv(0x30, join({all, policy({0x2a, 0x7f, 0x01})}))));
}

TEST(Policies, EveryCutOfASoundOneIsUnsound) {
    const bytes whole = tlv(0x30, qualified(notice, tlv(0x30, tlv(0x0c, text("read me")))));
    EXPECT_TRUE(are_sound_policies(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(are_sound_policies(std::span(whole).first(size))) << size;
    }
}

// The system's CA certificates must all be eligible for the cache.
TEST(Policies, OfTheAuthoritiesThatThisSystemTrustsAreSound) {
    FILE* const in = std::fopen("/etc/ssl/certs/ca-certificates.crt", "r");
    if (in == nullptr) {
        GTEST_SKIP() << "no ca-certificates";
    }
    a_cache().retain({});
    int all = 0;
    while (const x509_ptr x{PEM_read_X509(in, nullptr, nullptr, nullptr)}) {
        const bytes der = der_of(x.get());
        ERR_clear_error();
        const x509_ptr first = parse(der);
        EXPECT_EQ(parse(der).get(), first.get())
            << X509_NAME_oneline(X509_get_subject_name(x.get()), nullptr, 0);
        EXPECT_EQ(parse(der).get(), first.get());
        ++all;
    }
    std::fclose(in);
    ERR_clear_error();
    EXPECT_GT(all, 50);
}

} // namespace
} // namespace ibid::openssl
