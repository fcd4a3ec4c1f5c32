// SPDX-License-Identifier: Apache-2.0
//
// trust_store_cache compared with OpenSSL's own loading: for each file that it does not leave to OpenSSL, it
// gives the same result, errors and list, also while other threads load, and it uses no more memory than it
// reports.
#include "openssl/trust/trust_store.h"

#include <openssl/err.h>

#include <malloc.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "trust_caches.h"

namespace ibid::openssl {
namespace {

using namespace ibid::test;
using enum file_kind;

constexpr int left_to_openssl = -1;

[[nodiscard]] std::vector<unsigned long> errors() {
    std::vector<unsigned long> all;
    while (const unsigned long error = ERR_get_error()) {
        all.push_back(error);
    }
    return all;
}

[[nodiscard]] bytes der_of_crl(X509_CRL* crl) {
    unsigned char* out = nullptr;
    const int size = i2d_X509_CRL(crl, &out);
    bytes der(out, out + size);
    OPENSSL_free(out);
    return der;
}

class TrustStore : public testing::Test {
protected:
    TrustStore() { ERR_clear_error(); }

    [[nodiscard]] std::string path(const std::string& name = "trust.pem") const {
        return folder_.path / name;
    }

    folder folder_;
    authority root_ = make_authority("root");
    authority other_ = make_authority("other");
};

// Files with all kinds of blocks in any order, loaded in each way into empty and non-empty stores.
TEST_F(TrustStore, LoadsWhatOpenSSLLoads) {
    const authority third = make_authority("root"); // with the name of the first one
    std::vector<std::string> parts = {
        pem_of(root_),
        pem_of(other_),
        pem_of(third),
        pem_of(make_ordered_crl(root_, 3)),
        pem_of(make_ordered_crl(other_, 0)),
        pem_of(make_ordered_crl(third, 1)),
        "# a comment\n\n",
        "text without an end, as of openssl x509 -text: CN = root\r\n",
    };
    parts.push_back(parts[0]);
    parts.back().replace(parts.back().find("BEGIN CERT"), 10, "BEGIN X509 CERT");
    parts.back().replace(parts.back().find("END CERT"), 8, "END X509 CERT");
    std::mt19937 random(1); // NOLINT(cert-msc32-c, cert-msc51-cpp): the same each time
    std::size_t taken = 0;
    for (int round = 0; round < 300; ++round) {
        std::string text;
        for (auto n = random() % 6; n > 0; --n) {
            text += parts[random() % parts.size()];
        }
        write_new(path(), text);
        for (const file_kind kind : {certificates_and_crls, certificates, crls}) {
            for (const bool empty : {true, false}) {
                const store_ptr expected = new_store();
                const store_ptr store = new_store();
                if (!empty) {
                    X509_STORE_add_cert(expected.get(), third.certificate.get());
                    X509_STORE_add_cert(store.get(), third.certificate.get());
                }
                for (int again = 0; again < 2; ++again) {
                    ERR_clear_error();
                    const int result = load_stock(expected, path(), kind);
                    const auto stock_errors = errors();
                    errno = 1234;
                    const int ours = common_caches().load(store, path(), kind);
                    EXPECT_EQ(errno, 1234);
                    if (ours == left_to_openssl) {
                        EXPECT_EQ(result, 0) << text;
                        break;
                    }
                    ++taken;
                    EXPECT_EQ(ours, result) << text;
                    EXPECT_EQ(errors(), stock_errors);
                    EXPECT_EQ(listing(store.get()).encoded, listing(expected.get()).encoded) << text;
                }
            }
        }
    }
    EXPECT_GT(taken, 1000U);
}

TEST_F(TrustStore, LeavesToOpenSSLWhatItDoesNotKnow) {
    const std::string good = pem_of(root_);
    const std::string trusted = [&] {
        const x509_ptr x(X509_dup(root_.certificate.get()));
        ASN1_OBJECT* const purpose = OBJ_nid2obj(NID_server_auth);
        X509_add1_trust_object(x.get(), purpose);
        return pem([&](BIO* out) { return PEM_write_bio_X509_AUX(out, x.get()); });
    }();
    std::string broken = good;
    broken[broken.size() / 2] = '!';
    bytes trailing = der_of(root_.certificate.get());
    trailing.push_back(0);
    const std::string with_trailing = pem([&](BIO* out) {
        return PEM_write_bio(out, PEM_STRING_X509, "", trailing.data(), static_cast<long>(trailing.size())) >
               0;
    });
    for (const std::string& text :
         {good + trusted, trusted, broken, with_trailing, good + '\0', good + good.substr(0, 100),
          std::string("nothing"), good + std::string(1000, ' ') + "\n"}) {
        write_new(path(), text);
        for (int i = 0; i < 3; ++i) { // the second time without reading it
            EXPECT_EQ(common_caches().load(new_store(), path()), left_to_openssl) << text;
            EXPECT_EQ(ERR_peek_error(), 0UL);
        }
        write_new(path(), good);
        EXPECT_EQ(common_caches().load(new_store(), path()), 1);
    }
    EXPECT_EQ(common_caches().load(new_store(), path(), certificates, X509_FILETYPE_ASN1), left_to_openssl);
    EXPECT_EQ(common_caches().load(new_store(), path("missing")), left_to_openssl);
    EXPECT_EQ(common_caches().load(new_store(), folder_.path), left_to_openssl);
}

TEST_F(TrustStore, LoadsACrlInDer) {
    bytes der = der_of_crl(make_ordered_crl(root_, 20).get());
    write_new(path(), std::string(der.begin(), der.end()));
    const store_ptr one = new_store();
    const store_ptr two = new_store();
    ASSERT_EQ(common_caches().load(one, path(), crls, X509_FILETYPE_ASN1), 1);
    ASSERT_EQ(common_caches().load(two, path(), crls, X509_FILETYPE_ASN1), 1);
    EXPECT_EQ(listing(one.get()).objects, listing(two.get()).objects);
    EXPECT_EQ(listing(one.get()).encoded, std::vector<bytes>{der});
    der.push_back(0); // and a byte behind it
    write_new(path(), std::string(der.begin(), der.end()));
    EXPECT_EQ(common_caches().load(new_store(), path(), crls, X509_FILETYPE_ASN1), left_to_openssl);
}

// For a pipe's writer, an open() would look like a reader, and an open() may have an effect on a device.
TEST_F(TrustStore, OpensNothingButRegularFiles) {
    ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
    const int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    ASSERT_GE(inotify_add_watch(watch, folder_.path.c_str(), IN_OPEN), 0);
    EXPECT_EQ(common_caches().load(new_store(), path("pipe")), left_to_openssl);
    EXPECT_EQ(common_caches().load(new_store(), "/dev/null"), left_to_openssl);
    alignas(inotify_event) char events[4096];
    EXPECT_EQ(read(watch, events, sizeof events), -1) << "the pipe was opened";
    write_new(path(), pem_of(root_));
    EXPECT_EQ(common_caches().load(new_store(), path()), 1);
    EXPECT_GT(read(watch, events, sizeof events), 0) << "an open() is detected";
    close(watch);
}

// A file that is not shared costs only a check of the file system, until the file changes.
TEST_F(TrustStore, DoesNotReadARefusedFileAgain) {
    write_new(path(), pem_of(root_) + "-----BEGIN DH PARAMETERS-----\n");
    EXPECT_EQ(common_caches().load(new_store(), path()), left_to_openssl);
    const int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    ASSERT_GE(inotify_add_watch(watch, folder_.path.c_str(), IN_ACCESS), 0);
    EXPECT_EQ(common_caches().load(new_store(), path()), left_to_openssl);
    alignas(inotify_event) char events[4096];
    EXPECT_EQ(read(watch, events, sizeof events), -1);
    write_new(path(), pem_of(root_) + "\n");
    EXPECT_EQ(common_caches().load(new_store(), path()), 1);
    EXPECT_GT(read(watch, events, sizeof events), 0);
    close(watch);
}

// --- a program that lists the entries of a CRL

TEST_F(TrustStore, LeavesCrlsToOpenSSLWhereTheirEntriesAreListed) {
    trust_caches& caches = trust_caches::make();
    write_new(path(), pem_of(make_crl_of(root_, {"0100", "FF", "01"})));
    const store_ptr one = new_store();
    const store_ptr two = new_store();
    EXPECT_EQ(caches.load(one, path()), 1);
    EXPECT_EQ(caches.load(two, path()), 1);
    EXPECT_EQ(listing(one.get()).objects, listing(two.get()).objects);
    caches.stores.leave_crls(true);
    EXPECT_EQ(caches.load(new_store(), path()), left_to_openssl);
    write_new(path(), pem_of(root_));
    EXPECT_EQ(caches.load(new_store(), path()), 1) << "no CRL";
}

// --- one set of objects for all loads, and no load waits

thread_local bool stops_in_parse = false;
std::mutex stopping;
std::condition_variable stopped_or_goes;
bool stopped = false;
bool goes = false;

// A program's own code that runs when OpenSSL makes a certificate.
void on_new_certificate(void*, void*, CRYPTO_EX_DATA*, int, long, void*) {
    if (stops_in_parse) {
        std::unique_lock lock(stopping);
        stopped = true;
        stopped_or_goes.notify_all();
        stopped_or_goes.wait(lock, [] { return goes; });
    }
}

TEST_F(TrustStore, NobodyWaitsForAnothersParse) {
    trust_caches& caches = trust_caches::make();
    static const int index =
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, nullptr, &on_new_certificate, nullptr, nullptr);
    ASSERT_GE(index, 0);
    write_new(path(), pem_of(root_) + pem_of(make_ordered_crl(root_, 2)));
    const store_ptr slow = new_store();
    const store_ptr fast = new_store();
    stopped = goes = false;
    std::thread first([&] {
        stops_in_parse = true;
        EXPECT_EQ(caches.load(slow, path()), 2);
    });
    {
        std::unique_lock lock(stopping);
        stopped_or_goes.wait(lock, [] { return stopped; });
    }
    EXPECT_EQ(caches.load(fast, path()), 2); // otherwise it would wait for ever
    {
        const std::lock_guard lock(stopping);
        goes = true;
    }
    stopped_or_goes.notify_all();
    first.join();
    EXPECT_EQ(listing(slow.get()).objects, listing(fast.get()).objects) << "those that were inserted first";
    EXPECT_EQ(caches.stores.statistics().entries, 1U);
}

TEST_F(TrustStore, ManyThreadsGetOneCopy) {
    trust_caches& caches = trust_caches::make();
    write_new(path(), pem_of(root_) + pem_of(other_) + pem_of(make_ordered_crl(root_, 5)));
    for (int round = 0; round < 20; ++round) {
        std::vector<store_ptr> stores;
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            stores.push_back(new_store());
        }
        for (const store_ptr& store : stores) {
            threads.emplace_back([&] { EXPECT_EQ(caches.load(store, path()), 3); });
        }
        for (std::thread& t : threads) {
            t.join();
        }
        const listing expected(stores[0].get());
        for (const store_ptr& store : stores) {
            EXPECT_EQ(listing(store.get()).objects, expected.objects);
        }
        EXPECT_EQ(caches.stores.statistics().entries, 1U);
        stores.clear();
        EXPECT_EQ(caches.stores.statistics().entries, 0U) << "there is no holder, and no budget";
    }
}

