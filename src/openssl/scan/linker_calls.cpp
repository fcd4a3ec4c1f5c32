// SPDX-License-Identifier: Apache-2.0
#include "linker_calls.h"

#include <atomic>
#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "openssl/modules/linker_functions.h"

using namespace ibid::openssl;

// Each entry point first calls ibid_before_…, and then jumps to the linker's own function with unchanged
// arguments and return address. Where that is safe, it calls a function of ibid instead.
extern "C" {
[[gnu::visibility("hidden")]] void ibid_entry_dlsym();
[[gnu::visibility("hidden")]] void ibid_entry_dlvsym();
[[gnu::visibility("hidden")]] void ibid_entry_dlopen();
[[gnu::visibility("hidden")]] void ibid_entry_dlmopen();
[[gnu::visibility("hidden")]] extern void* ibid_next_dlsym;
[[gnu::visibility("hidden")]] extern void* ibid_next_dlvsym;
[[gnu::visibility("hidden")]] extern void* ibid_next_dlopen;
[[gnu::visibility("hidden")]] extern void* ibid_next_dlmopen;

[[gnu::visibility("hidden"), gnu::used]] int ibid_before_dlsym(void* handle, const char* name);
[[gnu::visibility("hidden"), gnu::used]] int ibid_before_dlvsym(void* handle, const char* name,
                                                                const char* version);
[[gnu::visibility("hidden"), gnu::used]] void* ibid_followed_dlsym(void* handle, const char* name);
[[gnu::visibility("hidden"), gnu::used]] void* ibid_followed_dlvsym(void* handle, const char* name,
                                                                    const char* version);
[[gnu::visibility("hidden"), gnu::used]] int ibid_before_dlopen(const char* file, int mode);
[[gnu::visibility("hidden"), gnu::used]] void* ibid_followed_dlopen(const char* file, int mode);
[[gnu::visibility("hidden"), gnu::used]] int ibid_before_dlmopen(long name_space, const char* file, int mode);
[[gnu::visibility("hidden"), gnu::used]] void* ibid_followed_dlmopen(long name_space, const char* file,
                                                                     int mode);
}

void* ibid_next_dlsym = nullptr;
void* ibid_next_dlvsym = nullptr;
void* ibid_next_dlopen = nullptr;
void* ibid_next_dlmopen = nullptr;

// `before` returns nonzero: a function of ibid continues, with the same arguments.
#if defined(__x86_64__)
#define IBID_ENTRY(entry, before, followed, next)                                                            \
    __asm__(".text\n.p2align 4\n.globl " entry "\n.hidden " entry "\n.type " entry ", @function\n" entry     \
            ":\n.cfi_startproc\nendbr64\n"                                                                   \
            "push %rdi\n.cfi_adjust_cfa_offset 8\npush %rsi\n.cfi_adjust_cfa_offset 8\n"                     \
            "push %rdx\n.cfi_adjust_cfa_offset 8\ncall " before "\n"                                         \
            "pop %rdx\n.cfi_adjust_cfa_offset -8\npop %rsi\n.cfi_adjust_cfa_offset -8\n"                     \
            "pop %rdi\n.cfi_adjust_cfa_offset -8\ntest %eax, %eax\njne " followed "\n"                       \
            "jmp *" next "(%rip)\n.cfi_endproc\n.size " entry ", .-" entry "\n")
#elif defined(__aarch64__)
#define IBID_ENTRY(entry, before, followed, next)                                                            \
    __asm__(".text\n.p2align 4\n.globl " entry "\n.hidden " entry "\n.type " entry ", %function\n" entry     \
            ":\n.cfi_startproc\nhint #34\nstp x29, x30, [sp, #-48]!\n.cfi_adjust_cfa_offset 48\n"            \
            ".cfi_rel_offset 29, 0\n.cfi_rel_offset 30, 8\nstp x0, x1, [sp, #16]\nstr x2, [sp, #32]\n"       \
            "bl " before "\nmov w17, w0\nldp x0, x1, [sp, #16]\nldr x2, [sp, #32]\n"                         \
            "ldp x29, x30, [sp], #48\n.cfi_adjust_cfa_offset -48\n.cfi_restore 29\n.cfi_restore 30\n"        \
            "cbnz w17, " followed "\nadrp x16, " next "\nldr x16, [x16, :lo12:" next "]\nbr x16\n"           \
            ".cfi_endproc\n.size " entry ", .-" entry "\n")
