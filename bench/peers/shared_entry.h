// SPDX-License-Identifier: Apache-2.0
//
// The value of the peers that use weak_ptr: the bytes, and the interner, which the value tells when the last
// shared_ptr has gone.
//
// Law: when the drop of the last handle returns, no map names the value. When the destructor runs, every
// weak_ptr to the value has already expired, and the bytes still exist, so a map may use them as its key. The
// destructor replaces a custom deleter, so that make_shared can put count and value into one allocation,
// which is impossible with a deleter.
//
// The race, and why it is harmless: thread A drops the last handle. Before A's destructor has the map's lock,
// thread B interns the same key, finds the weak_ptr expired, and replaces it by a new value. A then finds an
// entry that is not expired, or none, and does nothing.
#pragma once

#include <memory>

namespace bench {

template <class Home>
struct shared_entry {
    typename Home::key_type::owned value;
    Home* home;

    shared_entry(const typename Home::key_type::view& key, Home& where) : value(key), home(&where) {}
    shared_entry(const shared_entry&) = delete;
    shared_entry& operator=(const shared_entry&) = delete;
    ~shared_entry() { home->sign_off(value); }
};

} // namespace bench
