// SPDX-License-Identifier: Apache-2.0
//
// A global operator new that can be told to fail. Linking failing_new.cpp puts it in place.
#pragma once

namespace ibid_test {

// How many allocations of this thread succeed before one fails; negative: none fails.
extern thread_local constinit int until_failure;
extern thread_local constinit bool failed; // one has, since the thread began

} // namespace ibid_test
