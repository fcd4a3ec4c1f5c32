// SPDX-License-Identifier: Apache-2.0
//
// Files and directories from which trust stores are loaded. A program sees the same stock and under
// ibid. Under ibid, an unchanged file is not parsed again, and a changed one is, even if its name, size and
// time stamps are the same.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/store.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "stock_or_ibid.h"
#include "this_openssl.h"
#include "trust_files.h"

namespace ibid::test {
namespace {

namespace fs = std::filesystem;

[[nodiscard]] std::string padded(std::string text) {
    constexpr std::size_t size = 8192;
    check(text.size() < size, "too long");
    text.append(size - text.size(), '\n');
    return text;
}

struct way_to_load {
    const char* name;
    bool crls;  // loads only CRLs
    bool files; // shared as a whole file; a URI is left to OpenSSL
    int (*load)(X509_STORE*, const char* path);
};

X509_LOOKUP* file_lookup(X509_STORE* store) {
    return X509_STORE_add_lookup(store, X509_LOOKUP_file());
}

const way_to_load ways[] = {
    {"X509_STORE_load_file", false, true,
     [](X509_STORE* s, const char* path) { return X509_STORE_load_file(s, path); }},
    {"X509_LOOKUP_load_file", false, true,
     [](X509_STORE* s, const char* path) {
         return X509_LOOKUP_load_file(file_lookup(s), path, X509_FILETYPE_PEM);
     }},
    {"X509_load_cert_file", false, true,
     [](X509_STORE* s, const char* path) {
         return X509_load_cert_file(file_lookup(s), path, X509_FILETYPE_PEM) > 0 ? 1 : 0;
     }},
    {"X509_load_cert_crl_file", false, true,
     [](X509_STORE* s, const char* path) {
         return X509_load_cert_crl_file(file_lookup(s), path, X509_FILETYPE_PEM) > 0 ? 1 : 0;
     }},
    {"X509_load_crl_file", true, true,
     [](X509_STORE* s, const char* path) {
         return X509_load_crl_file(file_lookup(s), path, X509_FILETYPE_PEM) > 0 ? 1 : 0;
     }},
    {"X509_LOOKUP_load_store", false, false,
     [](X509_STORE* s, const char* path) {
         return X509_LOOKUP_load_store(X509_STORE_add_lookup(s, X509_LOOKUP_store()), path);
     }},
    {"X509_STORE_set_default_paths", false, true,
     [](X509_STORE* s, const char* path) {
         setenv("SSL_CERT_FILE", path, 1);
         const int result = X509_STORE_set_default_paths(s);
         unsetenv("SSL_CERT_FILE");
         return result;
     }},
};

class WaysToLoad : public testing::TestWithParam<way_to_load> {
protected:
    [[nodiscard]] std::string content(int from, int to) const {
        std::string text;
        for (int i = from; i < to; ++i) {
            const authority& a = authorities_[static_cast<std::size_t>(i)];
            text += GetParam().crls ? pem_of(make_ordered_crl(a, i + 1)) : pem_of(a);
        }
        return text;
    }

    [[nodiscard]] static bool shared() { return GetParam().files && sharing(); }

    [[nodiscard]] store_ptr load() const {
        store_ptr store(X509_STORE_new());
        ERR_clear_error();
        EXPECT_EQ(GetParam().load(store.get(), path_.c_str()), 1);
        if (GetParam().files) {
            EXPECT_EQ(ERR_peek_error(), 0UL);
        }
        return store;
    }

