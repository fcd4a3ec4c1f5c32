// SPDX-License-Identifier: Apache-2.0
//
// The hash and the equality that the cache uses unless told otherwise; the hash is keyed with a secret of the
// process.
//
// Law: equal keys hash alike within one process, and nobody outside of the process can compute or choose a
// hash: keys may come from the network. A hash narrows the search and never decides equality.
//
//     ibid::hash<std::string> h;
//     assert(h(std::string("leaf")) == h(std::string_view("leaf")));   // lookups need no std::string
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
// Makes xxHash read by memcpy. Its default for GCC reads any object as an integer of another type, which is
// undefined behaviour: GCC 13 then hashed a number before the number was stored.
#ifndef XXH_FORCE_MEMORY_ACCESS
#define XXH_FORCE_MEMORY_ACCESS 0
#endif
// xxHash calls its "always inline" functions through pointers, which GCC refuses at -Og; no macro tells -Og.
// Without the hints GCC 12 needs at most 4 % more instructions for a hit, and at -O3 at most 2 %.
#if defined(__GNUC__) && !defined(__clang__) && !defined(XXH_NO_INLINE_HINTS)
#define XXH_NO_INLINE_HINTS 1
#endif
#include <xxhash.h>

#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/base/fields.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/detail/port/random.h"

#define IBID_NO_HASH                                                                                         \
    "ibid: this key, or a part of it, has no hash. Give it a member that names what its == compares: "       \
    "auto hash_fields() const { return std::tie(first, second); }"

