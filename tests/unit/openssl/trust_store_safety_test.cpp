// SPDX-License-Identifier: Apache-2.0
//
// Loading a trust file through ibid does nothing that stock does not: it leaves no secret in memory, makes no
// additional system call, uses at most 4 KB more of stack, leaves no lock held and no file open when its
// thread is cancelled, and does not make a forked child hang.
#include <openssl/err.h>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <set>
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

// 0: success; otherwise its exit status, or 1000 plus the signal that ended it.
[[nodiscard]] int in_child(const std::function<void()>& work) {
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(30);
        work();
        syscall(SYS_exit_group, 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

// A few hundred kilobytes of certificates.
[[nodiscard, maybe_unused]] std::string large_bundle(const std::string& name, int count) {
    const key_ptr key = make_key();
    std::string text;
    for (int i = 0; i < count; ++i) {
        authority a{nullptr, make_certificate(name + " " + std::to_string(i), key.get(), nullptr, true)};
        text += "# " + name + "\n" + pem_of(a);
    }
    return text;
}

class TrustStoreSafety : public testing::Test {
protected:
    TrustStoreSafety() { ERR_clear_error(); }

    [[nodiscard]] std::string path(const std::string& name = "trust.pem") const {
        return folder_.path / name;
    }

    folder folder_;
    authority root_ = make_authority("root");
};

// --- secrets

// Bytes to search for in this process's memory; they are stored masked, so that the search does not find them
// here.
class needle {
public:
    explicit needle(const std::string& file_of_masked) {
        const int fd = open(file_of_masked.c_str(), O_RDONLY | O_CLOEXEC);
        size_ = static_cast<std::size_t>(std::max<ssize_t>(0, read(fd, masked_.data(), masked_.size())));
        close(fd);
        check(size_ >= 16, "needle");
    }

    static constexpr unsigned char mask = 0x5a;

    // How often it is in this process's writable memory.
    [[nodiscard]] int count() const {
        const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
        std::FILE* const maps = std::fopen("/proc/self/maps", "re");
        check(memory >= 0 && maps != nullptr, "/proc");
        char line[512];
        int found = 0;
        while (std::fgets(line, sizeof line, maps) != nullptr) {
            unsigned long begin = 0;
            unsigned long end = 0;
            char rights[8];
            constexpr unsigned long larger_than_any_heap = 1UL << 30; // shadow of a sanitizer
            if (std::sscanf(line, "%lx-%lx %7s", &begin, &end, rights) == 3 && rights[1] == 'w' &&
                end - begin < larger_than_any_heap) {
                found += count_in(memory, begin, end);
            }
        }
        std::fclose(maps);
        close(memory);
        return found;
    }

    void unmask(unsigned char* to) const {
        for (std::size_t i = 0; i < size_; ++i) {
            to[i] = masked_[i] ^ mask;
        }
    }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    [[nodiscard]] int count_in(int memory, unsigned long begin, unsigned long end) const {
        static std::array<unsigned char, 1 << 16> buffer;
        const auto is_in_buffer = [](unsigned long address) {
            return address - reinterpret_cast<unsigned long>(buffer.data()) < buffer.size();
        };
        const auto find = [first = masked_[0] ^ mask](const unsigned char* from, const unsigned char* to) {
            const void* const there = std::memchr(from, first, static_cast<std::size_t>(to - from));
            return there != nullptr ? static_cast<const unsigned char*>(there) : to;
        };
        int found = 0;
        for (unsigned long at = begin; at < end; at += buffer.size() - size_ + 1) {
            const ssize_t n = pread(memory, buffer.data(), std::min<std::size_t>(buffer.size(), end - at),
                                    static_cast<off_t>(at));
            const unsigned char* const last = buffer.data() + std::max<ssize_t>(n, 0);
            for (const unsigned char* p = find(buffer.data(), last); p + size_ <= last;
                 p = find(p + 1, last)) {
                const bool same =
                    std::equal(p, p + size_, masked_.begin(),
                               [](unsigned char a, unsigned char b) { return a == (b ^ mask); });
                found += same && !is_in_buffer(at + static_cast<unsigned long>(p - buffer.data())) ? 1 : 0;
            }
            explicit_bzero(buffer.data(), static_cast<std::size_t>(last - buffer.data()));
        }
        return found;
    }

    std::array<unsigned char, 32> masked_{};
    std::size_t size_ = 0;
};

void write_masked(const std::string& path, std::string bytes) {
    for (char& c : bytes) {
        c = static_cast<char>(static_cast<unsigned char>(c) ^ needle::mask);
    }
    write_over(path, bytes);
}

// A key under each of its names and on each side of certificates, made in another process.
TEST_F(TrustStoreSafety, NothingOfAPrivateKeyIsKept) {
    const std::string certificate = pem_of(root_);
    ASSERT_EQ(in_child([&] {
                  const key_ptr key = make_key();
                  const auto text_of = [&](auto write) { return pem([&](BIO* out) { return write(out); }); };
                  const std::string pkcs8 = text_of([&](BIO* out) {
                      return PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr,
                                                           nullptr);
                  });
                  const std::string traditional = text_of([&](BIO* out) {
                      return PEM_write_bio_PrivateKey_traditional(out, key.get(), nullptr, nullptr, 0,
                                                                  nullptr, nullptr);
                  });
                  write_over(path("0"), certificate + pkcs8);
                  write_over(path("1"), pkcs8 + certificate);
                  write_over(path("2"), certificate + traditional + certificate);
                  write_over(path("3"), "text\n" + certificate + "text " + pkcs8 + certificate);
                  write_over(path("4"), pkcs8);
                  write_masked(path("text of PKCS #8"), pkcs8.substr(100, 24));
                  write_masked(path("text"), traditional.substr(100, 24));
                  BIGNUM* number = nullptr;
                  EVP_PKEY_get_bn_param(key.get(), "priv", &number);
                  std::string secret(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
                  BN_bn2bin(number, reinterpret_cast<unsigned char*>(secret.data()));
                  write_masked(path("number"), secret);
              }),
              0);
    const needle needles[] = {needle(path("text of PKCS #8")), needle(path("text")), needle(path("number"))};
    for (const needle& n : needles) {
        const std::unique_ptr<unsigned char[]> here(new unsigned char[n.size()]);
        n.unmask(here.get());
        ASSERT_GE(n.count(), 1) << "the search finds nothing";
        explicit_bzero(here.get(), n.size());
        ASSERT_EQ(n.count(), 0);
    }
    for (const char* name : {"0", "1", "2", "3", "4"}) {
        for (const file_kind kind : {certificates_and_crls, certificates, crls}) {
            for (int i = 0; i < 2; ++i) {
                EXPECT_EQ(common_caches().load(new_store(), path(name), kind), left_to_openssl);
                for (const needle& n : needles) {
                    EXPECT_EQ(n.count(), 0) << name;
                }
            }
        }
    }
}

TEST_F(TrustStoreSafety, WhatIsKeptOfAFileIsOverwrittenWhenItGoes) {
    const std::string certificate = pem_of(root_);
    const std::string padding(40'000, '\n');
    ASSERT_EQ(in_child([&] {
                  const std::string marks = "a comment that nobody else writes";
                  write_over(path(), padding + "# " + marks + "\n" + certificate);
                  write_masked(path("masked"), marks.substr(0, 32));
              }),
              0);
    const needle marks(path("masked"));
    ASSERT_EQ(marks.count(), 0);
    store_ptr store = new_store();
    ASSERT_EQ(common_caches().load(store, path()), 1);
    EXPECT_EQ(marks.count(), 1) << "it is kept, for comparison";
    EXPECT_EQ(common_caches().load(new_store(), path()), 1);
    EXPECT_EQ(marks.count(), 1);
    store.reset();
    EXPECT_EQ(marks.count(), 0);
}

// --- under a store's lock

thread_local bool in_lock = false;
std::atomic<int> calls_in_lock{0};
std::atomic<int> other_calls_in_lock{0};

struct watches_locks {
    static void before(called which) {
        constexpr std::array allowed = {called::X509_STORE_get0_objects, called::OPENSSL_sk_num,
                                        called::OPENSSL_sk_reserve, called::OPENSSL_sk_push,
                                        called::X509_STORE_unlock};
        if (in_lock) {
            (std::ranges::find(allowed, which) != allowed.end() ? calls_in_lock : other_calls_in_lock)++;
        }
        in_lock = in_lock && which != called::X509_STORE_unlock;
    }
    static void after(called which) { in_lock = in_lock || which == called::X509_STORE_lock; }
};

TEST_F(TrustStoreSafety, UnderAStoresLockItsListGrowsAndNothingElse) {
    trust_caches& caches = trust_caches::make(watched_functions<watches_locks>());
    write_new(path(), pem_of(root_) + pem_of(make_ordered_crl(root_, 2)));
    for (int i = 0; i < 3; ++i) {
        const store_ptr store = new_store();
        EXPECT_EQ(caches.load(store, path()), 2);
        EXPECT_EQ(caches.load(store, path()), 2); // not empty now
    }
    // A hash table is filled by OpenSSL alone.
    EXPECT_EQ(calls_in_lock == 0, OPENSSL_VERSION_MAJOR >= 4) << calls_in_lock;
    EXPECT_EQ(other_calls_in_lock, 0);
    EXPECT_FALSE(in_lock);
}

#if !defined(__SANITIZE_ADDRESS__) &&                                                                        \
    !defined(__SANITIZE_THREAD__) // they do not support this kind of unwinding

// --- cancellation

thread_local int calls_until_cancelled = 0; // 0: never
int last_call = 0;

// Cancels the thread at the n-th call of OpenSSL: before the call, or after it if the call frees an object of
// ibid. Skips calls that neither run foreign code nor make a system call.
struct cancels {
    static bool frees(called which) {
        constexpr std::array freeing = {called::X509_free,        called::X509_CRL_free,
                                        called::X509_OBJECT_free, called::X509_STORE_free,
                                        called::ERR_clear_error,  called::ERR_pop_to_mark};
        return std::ranges::find(freeing, which) != freeing.end();
    }
    static bool is_plain(called which) {
        constexpr std::array plain = {called::X509_STORE_lock,         called::X509_STORE_unlock,
                                      called::X509_STORE_get0_objects, called::OPENSSL_sk_num,
                                      called::OPENSSL_sk_reserve,      called::OPENSSL_sk_push};
        return std::ranges::find(plain, which) != plain.end();
    }
    static void here(called which) {
        if (calls_until_cancelled > 0 && --calls_until_cancelled == 0) {
            last_call = static_cast<int>(which);
            pthread_cancel(pthread_self());
            pthread_testcancel();
        }
    }
    static void before(called which) {
        if (!frees(which) && !is_plain(which)) {
            here(which);
        }
    }
    static void after(called which) {
        if (frees(which)) {
            here(which);
        }
    }
};

[[nodiscard]] std::size_t heap_in_use() {
    const struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

[[nodiscard]] trust_caches& caches_that_cancel() {
    static trust_caches& caches = trust_caches::make(watched_functions<cancels>());
    return caches;
}

[[nodiscard]] std::size_t open_files() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Runs `work` on a thread that is cancelled inside it. False: it was not cancelled.
[[nodiscard]] bool is_cancelled(const std::function<void()>& work) {
    pthread_t thread{};
    check(pthread_create(
              &thread, nullptr,
              [](void* w) -> void* {
                  (*static_cast<const std::function<void()>*>(w))();
                  return nullptr;
              },
              const_cast<std::function<void()>*>(&work)) == 0,
          "thread");
    void* result = nullptr;
    pthread_join(thread, &result);
    return result == PTHREAD_CANCELED;
}

TEST_F(TrustStoreSafety, AThreadThatIsCancelledInsideALoadEndsAlone) {
    trust_caches& caches = caches_that_cancel();
    write_new(path(), pem_of(root_) + pem_of(make_ordered_crl(root_, 2)));
    enum { first_load, hit, into_a_full_store, refused, ways };
    const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    ASSERT_EQ(caches.load(new_store(), path()), 2);
    const std::size_t files = open_files();
    const std::uint64_t certificates_before = caches.certificates.statistics().entries;
    std::size_t heap = 0;
    for (int round = 0; round < 24 * ways; ++round) {
        const int way = round % ways;
        if (round == ways) {
            heap = heap_in_use();
        }
        int cancelled = 0;
        for (bool came_through = false; !came_through; ++cancelled) {
            // The same inode: the cache has a place for each.
            std::ofstream(path("refused"))
                << pem_of(root_) << std::string(static_cast<std::size_t>(round + 1), '\n')
                << std::string(static_cast<std::size_t>(cancelled), ' ') << broken;
            {
                const store_ptr holder = new_store();
                const store_ptr store = new_store();
                if (way != first_load) {
                    ASSERT_EQ(caches.load(holder, path()), 2);
                }
                if (way == into_a_full_store) {
                    X509_STORE_add_cert(store.get(), root_.certificate.get());
                }
                came_through = !is_cancelled([&] {
                    calls_until_cancelled = cancelled + 1;
                    (void)caches.load(store, path(way == refused ? "refused" : "trust.pem"));
                    calls_until_cancelled = 0;
                });
                ASSERT_EQ(open_files(), files);
                const store_ptr after = new_store(); // no lock is left behind
                ASSERT_EQ(caches.load(after, path()), 2);
                ASSERT_EQ(caches.load(store, path()), 2);
            }
            caches.stores.trim();
            ASSERT_EQ(caches.stores.statistics().entries, 0U);
            ASSERT_EQ(caches.certificates.statistics().entries, certificates_before)
                << way << ", call " << last_call;
        }
        EXPECT_GT(cancelled, 5);
    }
    // Thousands of threads have been cancelled since the first round. Free memory that malloc keeps counts,
    // too.
    EXPECT_LT(heap_in_use(), heap + 65536);
}

TEST_F(TrustStoreSafety, AThreadThatIsCancelledWhileAStoreGoesLeavesTheRestToOthers) {
    if (OPENSSL_VERSION_MAJOR >= 4) {
        GTEST_SKIP() << "OpenSSL frees a hash table after ibid's callback: a thread that ends there leaks it";
    }
    trust_caches& caches = caches_that_cancel();
    write_new(path(), pem_of(root_) + pem_of(make_authority("two")) + pem_of(make_ordered_crl(root_, 2)));
    const std::uint64_t certificates_before = caches.certificates.statistics().entries;
    for (int n = 1; n <= 5; ++n) { // two calls to get the context, three objects
        X509_STORE* const store = X509_STORE_new();
        ASSERT_EQ(caches.stores.load(store, path().c_str(), certificates_and_crls, X509_FILETYPE_PEM), 3);
        EXPECT_TRUE(is_cancelled([&] {
            calls_until_cancelled = n;
            X509_STORE_free(store);
            calls_until_cancelled = 0;
        })) << n;
        EXPECT_EQ(caches.certificates.statistics().entries == certificates_before, n == 5) << n;
        caches.stores.trim();
        EXPECT_EQ(caches.certificates.statistics().entries, certificates_before);
    }
}

// At the cancellation points of system calls, as in stock.
TEST_F(TrustStoreSafety, AThreadThatIsCancelledInOpenOrReadEndsAlone) {
    write_new(path(), large_bundle("root", 100));
    const store_ptr holder = new_store();
    ASSERT_EQ(common_caches().load(holder, path()), 100);
    const std::size_t files = open_files();
    EXPECT_TRUE(is_cancelled([&] {
        const store_ptr store = new_store();
        pthread_cancel(pthread_self());
        (void)common_caches().load(store, path());
    }));
    EXPECT_EQ(open_files(), files);
    for (int i = 0; i < 200; ++i) {
        std::atomic<bool> begun{false};
        std::atomic<pthread_t> thread{};
        std::thread other([&] {
            while (!begun) {
                std::this_thread::yield();
            }
            std::this_thread::sleep_for(std::chrono::microseconds(i * 7 % 500));
            pthread_cancel(thread);
        });
        EXPECT_TRUE(is_cancelled([&] {
            thread = pthread_self();
            begun = true;
            for (;;) {
                const store_ptr store = new_store();
                (void)common_caches().load(store, path());
            }
        }));
        other.join();
    }
    EXPECT_EQ(open_files(), files);
    EXPECT_EQ(common_caches().load(new_store(), path()), 100);
}

#endif

// --- fork

thread_local int calls_until_stopped = 0;
std::atomic<bool> is_stopped{false};
std::atomic<bool> may_go{false};

struct stops {
    static void before(called) {
        if (calls_until_stopped > 0 && --calls_until_stopped == 0) {
            is_stopped = true;
            while (!may_go) {
                std::this_thread::yield();
            }
        }
    }
    static void after(called) {}
};

// Another thread is anywhere between two calls in a load. The child finds no entries from before the fork,
// and does not hang.
TEST_F(TrustStoreSafety, AChildFindsNothingThatItHasInherited) {
    trust_caches& caches = trust_caches::make(watched_functions<stops>());
    caches.stores.retain({std::size_t{1} << 20, 10});
    write_new(path("held"), pem_of(make_ordered_crl(root_, 2)));
    write_new(path(), pem_of(make_ordered_crl(root_, 3)));
    store_ptr inherited = new_store();
    ASSERT_EQ(caches.load(inherited, path("held")), 1);
    const listing before(inherited.get());
    bool came_through = false;
    for (int n = 1; !came_through; ++n) {
        is_stopped = may_go = false;
        store_ptr others = new_store();
        std::thread other([&] {
            calls_until_stopped = n;
            EXPECT_EQ(caches.load(others, path(n % 2 == 0 ? "held" : "trust.pem")), 1);
            came_through = calls_until_stopped > 0;
            calls_until_stopped = 0;
            is_stopped = true;
        });
        while (!is_stopped) {
            std::this_thread::yield();
        }
        const int child = in_child([&] {
            caches.stores.forget_all_in_child();
            if (caches.stores.statistics().entries != 0) {
                _exit(1);
            }
            inherited.reset();
            for (int i = 0; i < 2; ++i) {
                const store_ptr mine = new_store();
                const store_ptr second = new_store();
                if (caches.load(mine, path("held")) != 1 || caches.load(second, path("held")) != 1) {
                    _exit(2);
                }
                const listing now(mine.get());
                if (now.encoded != before.encoded || now.objects == before.objects) {
                    _exit(3);
                }
                if (listing(second.get()).objects != now.objects) {
                    _exit(4);
                }
            }
            if (caches.stores.statistics().retained != 1) { // the budget stays
                _exit(5);
            }
        });
        may_go = true;
        other.join();
        ASSERT_EQ(child, 0) << n;
        caches.stores.trim();
    }
    EXPECT_EQ(caches.load(new_store(), path("held")), 1);
    EXPECT_EQ(caches.stores.statistics().entries, 1U) << "the parent's entries are unchanged";
    caches.stores.retain({});
}

#if !defined(__SANITIZE_ADDRESS__) &&                                                                        \
    !defined(__SANITIZE_THREAD__) // which use additional stack and system calls

// --- stack

class painted_stack {
public:
    painted_stack()
        : memory_(static_cast<unsigned char*>(
              mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0))) {
        check(memory_ != MAP_FAILED, "stack");
    }
    painted_stack(const painted_stack&) = delete;
    painted_stack& operator=(const painted_stack&) = delete;
    ~painted_stack() { munmap(memory_, size); }

    // How much stack a thread uses that does this.
    [[nodiscard]] std::size_t depth_of(const std::function<void()>& work) {
        std::fill_n(memory_, size, paint);
        pthread_attr_t attributes{};
        pthread_attr_init(&attributes);
        pthread_attr_setstack(&attributes, memory_, size);
        pthread_t thread{};
        check(pthread_create(
                  &thread, &attributes,
                  [](void* w) -> void* {
                      (*static_cast<const std::function<void()>*>(w))();
                      return nullptr;
                  },
                  const_cast<std::function<void()>*>(&work)) == 0,
              "thread");
        pthread_join(thread, nullptr);
        pthread_attr_destroy(&attributes);
        return size - static_cast<std::size_t>(
                          std::find_if(memory_, memory_ + size, [](unsigned char c) { return c != paint; }) -
                          memory_);
    }

private:
    static constexpr std::size_t size = 256 * 1024;
    static constexpr unsigned char paint = 0xa5;
    unsigned char* const memory_;
};

TEST_F(TrustStoreSafety, TakesNoMoreThanFourKilobytesOfStackAboveStock) {
    trust_caches& caches = trust_caches::make();
    painted_stack stack;
    const auto stock = [&](const std::string& file) {
        return stack.depth_of([&] { (void)load_stock(new_store(), file); });
    };
    const auto ours = [&](const std::string& file, int expected) {
        return stack.depth_of([&] { EXPECT_EQ(caches.load(new_store(), file), expected); });
    };
    constexpr std::size_t allowed = 4096;
    const std::string good = pem_of(root_) + pem_of(make_ordered_crl(root_, 100));
    write_new(path("one"), good);
    write_new(path("two"), good + "\n");
    write_new(path("refused"), good + "-----BEGIN DH PARAMETERS-----\n");
    (void)stock(path("one")); // what OpenSSL does once
    const std::size_t limit = stock(path("one")) + allowed;
    EXPECT_LE(ours(path("one"), 2), limit);
    const store_ptr holder = new_store();
    ASSERT_EQ(caches.load(holder, path("one")), 2);
    EXPECT_LE(ours(path("one"), 2), limit) << "a hit";
    write_new(path("one"), good + "\n\n");
    EXPECT_LE(ours(path("one"), 2), limit) << "a changed file";
    EXPECT_LE(ours(path("refused"), left_to_openssl), limit);
    EXPECT_LE(ours(path("refused"), left_to_openssl), limit);
    caches.stores.retain({std::size_t{1} << 20, 1});
    EXPECT_LE(ours(path("one"), 2), limit) << "retained";
    EXPECT_LE(ours(path("two"), 2), limit) << "another file is evicted for it";
    EXPECT_LE(stack.depth_of([&] { caches.stores.trim(); }), limit);
    caches.stores.retain({});
    RecordProperty("stock", static_cast<int>(limit - allowed));
}

TEST_F(TrustStoreSafety, FitsTheSmallestStackThatAThreadCanHave) {
    write_new(path(), large_bundle("root", 20));
    pthread_attr_t attributes{};
    pthread_attr_init(&attributes);
    ASSERT_EQ(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN), 0);
    (void)common_caches().load(new_store(), path()); // what OpenSSL does once
    const std::function<void()> work = [&] {
        for (int i = 0; i < 3; ++i) {
            const store_ptr store = new_store();
            EXPECT_EQ(common_caches().load(store, path()), 20);
            EXPECT_EQ(common_caches().load(new_store(), path()), 20);
        }
    };
    pthread_t thread{};
    ASSERT_EQ(pthread_create(
                  &thread, &attributes,
                  [](void* w) -> void* {
                      (*static_cast<const std::function<void()>*>(w))();
                      return nullptr;
                  },
                  const_cast<std::function<void()>*>(&work)),
              0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
}

// --- system calls

// The system calls that a child makes between two calls of mark().
void mark() {
    syscall(SYS_getppid);
}
[[nodiscard]] std::set<long> calls_between_marks(const std::function<void()>& work) {
    const pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        raise(SIGSTOP);
        work();
        _exit(0);
    }
    std::set<long> calls;
    bool recording = false;
    int status = 0;
    waitpid(child, &status, 0);
    ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD);
    while (WIFSTOPPED(status)) {
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            __ptrace_syscall_info info{};
            ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
            if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
                const long number = static_cast<long>(info.entry.nr);
                if (number == SYS_getppid) {
                    recording = !recording;
                } else if (recording) {
                    calls.insert(number);
                }
            }
        }
        if (ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) != 0) {
            break;
        }
        waitpid(child, &status, 0);
    }
    return calls;
}