    std::vector<authority> authorities_ = [] {
        std::vector<authority> all;
        for (int i = 0; i < 6; ++i) {
            all.push_back(make_authority(std::to_string(9 - i) + " root"));
        }
        return all;
    }();
    folder folder_;
    fs::path path_ = folder_.path / "trust.pem";
};

TEST_P(WaysToLoad, AnUnchangedFileIsNotParsedAgain) {
    write_over(path_, content(0, 5));
    const store_ptr first = load();
    const listing expected(first.get());
    ASSERT_EQ(expected.objects.size(), 5U);
    const counted files(IBID_OPENSSL_TRUST_STORES);
    const counted certificates(IBID_OPENSSL_CERTIFICATES);
    for (int i = 0; i < 3; ++i) {
        const store_ptr again = load();
        const listing found(again.get());
        EXPECT_EQ(found.encoded, expected.encoded); // the same, in the same order
        ASSERT_EQ(found.objects.size(), 5U);
        for (std::size_t k = 0; k < 5; ++k) {
            EXPECT_EQ(found.objects[k] == expected.objects[k], shared());
        }
    }
    EXPECT_EQ(files.misses(), 0U);
    EXPECT_EQ(certificates.misses(), 0U);
    if (GetParam().files) {
        EXPECT_EQ(files.hits(), sharing() ? 3U : 0U);
        EXPECT_EQ(certificates.hits(), 0U) << "a certificate was decoded and looked up";
    } else {
        EXPECT_EQ(certificates.hits(), shared() ? 15U : 0U);
    }
}

TEST_P(WaysToLoad, AChangedFileIsNoticedByItsContentAlone) {
    write_over(path_, padded(content(0, 3)));
    const store_ptr first = load();
    const listing before(first.get());
    ASSERT_EQ(before.objects.size(), 3U);
    write_over(path_, padded(content(1, 3)));
    const store_ptr second = load();
    EXPECT_EQ(listing(second.get()).objects.size(), 2U);
    write_over(path_, padded(content(3, 6)));
    const store_ptr third = load();
    const listing after(third.get());
    ASSERT_EQ(after.objects.size(), 3U);
    for (const bytes& der : after.encoded) {
        EXPECT_EQ(std::count(before.encoded.begin(), before.encoded.end(), der), 0);
    }
    EXPECT_EQ(listing(first.get()).encoded, before.encoded); // the store keeps the objects that it has loaded
}

TEST_P(WaysToLoad, AFileThatIsReplacedAndPutBackIsTheFirstAgain) {
    const std::string content_before = content(0, 3);
    const std::string content_between = content(3, 5); // made here, because making a CRL means writing to one
    write_over(path_, content_before);
    const store_ptr first = load();
    const listing before(first.get());
    const fs::path other = folder_.path / "other.pem";
    write_over(other, content_between);
    fs::rename(other, path_);
    const store_ptr second = load();
    EXPECT_EQ(listing(second.get()).objects.size(), 2U);
    write_over(other, content_before);
    fs::rename(other, path_);
    const store_ptr third = load();
    const listing after(third.get());
    EXPECT_EQ(after.encoded, before.encoded);
    ASSERT_EQ(after.objects.size(), before.objects.size());
    for (std::size_t k = 0; k < after.objects.size(); ++k) {
        EXPECT_EQ(after.objects[k] == before.objects[k], shared());
    }
}

TEST_P(WaysToLoad, AStoreWithObjectsGetsTheRest) {
    write_over(path_, content(0, 4));
    const store_ptr reference = load();
    const listing whole(reference.get());
    const store_ptr store(X509_STORE_new());
    if (GetParam().crls) {
        X509_STORE_add_crl(store.get(), make_crl(authorities_[5], 1).get());
    } else {
        X509_STORE_add_cert(store.get(), authorities_[5].certificate.get());
    }
    ASSERT_EQ(GetParam().load(store.get(), path_.c_str()), 1);
    ASSERT_EQ(GetParam().load(store.get(), path_.c_str()), 1); // duplicates are kept out
    EXPECT_EQ(listing(store.get()).objects.size(), 5U);
}

// A load while the file is replaced sees the old file or the new file, complete.
TEST_P(WaysToLoad, AFileThatIsReplacedMeanwhileIsSeenWhole) {
    if (std::string(GetParam().name) == "X509_STORE_set_default_paths") {
        GTEST_SKIP() << "its path is in the environment, which threads must not change";
    }
    const std::string contents[2] = {content(0, 3), content(3, 5)};
    write_over(path_, contents[0]);
    std::atomic<bool> stop{false};
    std::atomic<int> seen[2] = {0, 0};
    std::vector<std::thread> loaders;
    for (int t = 0; t < 3; ++t) {
        loaders.emplace_back([&] {
            while (!stop) {
                const store_ptr store(X509_STORE_new());
                EXPECT_EQ(GetParam().load(store.get(), path_.c_str()), 1);
                const int count = objects_of(store.get()).count();
                EXPECT_TRUE(count == 3 || count == 2) << count;
                ++seen[count == 3 ? 0 : 1];
            }
        });
    }
    for (int i = 0; seen[0] < 20 || seen[1] < 20; ++i) {
        const fs::path fresh = folder_.path / "fresh.pem";
        write_over(fresh, contents[i % 2]);
        fs::rename(fresh, path_);
        for (const int before = seen[0] + seen[1]; seen[0] + seen[1] < before + 3;) {
            std::this_thread::yield();
        }
    }
    stop = true;
    for (std::thread& t : loaders) {
        t.join();
    }
}

INSTANTIATE_TEST_SUITE_P(Trust, WaysToLoad, testing::ValuesIn(ways),
                         [](const auto& p) { return std::string(p.param.name); });

// An older error in the queue: its handling at the end of a file differs between OpenSSL's versions and
// functions. Here the same function is called with a file that ibid knows, and with a file that contains a
// NUL, which ibid must leave to OpenSSL.
TEST(TrustFile, LeavesAnOlderErrorAsOpenSSLDoes) {
    const folder f;
    const authority a = make_authority("root");
    const fs::path known = f.path / "known.pem";
    const fs::path left = f.path / "left.pem";
    for (const way_to_load& way : ways) {
        if (!way.files || std::string(way.name) == "X509_STORE_set_default_paths") {
            continue;
        }
        const std::string text = way.crls ? pem_of(make_ordered_crl(a, 1)) : pem_of(a);
        fs::remove(known);
        fs::remove(left);
        write_over(known, text);
        write_over(left, text + '\0' + '\n');
        std::vector<unsigned long> errors[3];
        const fs::path* const paths[3] = {&known, &known, &left};
        for (int i = 0; i < 3; ++i) {
            const store_ptr store(X509_STORE_new());
            ERR_clear_error();
            ERR_raise(ERR_LIB_USER, 42);
            EXPECT_EQ(way.load(store.get(), paths[i]->c_str()), 1) << way.name;
            while (const unsigned long error = ERR_get_error()) {
                errors[i].push_back(error);
            }
        }
        EXPECT_EQ(errors[0], errors[2]) << way.name;
        EXPECT_EQ(errors[1], errors[2]) << way.name;
    }
}

// A directory's file is read when a chain needs it.
class Directory : public testing::Test {
protected:
    [[nodiscard]] static std::string hash_of(const authority& a) {
        char hash[16];
        std::snprintf(
            hash, sizeof hash, "%08lx",
            X509_NAME_hash_ex(X509_get_subject_name(a.certificate.get()), nullptr, nullptr, nullptr));
        return hash;
    }

