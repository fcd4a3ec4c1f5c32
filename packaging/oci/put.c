// SPDX-License-Identifier: Apache-2.0
//
// The entry point of the image: copies /opt/ibid into a volume (/ibid, or the folder in the argument), and
// ends. Linked statically, because the image holds no C library.
//
// Law: each file is complete under its name or not there: a container that starts meanwhile never maps half a
// library.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char* const from = "/opt/ibid";
static const char* to = "/ibid";

static int failed(const char* what, const char* path) {
    fprintf(stderr, "ibid: cannot %s %s: %s\n", what, path, strerror(errno));
    return 1;
}

static int copy(const char* source, const char* target, mode_t mode) {
    char part[64 * 1024];
    const int in = open(source, O_RDONLY | O_CLOEXEC);
    const int out = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int result = in < 0 || out < 0 ? failed("open", in < 0 ? source : target) : 0;
    for (ssize_t n; result == 0 && (n = read(in, part, sizeof part)) != 0;)
        if (n < 0 || write(out, part, (size_t)n) != n)
            result = failed(n < 0 ? "read" : "write", n < 0 ? source : target);
    // The file's own mode, whatever the umask is.
    if (result == 0 && (fchmod(out, mode & 0777) != 0 || fsync(out) != 0))
        result = failed("finish", target);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return result;
}

static int put(const char* source, const struct stat* status, int kind, struct FTW* unused) {
    (void)unused;
    char target[PATH_MAX];
    char temporary[PATH_MAX + 8];
    if (snprintf(target, sizeof target, "%s%s", to, source + strlen(from)) >= (int)sizeof target) {
        errno = ENAMETOOLONG;
        return failed("write", source);
    }
    snprintf(temporary, sizeof temporary, "%s.part", target);
    if (kind == FTW_D)
        return mkdir(target, 0755) != 0 && errno != EEXIST ? failed("make", target) : 0;
    if (kind == FTW_SL) {
        char link[PATH_MAX];
        const ssize_t length = readlink(source, link, sizeof link - 1);
        if (length < 0)
            return failed("read", source);
        link[length] = '\0';
        unlink(temporary);
        if (symlink(link, temporary) != 0)
            return failed("make", temporary);
    } else if (kind != FTW_F || copy(source, temporary, status->st_mode) != 0) {
        return 1;
    }
    return rename(temporary, target) != 0 ? failed("name", target) : 0;
}

int main(int count, char** words) {
    if (count > 1)
        to = words[1];
    return nftw(from, put, 8, FTW_PHYS) == 0 ? 0 : 1;
}
