// SPDX-License-Identifier: Apache-2.0
//
// The value of the peers that are made of weak_ptr: the bytes, and where to sign off when the last shared_ptr
// goes.
//
// Law: when the drop of the last handle returns, no map names the value. The destructor runs while every
// weak_ptr to it already says expired, and before the bytes go, so a map may use them as its key. It does
// what a custom deleter would, and lets make_shared put count and value into one allocation, which no
// shared_ptr with a deleter can.
//
// The race, and why it is harmless: thread A drops the last handle; before A's destructor has the map's lock,
// thread B interns the same key, finds the weak_ptr expired, and puts a value of its own in that place. A
// then finds an entry that is not expired, or none, and leaves it.
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