// --- what keeps a file

TEST_F(TrustStore, AFileGoesWithTheLastStore) {
    trust_caches& caches = trust_caches::make();
    write_new(path(), pem_of(root_));
    store_ptr one = new_store();
    store_ptr two = new_store();
    EXPECT_EQ(caches.load(one, path()), 1);
    EXPECT_EQ(caches.load(two, path()), 1);
    EXPECT_EQ(caches.load(two, path()), 1); // again into the same store
    one.reset();
    EXPECT_EQ(caches.stores.statistics().entries, 1U);
    EXPECT_EQ(caches.certificates.statistics().entries, 1U);
    two.reset();
    EXPECT_EQ(caches.stores.statistics().entries, 0U);
    EXPECT_EQ(caches.certificates.statistics().entries, 0U) << "the certificate was not freed";
}

TEST_F(TrustStore, AStoreKeepsTheLatestFilesAndAllObjects) {
    trust_caches& caches = trust_caches::make();
    store_ptr store = new_store();
    constexpr int files = 40;
    for (int i = 0; i < files; ++i) {
        write_new(path(), pem_of(make_ordered_crl(root_, i)));
        ASSERT_EQ(caches.load(store, path(), crls), 1);
    }
    EXPECT_EQ(listing(store.get()).objects.size(), static_cast<std::size_t>(files));
    EXPECT_EQ(caches.stores.statistics().entries, 32U);
    store.reset();
    EXPECT_EQ(caches.stores.statistics().entries, 0U);
}