    [[nodiscard]] store_ptr store() const {
        store_ptr s(X509_STORE_new());
        X509_STORE_load_path(s.get(), folder_.path.c_str());
        X509_STORE_set_flags(s.get(), flags_);
        return s;
    }

    [[nodiscard]] static int verify(const store_ptr& store, const x509_ptr& leaf) {
        const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(X509_STORE_CTX_new(),
                                                                                      &X509_STORE_CTX_free);
        X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
        ERR_clear_error();
        X509_verify_cert(context.get());
        return X509_STORE_CTX_get_error(context.get());
    }

    folder folder_;
    unsigned long flags_ = 0;
    authority root_ = make_authority("root of a directory");
    x509_ptr leaf_ = make_certificate("leaf", root_.key.get(), &root_, false);
};

TEST_F(Directory, ItsFilesAreParsedOnce) {
    write_over(folder_.path / (hash_of(root_) + ".0"), pem_of(root_));
    const store_ptr first = store();
    ASSERT_EQ(verify(first, leaf_), X509_V_OK);
    const counted files(IBID_OPENSSL_TRUST_STORES);
    const counted certificates(IBID_OPENSSL_CERTIFICATES);
    for (int i = 0; i < 3; ++i) {
        const store_ptr again = store();
        EXPECT_EQ(verify(again, leaf_), X509_V_OK);
        const listing a(first.get());
        const listing b(again.get());
        ASSERT_EQ(a.objects.size(), 1U);
        ASSERT_EQ(b.objects.size(), 1U);
        EXPECT_EQ(a.objects[0] == b.objects[0], sharing_inside());
        EXPECT_EQ(a.encoded, b.encoded);
    }
    EXPECT_EQ(files.hits(), sharing_inside() ? 3U : 0U);
    EXPECT_EQ(files.misses() + certificates.misses() + certificates.hits(), 0U);
}

TEST_F(Directory, AChangedFileIsNoticedByItsContentAlone) {
    const fs::path path = folder_.path / (hash_of(root_) + ".0");
    write_over(path, padded(pem_of(root_)));
    ASSERT_EQ(verify(store(), leaf_), X509_V_OK);
    const authority impostor = make_authority("root of a directory");
    write_over(path, padded(pem_of(impostor)));
    EXPECT_EQ(verify(store(), leaf_), X509_V_ERR_CERT_SIGNATURE_FAILURE);
    write_over(path, padded(pem_of(root_)));
    EXPECT_EQ(verify(store(), leaf_), X509_V_OK);
}

TEST_F(Directory, ItsListsOfRevocationsAreParsedOnceAndNoticed) {
    flags_ = X509_V_FLAG_CRL_CHECK;
    write_over(folder_.path / (hash_of(root_) + ".0"), pem_of(root_));
    const fs::path path = folder_.path / (hash_of(root_) + ".r0");
    const auto list = [&](bool revoked) {
        const crl_ptr crl = make_ordered_crl(root_, 3, revoked ? leaf_.get() : nullptr);
        return padded(pem_of(crl));
    };
    write_over(path, list(false));
    const store_ptr first = store();
    ASSERT_EQ(verify(first, leaf_), X509_V_OK);
    const counted files(IBID_OPENSSL_TRUST_STORES);
    const store_ptr second = store();
    EXPECT_EQ(verify(second, leaf_), X509_V_OK);
    EXPECT_EQ(files.hits(), sharing_inside() ? 2U : 0U);
    EXPECT_EQ(files.misses(), 0U);
    EXPECT_EQ(listing(first.get()).encoded, listing(second.get()).encoded);
    write_over(path, list(true));
    EXPECT_EQ(verify(store(), leaf_), X509_V_ERR_CERT_REVOKED);
    EXPECT_EQ(verify(second, leaf_), X509_V_OK); // already has its CRL
}

} // namespace
} // namespace ibid::test
