// SPDX-License-Identifier: Apache-2.0
//
// A program without OpenSSL whose modules load it, like CPython, Apache, or PostgreSQL with extensions. Each
// test runs in its own process, in which nothing has been loaded.
#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "ibid_openssl.h"
#include "support/in_child.h"
#include "this_openssl.h"

namespace ibid::test {
namespace {

using ibid::testing::in_child;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

constexpr int cannot_be_loaded = -100;

template <class Result>
[[nodiscard]] Result ask(void* module, const char* name) {
    const auto function = reinterpret_cast<Result (*)()>(dlsym(module, name));
    return function != nullptr ? function() : Result{};
}

// 1: two connections show one object; 0: they do not. Each test is a forked child, which leaves its first
// eight certificates to OpenSSL; two connections bring four at least.
[[nodiscard]] int shares(void* module) {
    int answer = cannot_be_loaded;
    for (int i = 0; i < 3 && module != nullptr; ++i) {
        answer = ask<int>(module, "ibid_test_shares");
    }
    return answer;
}

[[nodiscard]] bool is_active() {
    return ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS) == nullptr;
}

// A module's result, in its own process.
[[nodiscard]] int shares_when_loaded(const char* file, int mode) {
    return in_child([&] { return 100 + shares(dlopen(file, mode)); }) - 100;
}

TEST(LateModule, BringsOpensslAndShares) {
    EXPECT_EQ(shares_when_loaded(READER_MODULE, RTLD_LAZY | RTLD_LOCAL), 1);
    EXPECT_EQ(shares_when_loaded(READER_MODULE, RTLD_NOW | RTLD_LOCAL), 1);
    EXPECT_EQ(shares_when_loaded(READER_MODULE, RTLD_LAZY | RTLD_GLOBAL), 1);
    EXPECT_EQ(shares_when_loaded(READER_MODULE, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE), 1);
}

TEST(LateModule, ThatIsBoundToItsOwnScopeFirstShares) {
    if (sanitized) {
        GTEST_SKIP() << "sanitizers refuse RTLD_DEEPBIND";
    }
    EXPECT_EQ(shares_when_loaded(READER_MODULE, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND), 1);
    // With lazy binding it is not defined which definition is found first, so such a module may be as in
    // stock.
    EXPECT_GE(shares_when_loaded(READER_MODULE, RTLD_LAZY | RTLD_LOCAL | RTLD_DEEPBIND), 0);
}

TEST(LateModule, InANamespaceOfItsOwnIsAsInStock) {
    if (sanitized) {
        GTEST_SKIP() << "a sanitizer would be there twice";
    }
    EXPECT_EQ(in_child([] {
                  void* const module = dlmopen(LM_ID_NEWLM, READER_MODULE, RTLD_NOW | RTLD_LOCAL);
                  return module == nullptr ? 77 : shares(module) == 0 ? 0 : 1;
              }),
              0);
}

TEST(LateModule, IsHeardInItsOwnCalls) {
    EXPECT_EQ(in_child([] {
                  void* const module = dlopen(READER_MODULE, RTLD_LAZY | RTLD_LOCAL);
                  const bool before = shares(module) == 1 && is_active();
                  (void)ask<int>(module, "ibid_test_asks_to_be_told");
                  return before && !is_active() && shares(module) == 0 ? 0 : 1;
              }),
              0);
}

TEST(LateModule, ThatMayWriteGetsObjectsOfItsOwn) {
    EXPECT_EQ(shares_when_loaded(WRITER_MODULE, RTLD_LAZY | RTLD_LOCAL), 0);
    EXPECT_EQ(shares_when_loaded(WRITER_MODULE, RTLD_NOW | RTLD_LOCAL), 0);
    // One module may get an object and another one may write to it. So the whole program is a writer, from
    // then on.
    EXPECT_EQ(in_child([] {
                  void* const reader = dlopen(READER_MODULE, RTLD_LAZY | RTLD_LOCAL);
                  const bool before = shares(reader) == 1;
                  void* const writer = dlopen(WRITER_MODULE, RTLD_LAZY | RTLD_LOCAL);
                  return before && shares(writer) == 0 && shares(reader) == 0 && is_active() &&
                                 ibid_openssl_why_not(IBID_OPENSSL_FEATURE_TRUST_STORES) != nullptr
                             ? 0
                             : 1;
              }),
              0);
}

// Each load, each unload and some lookups scan.
TEST(LateModule, MayBeLoadedByManyThreads) {
    EXPECT_EQ(
        in_child([] {
            const auto loads = [](const char* file) {
                for (int i = 0; i < 100; ++i) {
                    if (void* const module = dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
                        (void)dlclose(module);
                    }
                }
            };
            std::thread one(loads, FOUND_MODULE);
            std::thread two(loads, LOADER_MODULE);
            void* const reader = dlopen(READER_MODULE, RTLD_NOW | RTLD_LOCAL);
            const bool before = shares(reader) == 1;
            for (const char* const name : {"X509_get_issuer_name", "X509_getm_notAfter", "ASN1_TIME_set"}) {
                (void)dlsym(RTLD_DEFAULT, name); // with the last one, the program may write
            }
            one.join();
            two.join();
            return before && shares(reader) == 0 ? 0 : 1;
        }),
        0);
}

TEST(LateModule, ThatTakesThePlaceOfAnotherIsReadAnew) {
    if (sanitized) {
        GTEST_SKIP() << "a sanitizer keeps modules";
    }
    EXPECT_EQ(in_child([] {
                  int in_one_place = 0;
                  const void* place = nullptr;
                  for (int i = 0; i < 20; ++i) {
                      const bool writes = i % 2 != 0;
                      void* const module =
                          dlopen(writes ? WRITER_MODULE : READER_MODULE, RTLD_LAZY | RTLD_LOCAL);
                      Dl_info info{};
                      dladdr(dlsym(module, "ibid_test_shares"), &info);
                      in_one_place += info.dli_fbase == place ? 1 : 0;
                      place = info.dli_fbase;
                      if (shares(module) != (i == 0 ? 1 : 0) || dlclose(module) != 0) {
                          return 1;
                      }
                  }
                  return in_one_place > 0 ? 0 : 2;
              }),
              0);
}

// A copy of a library with another soname, so that a process can load it twice.
void copy_as_another(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::ifstream in(from, std::ios::binary);
    std::string all{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    for (const std::string name : {libcrypto_file, libssl_file}) {
        for (std::size_t at = all.find(name); at != std::string::npos; at = all.find(name, at + 1)) {
            all[at + name.size() - 1] = '9';
        }
    }
    std::ofstream(to, std::ios::binary) << all;
}

TEST(TwoOpenssls, EachHaveTheirOwnCaches) {
    if (sanitized) {
        GTEST_SKIP() << "sanitizers refuse RTLD_DEEPBIND";
    }
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("ibid-two-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    copy_as_another(LIBCRYPTO, folder / "libcrypto.so.9");
    copy_as_another(LIBSSL, folder / "libssl.so.9");
    copy_as_another(READER_MODULE, folder / "reader.so");
    EXPECT_EQ(
        in_child([&] {
            void* const one = dlopen(READER_MODULE, RTLD_NOW | RTLD_LOCAL);
            const bool loaded =
                dlopen((folder / "libcrypto.so.9").c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr &&
                dlopen((folder / "libssl.so.9").c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND) != nullptr;
            void* const two = dlopen((folder / "reader.so").c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
            if (!loaded || one == nullptr || two == nullptr) {
                std::fprintf(stderr, "%s\n", dlerror());
                return 1;
            }
            if (ask<const void*>(one, "ibid_test_libcrypto") ==
                ask<const void*>(two, "ibid_test_libcrypto")) {
                return 2;
            }
            // One after another, and each a second time: neither gets the other's objects.
            if (shares(one) != 1 || shares(two) != 1 || shares(one) != 1 || shares(two) != 1) {
                return 3;
            }
            // What ends sharing in one does not affect the other.
            (void)ask<int>(two, "ibid_test_asks_to_be_told");
            return shares(two) == 0 && shares(one) == 1 && is_active() ? 0 : 4;
        }),
        0);
    std::filesystem::remove_all(folder);
}

// As if the program referenced it: each connection shows its own object.
TEST(Lookup, OfAFunctionThatWritesMakesAWriter) {
    for (const char* const name : {"X509_sign", "X509_set_pubkey", "X509_alias_set1", "X509_set_ex_data"}) {
        SCOPED_TRACE(name);
        EXPECT_EQ(in_child([&] {
                      void* const module = dlopen(READER_MODULE, RTLD_LAZY | RTLD_LOCAL);
                      const bool before = shares(module) == 1;
                      void* const found = dlsym(module, name);
                      return before && found != nullptr && shares(module) == 0 ? 0 : 1;
                  }),
                  0);
        EXPECT_EQ(in_child([&] { // before an OpenSSL is loaded
                      (void)dlsym(RTLD_DEFAULT, name);
                      void* const module = dlopen(READER_MODULE, RTLD_LAZY | RTLD_LOCAL);
                      return shares(module) == 0 ? 0 : 1;
                  }),
                  0);
        EXPECT_EQ(in_child([&] {
                      void* const module = dlopen(READER_MODULE, RTLD_LAZY | RTLD_LOCAL);
                      (void)dlvsym(module, name, "OPENSSL_3.0.0");
                      return shares(module) == 0 ? 0 : 1;
                  }),
                  0);
    }
}

TEST(Lookup, OfAnythingElseEndsNothing) {
    EXPECT_EQ(in_child([] {
                  void* const module = dlopen(READER_MODULE, RTLD_LAZY | RTLD_LOCAL);
                  for (const char* const name :
                       {"X509_free", "SSL_new", "X509_getm_notAfter", "X509_gmtime_adj_", "malloc", "",
                        "SSL_get0_peer_certificate"}) {
                      (void)dlsym(module, name);
                      (void)dlsym(RTLD_DEFAULT, name);
                  }
                  return is_active() && shares(module) == 1 ? 0 : 1;
              }),
              0);
}

// Two functions that only together make the program a writer.
TEST(Lookup, OfAPairMakesAWriter) {
    EXPECT_EQ(in_child([] {
                  void* const module = dlopen(READER_MODULE, RTLD_LAZY | RTLD_LOCAL);
                  (void)dlsym(module, "X509_getm_notAfter");
                  const bool before = shares(module) == 1;
                  (void)dlsym(module, "ASN1_TIME_set");
                  return before && shares(module) == 0 ? 0 : 1;
              }),
              0);
}

TEST(LinkerErrors, AreTheLinkers) {
    EXPECT_EQ(
        in_child([] {
            const auto stock = reinterpret_cast<decltype(&dlopen)>(dlsym(RTLD_DEFAULT, "dlopen"));
            for (const char* const file : {"/nonexistent/one.so", "nonexistent_one.so", "/dev/null", ""}) {
                for (const int mode : {RTLD_NOW, RTLD_LAZY | RTLD_NOLOAD, 0}) {
                    errno = 77;
                    const void* const ours = dlopen(file, mode);
                    const int our_errno = errno;
                    const char* said = dlerror();
                    const std::string our_words = said != nullptr ? said : "";
                    errno = 77;
                    const void* const theirs = stock(file, mode);
                    const int their_errno = errno;
                    said = dlerror();
                    if ((ours == nullptr) != (theirs == nullptr) || our_errno != their_errno ||
                        our_words != (said != nullptr ? said : "")) {
                        std::fprintf(stderr, "%s: %s: %s\n", file, our_words.c_str(),
                                     std::strerror(our_errno));
                        return 1;
                    }
                }
            }
            if (dlsym(RTLD_DEFAULT, "no such name") != nullptr || dlerror() == nullptr ||
                dlerror() != nullptr) {
                return 2;
            }
            // A successful load leaves no error.
            errno = 77;
            return dlopen(READER_MODULE, RTLD_LAZY | RTLD_LOCAL) != nullptr && dlerror() == nullptr ? 0 : 3;
        }),
        0);
}

// The search path of the calling module is used, as in the linker's manual (dlopen(3), DT_RUNPATH).
TEST(LinkerSearchPaths, AreThoseOfTheCaller) {
    if (sanitized) {
        GTEST_SKIP() << "with the sanitizer, its dlopen is the caller";
    }
    const std::string name = std::filesystem::path(FOUND_MODULE).filename();
    EXPECT_EQ(in_child([&] {
                  if (dlopen(name.c_str(), RTLD_NOW) != nullptr) {
                      return 1; // this program has no such path
                  }
                  void* const loader = dlopen(LOADER_MODULE, RTLD_NOW | RTLD_LOCAL);
                  if (loader == nullptr) {
                      return 2;
                  }
                  const auto load = reinterpret_cast<void* (*)(const char*)>(dlsym(loader, "ibid_test_load"));
                  void* const found = load(name.c_str());
                  return found != nullptr && ask<int>(found, "ibid_test_is_found") == 1 ? 0 : 3;
              }),
              0);
}

// A load of which ibid does not see the end: its modules are scanned at the program's next call of the
// linker.
TEST(LateModule, ThatWasLoadedByASearchPathSharesLater) {
    EXPECT_EQ(in_child([&] {
                  void* const loader = dlopen(LOADER_MODULE, RTLD_NOW | RTLD_LOCAL);
                  const auto load = reinterpret_cast<void* (*)(const char*)>(dlsym(loader, "ibid_test_load"));
                  const std::string name = std::filesystem::path(FOUND_MODULE).filename();
                  (void)load(name.c_str());
                  void* const module = dlopen(READER_MODULE, RTLD_LAZY | RTLD_LOCAL);
                  return shares(module) == 1 ? 0 : 1;
              }),
              0);
}

TEST(LateProgram, WithoutOpensslIsToldSo) {
    EXPECT_STREQ(ibid_openssl_why_not(IBID_OPENSSL_FEATURE_CALLS),
                 "no OpenSSL 3 or 4 was found in this process");
}

} // namespace
} // namespace ibid::test
