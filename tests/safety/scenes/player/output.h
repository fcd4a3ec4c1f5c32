// SPDX-License-Identifier: Apache-2.0
//
// What a scene prints. It is kept in memory, so that it can be hashed, and a child's can be put after its
// parent's. support.h prints through it, too.
#pragma once

#include <stdio.h>
static void emit(const char* format, ...) __attribute__((format(printf, 1, 2)));
#define printf(...) emit(__VA_ARGS__)
#include "../../programs/support.h"

#include <openssl/ec.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

static char text[1 << 21];
static size_t text_size;

static void emit(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const size_t room = sizeof text - text_size;
    const int size = vsnprintf(text + text_size, room, format, arguments);
    va_end(arguments);
    text_size += size < 0 ? 0 : (size_t)size < room ? (size_t)size : room - 1;
}
