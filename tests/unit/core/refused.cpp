// SPDX-License-Identifier: Apache-2.0
//
// Code that does not compile, with a message that tells what to write: one macro for each case
// (CMakeLists.txt). Without a macro it compiles.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ibid/cache.h"
#include "ibid/intern.h"

struct no_equality {
    int number;
};
class no_hash {
    std::string text_;

public:
    bool operator==(const no_hash&) const = default;
};

int main() {
    ibid::cache<int, int> numbers;
    ibid::cache<unsigned, int> sizes;
    ibid::cache<std::string, int> names;
#if defined(REFUSED_LONG)
    (void)numbers.find(1L << 32);
#elif defined(REFUSED_DOUBLE)
    (void)numbers.intern(1.5, [] { return 1; });
#elif defined(REFUSED_SIGN)
    (void)sizes.find(-1);
#elif defined(REFUSED_INTERN)
    (void)ibid::intern<int>(1.5);
#elif defined(REFUSED_NUMBER)
    (void)names.find(65);
#elif defined(REFUSED_CONSTRUCTOR)
    ibid::cache<std::vector<int>, int> vectors;
    (void)vectors.find(7);
#elif defined(REFUSED_VIEW)
    ibid::cache<std::string_view, int> views;
    (void)views.find("a");
#elif defined(REFUSED_POINTER)
    ibid::cache<const char*, int> pointers;
    (void)pointers.find("a");
#elif defined(REFUSED_VOID)
    (void)names.intern("a", [] {});
#elif defined(REFUSED_VALUE)
    (void)names.intern("a", [] { return std::string(); });
#elif defined(REFUSED_EQUALITY)
    ibid::cache<no_equality, int> c;
    (void)c.find(no_equality{1});
#elif defined(REFUSED_HASH)
    ibid::cache<no_hash, int> c;
    (void)c.find(no_hash());
#elif defined(REFUSED_PART)
    ibid::cache<std::vector<no_hash>, int> c;
    (void)c.find(std::vector<no_hash>());
#elif defined(REFUSED_CONTAINS)
    (void)names.contains(65);
#elif defined(REFUSED_FORGET)
    (void)numbers.forget(1.5);
#elif defined(REFUSED_CANONICAL_HASH)
    (void)ibid::intern(no_hash());
#elif defined(REFUSED_CANONICAL_EQUALITY)
    (void)ibid::intern(no_equality{1});
#elif defined(REFUSED_CANONICAL_VIEW)
    (void)ibid::intern(std::string_view("a"));
#elif defined(REFUSED_HASH_ALONE)
    (void)ibid::hash<no_hash>()(no_hash());
#elif defined(REFUSED_CONST)
    ibid::cache<int, const int> c;
    (void)c.find(1);
#elif defined(REFUSED_DANGLING)
    const int& gone = *names.intern("a", [] { return 1; });
    return gone;
#endif
    const short few = 1;
    (void)numbers.find(few);
    (void)numbers.find('a');
    (void)numbers.find(true);
    (void)sizes.find(1U);
    (void)names.find("a");
    (void)names.find(std::string_view("a"));
    (void)names.find(std::vector<char>{'a'});
    ibid::cache<double, int> weights;
    (void)weights.find(1);
    (void)weights.find(1.5F);
    return 0;
}