// From here on, any other call kills the process.
void allow_only(const std::set<long>& calls) {
    std::vector<sock_filter> program = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    };
    for (const long number : calls) {
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1));
        program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        _exit(77);
    }
}

TEST_F(TrustStoreSafety, MakesNoSystemCallThatStockDoesNotMake) {
    const std::string key = pem([](BIO* out) {
        return PEM_write_bio_PrivateKey(out, make_key().get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    const std::string bundle = large_bundle("an authority of a longer name", 450);
    ASSERT_GT(bundle.size(), 200'000U);
    write_new(path("bundle"), bundle);
    write_new(path("large"), bundle + "# changed\n" + pem_of(root_));
    write_new(path("key"), pem_of(root_) + key);
    write_new(path("refused"), pem_of(root_) + "-----BEGIN DH PARAMETERS-----\n");
    write_new(path("list"), pem_of(make_ordered_crl(root_, 200)));
    const char* const files[] = {"bundle", "large", "key", "list", "refused", "missing"};
    const std::set<long> stock = calls_between_marks([&] {
        for (const char* file : files) {
            (void)load_stock(new_store(), path(file));
        }
        std::vector<store_ptr> stores;
        mark();
        for (const char* file : files) {
            stores.push_back(new_store());
            (void)load_stock(stores.back(), path(file));
        }
        mark();
    });
    if (stock.empty()) {
        GTEST_SKIP() << "a process cannot be traced here";
    }
    EXPECT_TRUE(stock.contains(SYS_openat));
    const auto in_sandbox = [&](const std::function<void()>& work) {
        return in_child([&] {
            for (const char* file :
                 {"bundle", "key", "list"}) { // not "large" and "refused": they have not been loaded yet
                (void)common_caches().load(new_store(), path(file));
            }
            const store_ptr holder = new_store();
            (void)common_caches().load(holder, path("bundle"));
            std::set<long> allowed = stock;
            allowed.insert(SYS_exit_group);
            allow_only(allowed);
            work();
            syscall(SYS_exit_group, 0);
        });
    };
    const int can = in_sandbox([] {});
    if (can == 77) {
        GTEST_SKIP() << "no seccomp here";
    }
    ASSERT_EQ(can, 0);
    EXPECT_EQ(in_sandbox([] { syscall(SYS_pread64, -1, nullptr, 0, 0); }), 1000 + SIGSYS) << "it would tell";
    EXPECT_EQ(in_sandbox([&] {
                  std::vector<store_ptr> stores;
                  for (int i = 0; i < 2; ++i) {
                      for (const char* file : files) {
                          stores.push_back(new_store());
                          const int expected = file[0] == 'b'   ? 450
                                               : file[0] == 'l' ? (file[1] == 'a' ? 451 : 1)
                                                                : left_to_openssl;
                          if (common_caches().load(stores.back(), path(file)) != expected) {
                              syscall(SYS_exit_group, 1);
                          }
                      }
                  }
                  stores.clear();
              }),
              0);
}

#endif

} // namespace
} // namespace ibid::openssl
