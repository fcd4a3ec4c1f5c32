// SPDX-License-Identifier: Apache-2.0
//
// ibid/gc.h compiles without exceptions and without RTTI.
#include <string>
#include <utility>

#include "ibid/cache.h"
#include "ibid/gc.h"
#include "ibid/pool.h"

template class ibid::gc::token<ibid::handle<std::string>>;
template class ibid::gc::traced<std::string>;
template struct ibid::gc::unscanned_allocator<long double>;

std::string taken_without_exceptions(ibid::pool<std::string>& from) {
    const ibid::gc::loan<std::string> line = ibid::gc::take(from);
    return line.release() ? std::string() : *line;
}

ibid::gc::traced<int> made_without_exceptions() {
    return ibid::gc::traced<int>(std::in_place, 1);
}