#endif

IBID_ENTRY("ibid_entry_dlopen", "ibid_before_dlopen", "ibid_followed_dlopen", "ibid_next_dlopen");
IBID_ENTRY("ibid_entry_dlmopen", "ibid_before_dlmopen", "ibid_followed_dlmopen", "ibid_next_dlmopen");
IBID_ENTRY("ibid_entry_dlsym", "ibid_before_dlsym", "ibid_followed_dlsym", "ibid_next_dlsym");
IBID_ENTRY("ibid_entry_dlvsym", "ibid_before_dlvsym", "ibid_followed_dlvsym", "ibid_next_dlvsym");

namespace {

#ifdef RTLD_DEEPBIND
constexpr int deep_binding = RTLD_DEEPBIND;
#else
constexpr int deep_binding = 0; // musl has none
#endif

void* next_dlsym(void* handle, const char* name) {
    return reinterpret_cast<decltype(&dlsym)>(ibid_next_dlsym)(handle, name);
}
void* next_dlvsym(void* handle, const char* name, const char* version) {
    return reinterpret_cast<decltype(modules::linker.dlvsym)>(ibid_next_dlvsym)(handle, name, version);
}

constinit std::atomic<bool> has_deep_binding{false}; // some module may have been opened with RTLD_DEEPBIND

// Whether ibid may do the lookup instead of the program, because the result is the same for every caller.
// RTLD_DEFAULT begins with the global scope for every caller, unless the caller was opened with
// RTLD_DEEPBIND. RTLD_NEXT begins after the caller, which makes no difference if only one module, the C
// library, defines a function.
template <class Look>
[[nodiscard]] bool is_same_for_all(const void* handle, const char* name, Look look) {
    if (handle == RTLD_NEXT) {
        return modules::is_linkers(name) && !modules::linker.are_wrapped;
    }
    if (handle != RTLD_DEFAULT) {
        return true;
    }
    if (has_deep_binding.load(std::memory_order_relaxed)) {
        return false;
    }
    if (look() != nullptr) {
        return true;
    }
    // The message of this lookup. The program's own lookup follows, and drops any message that was there
    // before.
    (void)modules::linker.dlerror();
    return false;
}

template <class Look>
[[nodiscard]] int before_lookup(const void* handle, const char* name, Look look) {
    const int error = errno;
    modules::settle_unseen_loads();
    const bool exchanged =
        name != nullptr && modules::is_exchanged(name) && is_same_for_all(handle, name, look);
    if (name != nullptr) {
        modules::note_lookup(name, exchanged);
    }
    errno = error;
    return exchanged ? 1 : 0;
}

} // namespace

int ibid_before_dlsym(void* handle, const char* name) {
    return before_lookup(handle, name, [&] { return next_dlsym(handle, name); });
}

int ibid_before_dlvsym(void* handle, const char* name, const char* version) {
    return before_lookup(handle, name, [&] { return next_dlvsym(handle, name, version); });
}

void* ibid_followed_dlsym(void* handle, const char* name) {
    return modules::found_by_lookup(name, next_dlsym(handle, name));
}

void* ibid_followed_dlvsym(void* handle, const char* name, const char* version) {
    return modules::found_by_lookup(name, next_dlvsym(handle, name, version));
}

// Nonzero: ibid may call dlopen() itself, because the result does not depend on the calling module.
int ibid_before_dlopen(const char* file, int mode) {
    if ((mode & RTLD_GLOBAL) != 0) {
        modules::note_global_load();
    }
    if (file == nullptr || file[0] == '\0' || (mode & RTLD_NOLOAD) != 0) {
        return 0; // loads no new module
    }
    if ((mode & deep_binding) != 0) {
        has_deep_binding.store(true, std::memory_order_relaxed);
    }
    modules::settle_unseen_loads();
    const bool same_for_all = std::strchr(file, '$') == nullptr &&
                              (std::strchr(file, '/') != nullptr || modules::one_search_path());
    if (!same_for_all) {
        modules::load_unseen();
    }
    return same_for_all ? 1 : 0;
}

