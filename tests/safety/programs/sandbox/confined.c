// SPDX-License-Identifier: Apache-2.0
//
// The program enters a sandbox, after warm-up or before its first use of OpenSSL: confined WHEN WHAT.
//     kill       a system call that stock does not make here ends the process
//     refuse     such a system call returns EPERM
// WHEN: `warm` (after each call was made twice) or `first` (before the first).
#include "calls.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

// System calls that stock makes in one process or another: reading files, memory, locks, random numbers,
// output, exit.
static const int allowed[] = {
    SYS_read,         SYS_write,         SYS_openat,       SYS_close,     SYS_newfstatat, SYS_fstat,
    SYS_stat,         SYS_lseek,         SYS_mmap,         SYS_munmap,    SYS_brk,        SYS_mprotect,
    SYS_madvise,      SYS_futex,         SYS_getpid,       SYS_getrandom, SYS_exit_group, SYS_exit,
    SYS_rt_sigreturn, SYS_clock_gettime, SYS_gettimeofday, SYS_gettid,    SYS_tgkill,     SYS_rt_sigprocmask,
};

static void confine(int refuse) {
    enum { count = sizeof allowed / sizeof *allowed };
    struct sock_filter filter[count + 3];
    filter[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < count; ++i) {
        filter[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i],
                                                     (unsigned char)(count - i), 0);
    }
    filter[count + 1] = (struct sock_filter)BPF_STMT(
        BPF_RET | BPF_K, refuse ? SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA) : SECCOMP_RET_KILL_PROCESS);
    filter[count + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {count + 3, filter};
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int main(int argc, char** argv) {
    MUST(argc > 2);
    const int refuse = strcmp(argv[2], "refuse") == 0;
    printf("entering\n");
    fflush(stdout);
    if (strcmp(argv[1], "first") == 0) {
        confine(refuse);
    }
    set_up();
    for (int round = 0; strcmp(argv[1], "warm") == 0 && round < 2; ++round) {
        for (int i = 0; i < call_count; ++i) {
            calls[i].call();
        }
    }
    if (strcmp(argv[1], "warm") == 0) {
        confine(refuse);
    }
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < call_count; ++i) {
            printf("%s %d\n", calls[i].name, calls[i].call());
            fflush(stdout);
        }
    }
    tell_hits();
    return 0;
}
