// SPDX-License-Identifier: Apache-2.0
//
// A program that enters a sandbox without membarrier after it has used a cache.
#include <cerrno>
#include <cstddef>
#include <memory_resource>
#include <string>
#include <thread>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/counting_memory.h"
#include "support/gate.h"
#include "support/in_child.h"

namespace ibid {
namespace {

using namespace ibid::testing;

[[nodiscard]] bool forbid_membarrier() {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{sizeof program / sizeof program[0], program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

// The result of the sandboxed program as its exit status: 0, or the number of the failed check.
enum verdict : int { good, no_sandbox, believed_a_refused_fence, changed_errno, lost_a_value, kept_memory };

using table = cache<std::string, std::string, key_beside, hash<std::string>, equal,
                    std::pmr::polymorphic_allocator<std::byte>>;

constexpr int count = 50'000;

[[nodiscard]] verdict churn_in_a_sandbox() {
    counting_memory memory;
    table c({.allocator = &memory});
    gate asleep;
    gate wake;
    std::thread reader([&] {
        (void)c.intern("there", [] { return "there"; });
        asleep.open();
        wake.pass();
    });
    asleep.pass();
    const handle<std::string> kept = c.intern("kept", [] { return "kept"; });
    detail::qsbr_domain readers;
    bool fresh = false;
    (void)readers.join(fresh);
    verdict v = readers.barrier_and_all_outside() && forbid_membarrier() ? good : no_sandbox;
    if (v == good) {
        errno = 7;
        v = readers.barrier_and_all_outside() ? believed_a_refused_fence : errno != 7 ? changed_errno : good;
        // Grows, shrinks and retires while another participant sleeps and the kernel refuses the heavy fence.
        for (int round = 0; round < 3; ++round) {
            std::vector<handle<std::string>> many;
            for (int i = 0; i < count; ++i) {
                many.push_back(c.intern(std::to_string(i), [&] { return std::to_string(i); }));
            }
            for (int i = 0; i < count; ++i) {
                v = *many[static_cast<std::size_t>(i)] != std::to_string(i) ? lost_a_value : v;
            }
        }
        v = c.statistics().entries != 1 || c.find("kept") != kept ? lost_a_value : v;
    }
    wake.open();
    reader.join();
    if (v == good) {
        // No other reader is left: all retired memory is freed, without any fence, and tables shrink again.
        c.trim();
        for (int i = 0; i < 2000; ++i) {
            (void)c.intern(std::to_string(i), [&] { return std::to_string(i); });
        }
        v = memory.bytes_out() > std::size_t{count} ? kept_memory
                                                    : good; // a fraction of the memory for the slots of those
    }
    return v;
}

TEST(late_sandbox, that_refuses_the_fence_is_not_believed_to_have_done_it) {
    if (!detail::asymmetric_fence_available()) {
        GTEST_SKIP() << "this kernel has no such fence";
    }
    const int found = in_child(&churn_in_a_sandbox);
    if (found == no_sandbox) {
        GTEST_SKIP() << "no sandbox can be entered here";
    }
    EXPECT_EQ(found, good);
}

} // namespace
} // namespace ibid