TEST_F(TrustStore, ThousandsOfStoresLetGo) {
    trust_caches& caches = trust_caches::make();
    write_new(path("a"), pem_of(root_));
    write_new(path("b"), pem_of(other_));
    std::vector<store_ptr> stores;
    for (int i = 0; i < 3000; ++i) {
        stores.push_back(new_store());
        ASSERT_EQ(caches.load(stores.back(), path(i % 3 == 0 ? "a" : "b")), 1);
        ASSERT_EQ(caches.load(stores.back(), path("b")), 1);
    }
    std::shuffle(stores.begin(), stores.end(), std::mt19937(3)); // NOLINT(cert-msc32-c, cert-msc51-cpp)
    EXPECT_EQ(caches.stores.statistics().entries, 2U);
    stores.resize(1);
    EXPECT_EQ(caches.load(new_store(), path("b")), 1);
    stores.clear();
    EXPECT_EQ(caches.stores.statistics().entries, 0U);
}

TEST_F(TrustStore, ABudgetKeepsAFileThatNoStoreHolds) {
    trust_caches& caches = trust_caches::make();
    caches.stores.retain({std::size_t{1} << 20, 10});
    write_new(path(), pem_of(root_));
    EXPECT_EQ(caches.load(new_store(), path()), 1);
    EXPECT_EQ(caches.load(new_store(), path()), 1);
    EXPECT_EQ(caches.stores.statistics().hits, 1U);
    EXPECT_EQ(caches.stores.statistics().misses, 1U);
    caches.stores.trim();
    EXPECT_EQ(caches.stores.statistics().entries, 0U);
    EXPECT_EQ(caches.certificates.statistics().entries, 0U);
    // A file whose weight exceeds the budget is not retained.
    write_new(path(), pem_of(make_ordered_crl(root_, 20'000)));
    EXPECT_EQ(caches.load(new_store(), path()), 1);
    EXPECT_EQ(caches.stores.statistics().entries, 0U);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // a sanitizer has its own malloc

[[nodiscard]] std::size_t heap_in_use() {
    const struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

TEST_F(TrustStore, AFileWeighsWhatItTakes) {
    for (const bool with_reasons : {false, true}) {
        const int count = with_reasons ? 30'000 : 110'000;
        crl_ptr crl = make_ordered_crl(root_, count);
        if (with_reasons) {
            ASN1_ENUMERATED* const reason = ASN1_ENUMERATED_new();
            ASN1_ENUMERATED_set(reason, 1);
            for (int i = 0; i < count; ++i) {
                X509_REVOKED_add1_ext_i2d(sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl.get()), i),
                                          NID_crl_reason, reason, 0, 0);
            }
            ASN1_ENUMERATED_free(reason);
            X509_CRL_sign(crl.get(), root_.key.get(), EVP_sha256());
        }
        const std::string text = pem_of(crl);
        crl.reset();
        write_new(path(), text);
        trust_caches& caches = trust_caches::make();
        caches.stores.retain({std::size_t{1} << 30, 10});
        const std::size_t before = heap_in_use();
        ASSERT_EQ(caches.load(new_store(), path(), crls), 1);
        const double taken = static_cast<double>(heap_in_use() - before);
        const double weight = static_cast<double>(caches.stores.statistics().retained_bytes);
        EXPECT_GT(weight, 0.95 * taken);
        EXPECT_LT(weight, 1.3 * taken);
        caches.stores.trim();
    }
}

#endif

} // namespace
} // namespace ibid::openssl
