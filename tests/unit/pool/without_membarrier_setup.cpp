// SPDX-License-Identifier: Apache-2.0
//
// A sandbox without membarrier(2), by a seccomp filter. Linked into the pool's tests, it makes all of them
// tests of such programs.
#include <cerrno>
#include <cstddef>
#include <cstdlib>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <gtest/gtest.h>

#include "ibid/detail/base/asymmetric_fence.h"

namespace {

const bool forbidden = [] {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{sizeof code / sizeof *code, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}();

TEST(membarrier, is_forbidden_here) {
    if (!forbidden) {
        GTEST_SKIP() << "this kernel or sandbox allows no seccomp filter";
    }
    EXPECT_FALSE(ibid::detail::asymmetric_fence_available());
}

} // namespace