namespace ibid {
inline namespace layout_1 {

namespace detail {

// XXH3 mixes the whole secret into every block of the input. Source: xxHash's specification,
// XXH3_64bits_withSecret.
struct alignas(64) hash_secret {
    std::array<unsigned char, 192> bytes{};

    [[nodiscard]] static const char* process_name() noexcept { return IBID_PROCESS_NAME("secret"); }

    [[IBID_SELDOM]] IBID_COMPILED hash_secret() noexcept
#if IBID_COMPILES
    {
        if (random_bytes(bytes.data(), bytes.size())) {
            return;
        }
        // Reached only if the kernel's random pool is not seeded yet (very early boot). The clock and the
        // addresses of this process are a weak secret, but a program that starts before the network is up has
        // no remote attacker. (Mixed by SplitMix64: Steele, Lea, Flood, Fast splittable pseudorandom number
        // generators, 2014.)
        std::uint64_t seed = weak_seed(this);
        for (std::size_t i = 0; i < bytes.size(); i += sizeof seed) {
            seed += 0x9e37'79b9'7f4a'7c15;
            std::uint64_t word = (seed ^ seed >> 30) * 0xbf58'476d'1ce4'e5b9;
            word = (word ^ word >> 27) * 0x94d0'49bb'1331'11eb;
            word ^= word >> 31;
            std::memcpy(bytes.data() + i, &word, sizeof word);
        }
    }
#else
        ;
#endif
};

// If there is no memory for the process-wide object, this module uses a secret of its own. (A cache keeps the
// secret that it was made with, so all modules that use the cache still agree.)
[[nodiscard, IBID_SELDOM]] IBID_MODULE_LOCAL IBID_COMPILED const hash_secret& find_process_secret() noexcept
#if IBID_COMPILES
{
    if (const hash_secret* const shared = process_wide<hash_secret>::get()) [[likely]] {
        return *shared;
    }
    static const hash_secret own;
    return own;
}
#else
    ;
#endif
[[nodiscard]] IBID_MODULE_LOCAL inline const hash_secret& process_secret() noexcept {
    const hash_secret* const known = process_wide<hash_secret>::known();
    return known != nullptr ? *known : find_process_secret();
}

// A class with a std::hash specialization is hashed by it: it knows which members == compares.
template <class T>
concept has_own_hash = (std::is_class_v<T> ||
                        std::is_union_v<T>)&&std::is_default_constructible_v<std::hash<T>>;

template <class T>
inline constexpr bool is_reference = std::is_member_pointer_v<T>;
template <class T>
inline constexpr bool is_reference<std::reference_wrapper<T>> = true;

template <class T>
concept own_equality = std::is_enum_v<T> && requires(const T& a) {
    operator==(a, a); // of its namespace
};

template <class Types>
inline constexpr bool are_plain = false;

template <class T>
[[nodiscard]] consteval bool is_plain() {
    // Classes with a reference member (they cannot be assigned) compare what they refer to.
    if constexpr (!std::has_unique_object_representations_v<T> || has_own_hash<T> || is_reference<T> ||
                  names_fields<T> || own_equality<T> ||
                  !std::is_copy_assignable_v<std::remove_all_extents_t<T>>) {
        return false;
    } else if constexpr (std::is_array_v<T>) {
        return is_plain<std::remove_all_extents_t<T>>();
    } else if constexpr (standard_array<T>) {
        return is_plain<typename T::value_type>();
    } else if constexpr (standard_tuple<T> || aggregate<T>) {
        return are_plain<field_types<T>>;
    } else {
        return true;
    }
}
// Equal exactly when all bytes are equal.
template <class T>
concept plain = is_plain<T>();
template <class... T>
inline constexpr bool are_plain<types<T...>> = (is_plain<T>() && ...);

// Strings with another traits_type may have another ==, so their bytes do not decide.
template <class T>
concept foreign_traits = requires {
    typename T::traits_type;
}
&&!std::is_same_v<typename T::traits_type, std::char_traits<typename T::value_type>>;

template <class T>
inline constexpr bool standard_string = false;
template <class C, class Traits, class Allocator>
inline constexpr bool standard_string<std::basic_string<C, Traits, Allocator>> = true;
template <class C, class Traits>
inline constexpr bool standard_string<std::basic_string_view<C, Traits>> = true;

template <class T>
concept text = std::is_convertible_v<const T&, std::string_view>;

template <class T>
concept contiguous = requires(const T& t) {
    {std::as_bytes(std::span(t))};
    requires plain<typename decltype(std::span(t))::value_type>;
};

// A range that is equal to any other such range exactly when their bytes are equal, whatever type holds the
// bytes. A literal and a pointer to text, too: what a lookup gives.
template <class T>
concept byte_range = (standard_string<T> || !has_own_hash<T>)&&!foreign_traits<T> && !names_fields<T> &&
                     (text<T> || contiguous<T>);

// One that owns its bytes or is a view of them: a key, or a part of one. As such, a pointer is compared as a
// pointer, and an array as all of its elements.
template <class T>
concept range_of_bytes =
    byte_range<T> && !std::is_pointer_v<T> && !std::is_array_v<T> && !std::is_null_pointer_v<T>;

template <class T>
inline constexpr bool is_wide_character = std::is_same_v<T, wchar_t> || std::is_same_v<T, char8_t> ||
                                          std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>;

template <byte_range T>
[[nodiscard]] std::span<const std::byte> bytes_of(const T& range) noexcept {
    using element = std::remove_cv_t<std::remove_extent_t<T>>;
    if constexpr (text<T>) {
        return std::as_bytes(std::span(std::string_view(range))); // a literal without its final zero
    } else if constexpr (std::is_array_v<T> && is_wide_character<element>) {
        return std::as_bytes(std::span(std::basic_string_view<element>(range))); // likewise
    } else {
        return std::as_bytes(std::span(range));
    }
}

template <byte_range T>
[[nodiscard]] consteval auto element_type() {
    if constexpr (text<T>) {
        return std::type_identity<char>();
    } else {
        return std::type_identity<
            std::remove_cv_t<typename decltype(std::span(std::declval<const T&>()))::value_type>>();
    }
}
template <byte_range T>
using element_in_bytes = typename decltype(element_type<T>())::type;

template <class Hash>
concept keyed_hash = requires {
    typename Hash::is_keyed;
};

template <bool yes>
struct if_keyed {};
template <>
struct if_keyed<true> {
    using is_keyed = void;
};

[[nodiscard]] inline std::uint64_t hash_bytes(const hash_secret& secret, const void* data,
                                              std::size_t size) noexcept {
    return XXH3_64bits_withSecret(data, size, secret.bytes.data(), secret.bytes.size());
}

} // namespace detail

// The keyed hash of `size` bytes, 64 bits: the same for the same bytes within one process, another in each
// process. Any thread. XXH3 with a secret of 192 bytes.
[[nodiscard]] inline std::uint64_t hash_bytes(const void* data, std::size_t size) noexcept {
    return detail::hash_bytes(detail::process_secret(), data, size);
}

namespace detail {

// --- how a type is hashed ----------------------------------------------------------------------------------

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_variant = false;
template <class... T>
inline constexpr bool is_variant<std::variant<T...>> = true;

template <class T>
concept by_fields = names_fields<T> || standard_tuple<T> || stateless<T> ||(!has_own_hash<T> && aggregate<T>);

// Ranges whose == compares the elements in order; not unordered containers.
template <class T>
concept element_range = !has_own_hash<T> && !foreign_traits<T> && requires(const T& t) {
    t.begin() != t.end();
    *t.begin();
}
&&!requires {
    typename T::hasher;
}
&&!std::is_same_v<std::remove_cvref_t<decltype(*std::declval<const T&>().begin())>, T>; // a path of paths

enum class hashed : unsigned char { no, by_std_hash, keyed };

// Has its parts as numbers: std::complex, and a std::chrono::duration of floating-point numbers.
template <class T>
concept complex_number = requires(const T& z) {
    { z.real() } -> std::same_as<typename T::value_type>;
    { z.imag() } -> std::same_as<typename T::value_type>;
};
template <class T>
concept duration = requires(const T& d) {
    typename T::period;
    { d.count() } -> std::same_as<typename T::rep>;
};

// Outer: the types whose part T is. A type that contains itself (a tree) is hashed as its other parts are.
template <class T, class... Outer>
constexpr hashed how_hashed();

[[nodiscard]] constexpr hashed weaker(hashed a, hashed b) {
    return a < b ? a : b;
}
template <class Types, class... Outer>
inline constexpr hashed how_all_are = hashed::no;
template <template <class...> class Types, class... T, class... Outer>
inline constexpr hashed how_all_are<Types<T...>, Outer...> = [] {
    hashed all = hashed::keyed;
    ((all = weaker(all, how_hashed<std::remove_cvref_t<T>, Outer...>())), ...);
    return all;
}();

template <class T, class... Outer>
constexpr hashed how_hashed() {
    // The order decides.
    if constexpr ((std::is_same_v<T, Outer> || ...)) { // NOLINT(bugprone-branch-clone)
        return hashed::keyed;
    } else if constexpr (range_of_bytes<T> || std::is_floating_point_v<T>) {
        return hashed::keyed;
    } else if constexpr (is_variant<T>) {
        return how_all_are<T, T, Outer...>;
    } else if constexpr (is_optional<T> || complex_number<T>) {
        return how_hashed<typename T::value_type, T, Outer...>();
    } else if constexpr (names_fields<T>) {
        return how_all_are<field_types<T>, T, Outer...>;
    } else if constexpr (plain<T>) {
        return hashed::keyed;
    } else if constexpr (own_equality<T>) {
        return hashed::no; // its std::hash is of its number
    } else if constexpr (std::is_array_v<T>) {
        return how_hashed<std::remove_all_extents_t<T>, T, Outer...>();
    } else if constexpr (by_fields<T>) {
        return how_all_are<field_types<T>, T, Outer...>;
    } else if constexpr (element_range<T>) {
        return how_hashed<std::remove_cvref_t<decltype(*std::declval<const T&>().begin())>, T, Outer...>();
    } else if constexpr (duration<T>) {
        return how_hashed<typename T::rep, T, Outer...>();
    } else {
        return std::is_default_constructible_v<std::hash<T>> ? hashed::by_std_hash : hashed::no;
    }
}

template <class T>
[[nodiscard]] std::uint64_t hash_object(const hash_secret& secret, const T& o);

// One number for each field, at most 16 at a time; all of them are hashed as bytes. A string's number is its
// keyed hash.
class field_hasher {
public:
    explicit field_hasher(const hash_secret& secret) noexcept : secret_(secret) {}

    template <class T>
    void add(const T& o) {
        if constexpr (range_of_bytes<T>) {
            put(hash_object(secret_, o));
        } else if constexpr (std::is_floating_point_v<T>) {
            // Equal numbers, equal bits: there are two zeros. A long double has padding.
            const double number = o == 0 ? 0.0 : static_cast<double>(o);
            put(std::bit_cast<std::uint64_t>(number));
        } else if constexpr (is_variant<T>) {
            put(o.index());
            if (!o.valueless_by_exception()) {
                std::visit([this](const auto& held) { this->add(held); }, o);
            }
        } else if constexpr (is_optional<T>) {
            put(o.has_value() ? 1 : 0);
            if (o.has_value()) {
                add(*o);
            }
        } else if constexpr (plain<T>) {
            if constexpr (sizeof(T) <= sizeof(std::uint64_t)) {
                std::uint64_t bits = 0;
                std::memcpy(&bits, &o, sizeof o);
                put(bits);
            } else {
                put(hash_object(secret_, o));
            }
        } else if constexpr (std::is_array_v<T>) {
            for (const auto& element : o) {
                add(element);
            }
        } else if constexpr (by_fields<T>) {
            with_fields(o, [this](const auto&... field) { (this->add(field), ...); });
        } else if constexpr (element_range<T>) {
            std::uint64_t size = 0;
            for (const auto& element : o) {
                add(element);
                ++size;
            }
            put(size);
        } else if constexpr (complex_number<T>) {
            add(o.real());
            add(o.imag());
        } else if constexpr (duration<T>) {
            add(o.count());
        } else {
            put(std::hash<T>{}(o));
        }
    }
    [[nodiscard]] std::uint64_t result() const noexcept {
        // The minimum is always size_. Without it, GCC 12 at -O3 warns of reads past numbers_.
        return hash_bytes(secret_, numbers_.data(), least(size_, numbers_.size()) * sizeof numbers_[0]);
    }

private:
    void put(std::uint64_t number) noexcept {
        if (size_ == numbers_.size()) {
            numbers_[0] = result();
            size_ = 1;
        }
        numbers_[size_++] = number;
    }

    const hash_secret& secret_;
    std::size_t size_ = 0;
    std::array<std::uint64_t, 16> numbers_{};
};

template <class T>
[[nodiscard]] std::uint64_t hash_object(const hash_secret& secret, const T& o) {
    if constexpr (range_of_bytes<T>) {
        const std::span<const std::byte> bytes = bytes_of(o);
        return hash_bytes(secret, bytes.data(), bytes.size());
    } else if constexpr (plain<T>) {
        return hash_bytes(secret, &o, sizeof o);
    } else {
        field_hasher all(secret);
        all.add(o);
        return all.result();
    }
}

} // namespace detail

// Keyed hash of a T, and of whatever a T is looked up by:
//  - strings, and contiguous ranges of plain elements (spans, vectors of integers), hash their bytes, so that
//    a std::string, a std::string_view and a std::span<const std::byte> of the same bytes hash alike;
//  - a class with a member hash_fields() hashes what that returns, a field or a std::tie() of fields: those
//    that its == compares; this comes before all else;
//  - a class for which std::hash is specialized goes through that and is keyed afterwards, which is only as
//    good against hostile keys as that std::hash;
//  - plain objects (integers, enumerations, pointers, structures without padding) hash their bytes, which is
//    right where == compares all of them; floating-point numbers, complex numbers, durations, pairs, tuples,
//    optionals, variants, aggregates, arrays and ranges hash their parts. A pointer is a number, also one to
//    text. Where == compares less, write hash_fields(). An enumeration with an == of its own, and a string
//    with character traits of its own, have no hash: give the cache a Hash.
//
// All but the third kind are keyed: nobody finds two keys with one hash, by chance or on purpose. (A class is
// as good as its worst field.) A keyed hash of your own declares that with a member type `is_keyed`; then the
// cache answers hits without a lock. What a collision costs there: a lookup holds another key's value for a
// moment. If that turns out to be its last reference, the value ends late, and on the thread that looked up.
template <class T>
struct hash : detail::if_keyed<detail::how_hashed<T>() == detail::hashed::keyed> {
    // Whether keys of other types give the same hash without conversion to T.
    using is_transparent = void;

    // The hash of `key`, with the process's secret. Throws what making a T of it or a std::hash throws.
    template <class K>
    [[nodiscard]] std::uint64_t operator()(const K& key) const {
        return keyed(detail::process_secret(), key);
    }

    // With the secret of a cache.
    template <class K>
    [[nodiscard]] static std::uint64_t keyed(const detail::hash_secret& secret, const K& key) {
        constexpr bool has_hash = detail::how_hashed<T>() != detail::hashed::no;
        static_assert(has_hash, IBID_NO_HASH);
        if constexpr (!has_hash) {
            return 0;
        } else if constexpr (detail::range_of_bytes<T> && detail::byte_range<K>) {
            const std::span<const std::byte> bytes = detail::bytes_of(key);
            return detail::hash_bytes(secret, bytes.data(), bytes.size());
        } else {
            // An int looked up by a short is first made a T, so that equal keys hash alike.
            return detail::hash_object<T>(secret, key);
        }
    }
};

namespace detail {

// Types whose == is known to compare their bytes.
template <class T>
inline constexpr bool compares_bytes = std::is_integral_v<T> || std::is_same_v<T, std::byte>;
template <class T, std::size_t N>
inline constexpr bool compares_bytes<std::array<T, N>> = N != 0 && compares_bytes<T>;

} // namespace detail

// The matching equality: ==. Two ranges that have no == between them (std::vector<std::byte> and
// std::span<const std::byte>) are compared by their bytes.
struct equal {
    // Compares different types.
    using is_transparent = void;

    // Whether the two are equal. Throws what their == throws.
    template <class Left, class Right>
        requires(requires(const Left& a, const Right& b) { a == b; } ||
                 (detail::byte_range<Left> && detail::byte_range<Right>))
    [[nodiscard]] bool operator()(const Left& a, const Right& b) const {
        if constexpr (std::is_same_v<Left, Right> && std::is_class_v<Left> && detail::compares_bytes<Left>) {
            return std::memcmp(&a, &b, sizeof a) == 0; // compilers know the size, and call nothing
        } else if constexpr (requires { a == b; }) {
            return a == b;
        } else {
            const std::span<const std::byte> x = detail::bytes_of(a);
            const std::span<const std::byte> y = detail::bytes_of(b);
            return x.size() == y.size() && (x.empty() || std::memcmp(x.data(), y.data(), x.size()) == 0);
        }
    }
};

} // namespace layout_1
} // namespace ibid