namespace {

// A constructor inside the call may end the thread, by cancellation or an exception.
template <class Open>
void* followed_load(int mode, Open open) {
    struct load {
        bool loaded = true; // unless it is known better
        bool deep;
        explicit load(int m) noexcept : deep((m & deep_binding) != 0) { modules::begin_load(); }
        load(const load&) = delete;
        load& operator=(const load&) = delete;
        ~load() { modules::end_load(loaded, deep); }
    } under_way(mode);
    void* const handle = open();
    under_way.loaded = handle != nullptr;
    return handle;
}

} // namespace

void* ibid_followed_dlopen(const char* file, int mode) {
    return followed_load(mode,
                         [&] { return reinterpret_cast<decltype(&dlopen)>(ibid_next_dlopen)(file, mode); });
}

// Other namespaces than the program's have their own copies of all libraries; ibid is not in them.
int ibid_before_dlmopen(long name_space, const char* file, int mode) {
    constexpr long programs_own = 0; // LM_ID_BASE
    return name_space == programs_own ? ibid_before_dlopen(file, mode) : 0;
}

void* ibid_followed_dlmopen(long name_space, const char* file, int mode) {
    return followed_load(mode, [&] {
        return reinterpret_cast<decltype(modules::linker.dlmopen)>(ibid_next_dlmopen)(name_space, file, mode);
    });
}

namespace ibid::openssl::modules {

namespace {

using function_after = void() noexcept;
constinit void* next_dlclose = nullptr;

int entry_dlclose(void* handle) {
    const int result = reinterpret_cast<decltype(&::dlclose)>(next_dlclose)(handle);
    if (result == 0) {
        end_unload();
    }
    return result;
}

constinit function_after* after_chroot = nullptr;
constinit void* next_chroot = nullptr;

int entry_chroot(const char* path) {
    const int result = reinterpret_cast<decltype(&chroot)>(next_chroot)(path);
    if (result == 0) {
        after_chroot();
    }
    return result;
}

} // namespace

void follow_linker(void (*then)() noexcept) noexcept {
    const auto address = [](auto* function) { return reinterpret_cast<void*>(function); };
    find_linker_functions();
    ibid_next_dlopen = address(linker.dlopen);
    ibid_next_dlmopen = address(linker.dlmopen);
    ibid_next_dlsym = address(linker.dlsym);
    ibid_next_dlvsym = address(linker.dlvsym);
    next_dlclose = address(linker.dlclose);
    next_chroot = address(&chroot);
    after_chroot = then;
}

void* linker_entry(interpose::function_id id, const void* value, bool late) noexcept {
    const auto address = [](auto* function) { return reinterpret_cast<void*>(function); };
    // ibid's own calls are bound to the first definition in the program's search order.
    const auto choose = [&](const void* next, void* entry) -> void* {
        return next != nullptr && (value == next || late) ? entry : nullptr;
    };
    switch (id) {
    case interpose::function_id::dlopen:
        return choose(ibid_next_dlopen, address(&ibid_entry_dlopen));
    case interpose::function_id::dlmopen:
        return choose(ibid_next_dlmopen, address(&ibid_entry_dlmopen));
    case interpose::function_id::dlsym:
        return choose(ibid_next_dlsym, address(&ibid_entry_dlsym));
    case interpose::function_id::dlvsym:
        return choose(ibid_next_dlvsym, address(&ibid_entry_dlvsym));
    case interpose::function_id::dlclose:
        return choose(next_dlclose, address(&entry_dlclose));
    case interpose::function_id::chroot:
        return after_chroot != nullptr ? choose(next_chroot, address(&entry_chroot)) : nullptr;
    default:
        return nullptr;
    }
}

} // namespace ibid::openssl::modules
