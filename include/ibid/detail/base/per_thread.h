// SPDX-License-Identifier: Apache-2.0
//
// A record of type T for each thread, shared by all modules of the process.
//
//     struct counts { void begin() noexcept; void end() noexcept; … };
//     counts& mine = per_thread<counts>::here();       // this thread's, or an empty one: one load
//     counts* own = per_thread<counts>::attach();      // this thread's, made if needed; null: the thread is
//     exiting
//     counts* known = per_thread<counts>::known();     // this thread's, if a module has made it; else null
//
// Each module has a pointer to the record in a thread_local variable of its own; the first use of a module on
// a thread finds the record by a key that belongs to the process (port/threads.h). The key has no destructor,
// because that would be an address of some module's code. Instead each module that has used the record on
// this thread has a thread_local object with a destructor (exit_hook), for which the dynamic linker
// keeps the module; the last of them ends the record.
//
// Laws:
//  - here() never fails and never allocates. Before attach() it gives T's shared `nobody`, which must not be
//    written to.
//  - A module's thread_local objects may use T after the module's hook has run: here() then gives `nobody`,
//    and attach() gives null.
//  - A module that is being unloaded gets no hook: its static objects are destroyed after the dynamic linker
//    has decided to unmap it. So known() makes none, and attach() gives null by then.
//
// T: default constructor (constexpr); begin() and end(), once for each record; key_of_process(), or null.
#pragma once

#include <new>

#include "ibid/detail/port/aligned_memory.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/detail/port/module.h"
#include "ibid/detail/port/module_end.h"
#include "ibid/detail/port/signpost.h"
#include "ibid/detail/port/threads.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

template <class T>
class per_thread {
    struct record : T {
        unsigned modules = 0; // modules whose hook has not run yet
    };

public:
    [[nodiscard]] IBID_MODULE_LOCAL static T& here() noexcept { return *here_; }

    [[nodiscard]] IBID_MODULE_LOCAL static T* attach() noexcept {
        if (here_ != &nobody_) {
            return here_;
        }
        return ended_ || module_ends() ? nullptr : find();
    }
    [[nodiscard]] IBID_MODULE_LOCAL static T* known() noexcept {
        if (here_ != &nobody_) {
            return here_;
        }
        const thread_key* const key = ended_ ? nullptr : T::key_of_process();
        return key != nullptr ? of_thread(*key) : nullptr;
    }

private:
    // Null: it has none, or the thread is exiting and the record has ended.
    [[nodiscard]] static record* of_thread(const thread_key& key) noexcept {
        void* const known = key.get();
        return known != &key ? static_cast<record*>(known) : nullptr;
    }

    [[IBID_SELDOM]] IBID_MODULE_LOCAL static T* find() noexcept {
        const thread_key* const key = T::key_of_process();
        if (key == nullptr) {
            return nullptr;
        }
        record* r = of_thread(*key);
        if (r == nullptr) {
            if (key->get() != nullptr) {
                return nullptr;
            }
            void* const memory = allocate_aligned(alignof(record), sizeof(record));
            if (memory == nullptr) {
                return nullptr;
            }
            r = ::new (memory) record;
            if (!key->set(r)) {
                free_aligned(memory);
                return nullptr;
            }
            r->begin();
        }
        if constexpr (!thread_locals_keep_their_module) {
            this_module_stays(); // for the hook
        }
        ++r->modules;
        arm_hook();
        here_ = r;
        return r;
    }

    [[IBID_SELDOM]] IBID_MODULE_LOCAL static void end() noexcept {
        ended_ = true;
        if (here_ == &nobody_) { // compilers arm all hooks of a translation unit at once
            return;
        }
        auto* const r = static_cast<record*>(here_);
        here_ = &nobody_;
        if (--r->modules == 0) {
            const thread_key* const key = T::key_of_process();
            key->set(key);
            r->end();
            r->~record();
            free_aligned(r);
        }
    }

    // An object of its own, so that the record's pointer needs no destructor and stays usable until the
    // thread's last instruction. The first use on a thread registers the destructor: arm() is that use. If
    // the thread's thread_local objects are being destroyed by then, this one's turn comes after theirs.
    struct exit_hook {
        exit_hook() = default;
        exit_hook(const exit_hook&) = delete;
        exit_hook& operator=(const exit_hook&) = delete;
        ~exit_hook() { end(); }
        void arm() const noexcept {}
    };

    IBID_MODULE_LOCAL static inline constinit T nobody_{};
    IBID_MODULE_LOCAL static inline thread_local constinit T* here_ = &nobody_;
    IBID_MODULE_LOCAL static inline thread_local constinit bool ended_ = false;

#if defined(IBID_ON_WINDOWS)
    // Inside a function, because otherwise each translation unit has a weak reference to the variable's
    // constructor, and LLVM's COFF linker for MinGW treats two such references as two definitions.
    static void arm_hook() noexcept {
        static thread_local exit_hook hook;
        hook.arm();
    }
#else
    IBID_MODULE_LOCAL static inline thread_local exit_hook hook_;
    IBID_MODULE_LOCAL static void arm_hook() noexcept {
        hook_.arm();
    }
#endif
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
