// SPDX-License-Identifier: Apache-2.0
//
// Calls a function when a thread exits. The dynamic linker keeps the module of a hook that has not run yet.
//
// Law: the hook is a thread_local object of its own, so that what it cleans up needs no destructor and stays
// usable until the thread's last instruction. Arming it may be repeated. It may also be armed while the
// thread's other thread_local objects are being destroyed; the function then runs after theirs.
//
//     inline thread_local at_thread_exit hook{&clean_up};
//     hook.arm();    // from now on clean_up() runs at the end of this thread
#pragma once

namespace ibid {
inline namespace layout_1 {
namespace detail {

class at_thread_exit {
public:
    using function = void (*)() noexcept;

    constexpr explicit at_thread_exit(function f) noexcept : run_(f) {}
    at_thread_exit(const at_thread_exit&) = delete;
    at_thread_exit& operator=(const at_thread_exit&) = delete;
    ~at_thread_exit() { run_(); }

    // The first use of a thread_local object on a thread registers its destructor. This is that use.
    void arm() const noexcept {}

private:
    function run_;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
