// SPDX-License-Identifier: Apache-2.0
//
// Functions that were libpthread's before glibc 2.34. They are looked up by name in the loaded modules: a
// reference to them would require them in libc, or make the dynamic linker load libpthread into each program.
//
// Law: if they exist, a call behaves as without this file. If they do not exist, the process has one thread,
// and a call does what is right for one thread; ibid then shares nothing (why_not).
#include "threads.h"

#include <atomic>
#include <cerrno>

#include <pthread.h>

#include "openssl/modules/linker_functions.h"

namespace {

struct thread_functions {
    decltype(&pthread_key_create) key_create = nullptr;
    decltype(&pthread_key_delete) key_delete = nullptr;
    decltype(&pthread_setspecific) setspecific = nullptr;
    decltype(&pthread_mutex_trylock) mutex_trylock = nullptr;
    decltype(&pthread_once) once = nullptr;
    decltype(&pthread_testcancel) testcancel = nullptr;
};

constinit thread_functions found;
constinit std::atomic<bool> searched{false};

template <class Function>
void find(Function*& function, const char* name) noexcept {
    function = reinterpret_cast<Function*>(ibid::openssl::modules::first_function(name));
}

// The first call comes at load, from one thread.
[[nodiscard]] const thread_functions& functions() noexcept {
    if (!searched.load(std::memory_order_acquire)) {
        find(found.key_create, "pthread_key_create");
        find(found.key_delete, "pthread_key_delete");
        find(found.setspecific, "pthread_setspecific");
        find(found.mutex_trylock, "pthread_mutex_trylock");
        find(found.once, "pthread_once");
        find(found.testcancel, "pthread_testcancel");
        searched.store(true, std::memory_order_release);
    }
    return found;
}

} // namespace

extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names (--wrap)

// libstdc++ reads it to decide whether it can omit atomic operations. glibc has it since 2.32.
char __wrap___libc_single_threaded = 0;

int __wrap_pthread_key_create(pthread_key_t* key, void (*end)(void*)) {
    const auto& f = functions();
    return f.key_create != nullptr ? f.key_create(key, end) : EAGAIN;
}

int __wrap_pthread_key_delete(pthread_key_t key) {
    const auto& f = functions();
    return f.key_delete != nullptr ? f.key_delete(key) : EINVAL;
}

int __wrap_pthread_setspecific(pthread_key_t key, const void* value) {
    const auto& f = functions();
    return f.setspecific != nullptr ? f.setspecific(key, value) : EINVAL;
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t* mutex) {
    const auto& f = functions();
    return f.mutex_trylock != nullptr ? f.mutex_trylock(mutex) : pthread_mutex_lock(mutex);
}

int __wrap_pthread_once(pthread_once_t* control, void (*function)()) {
    if (const auto& f = functions(); f.once != nullptr) {
        return f.once(control, function);
    }
    if (*control == PTHREAD_ONCE_INIT) {
        function();
        *control = 2; // done, as glibc says it
    }
    return 0;
}

void __wrap_pthread_testcancel() {
    if (const auto& f = functions(); f.testcancel != nullptr) {
        f.testcancel();
    }
}

// NOLINTEND(bugprone-reserved-identifier)

} // extern "C"

namespace ibid::older_glibc {

const char* why_not() noexcept {
    return functions().key_create != nullptr
               ? nullptr
               : "the program began without libpthread, which this C library needs for threads";
}

} // namespace ibid::older_glibc
