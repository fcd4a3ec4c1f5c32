// SPDX-License-Identifier: Apache-2.0
//
// chroot(2): in another root directory the preload's path leads nowhere, and the loader would print that for each program that
// is started there. So with a new root directory the preload takes itself out of LD_PRELOAD, and programs there run as they
// do without ibid. This process, and what it has forked, keep what they have.
//
// Law: the call is the next definition's in the program's search order, with its result and its errno. No system call is added.
#pragma once

namespace ibid::preload {

// Looks the next definition up. For the constructor; before it, or without it, the kernel is called.
void find_next_chroot() noexcept;

} // namespace ibid::preload
