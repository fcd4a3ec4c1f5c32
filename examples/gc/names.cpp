// SPDX-License-Identifier: Apache-2.0
//
// The symbols of a small interpreter: collected lists whose elements refer to interned names. The program
// neither counts references nor frees; a name's entry ends when no list reaches it.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "ibid/cache.h"
#include "ibid/gc.h"

namespace {

using names = ibid::cache<std::string, std::string>;
using name = ibid::gc::active<std::string>;

// As in an interpreter: collected, without a destructor.
struct pair {
    name head;
    pair* tail;
};

pair* list_of(names& symbols, int from, int to) {
    pair* list = nullptr;
    for (int i = from; i < to; ++i) {
        std::string text = "symbol-" + std::to_string(i);
        list =
            new (GC_MALLOC(sizeof(pair))) pair{ibid::gc::intern(symbols, text, [&] { return text; }), list};
    }
    return list;
}

// Deep in the stack, so that no pointer to its lists is left where the collector scans.
[[gnu::noinline]] void evaluate(names& symbols) {
    for (int round = 0; round < 100; ++round) {
        const pair* const a = list_of(symbols, 0, 1000);
        const pair* const b = list_of(symbols, 999, 2000);
        const pair* last = b;
        while (last->tail != nullptr) {
            last = last->tail;
        }
        if (a->head.get() != last->head.get()) {
            std::abort(); // both are symbol-999: one string
        }
    }
}

} // namespace

int main() {
    ibid::gc::start(); // on the main thread, before anything else uses the collector
    names symbols;
    pair* const kept = list_of(symbols, 0, 10);
    evaluate(symbols);
    std::printf("before a collection: %llu names\n",
                static_cast<unsigned long long>(symbols.statistics().entries));
    GC_gcollect();
    std::printf("after it: %llu names, of which 10 are in a list\n",
                static_cast<unsigned long long>(symbols.statistics().entries));
    for (const pair* p = kept; p != nullptr; p = p->tail) {
        std::printf("%s%s", p->head->c_str(), p->tail != nullptr ? " " : "\n");
    }
    // A conservative collector may take a word for a pointer into a list, and keep the rest of that list.
    return symbols.statistics().entries < 1500 ? 0 : 1;
}
