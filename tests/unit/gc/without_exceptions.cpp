// SPDX-License-Identifier: Apache-2.0
//
// ibid/gc.h compiles without exceptions and without RTTI.
#include <string>

#include "ibid/cache.h"
#include "ibid/gc.h"

template class ibid::gc::token<ibid::handle<std::string>>;
template class ibid::gc::token<ibid::loan<std::string>>;
template class ibid::gc::traced<std::string>;
template struct ibid::gc::unscanned_allocator<long double>;

ibid::gc::traced<int> made_without_exceptions() {
    return ibid::gc::traced<int>(std::in_place, 1);
}
