// SPDX-License-Identifier: Apache-2.0
//
// Decodes a certificate with each of the public functions, with correct and wrong lengths, into no object, an
// empty object, one of the program's own, and one that the same function returned.
#include "owned.h"
#include "scenes.h"

// From the leak sanitizer, if it is linked.
extern "C" [[gnu::weak]] void __lsan_ignore_object(const void* p);

namespace ibid::fuzz {

namespace {

enum class target : unsigned {
    nowhere,       // a == NULL
    nothing,       // *a == NULL
    empty,         // X509_new()
    own,           // a copy of a certificate, with one reference
    own_known,     // the same, and the program has another reference to it
    decoded,       // the result of this function for the same bytes
    decoded_twice, // the same, and the program holds a second result of it
    other_decoded, // the result of this function for other bytes
};

struct source {
    unsigned function;
    byte_string bytes; // may have one byte more than `length`
    long length;
};

[[nodiscard]] source source_of(const input& in) {
    source s{in.choice(0, 3), {in.payload.begin(), in.payload.end()}, static_cast<long>(in.payload.size())};
    switch (in.choice(6, 2)) {
    case 0:
        break;
    case 1: // more bytes behind it
        s.bytes.insert(s.bytes.end(), {0x30, 0x82, 0x01});
        s.length += 3;
        break;
    case 2: // shorter than its length
        s.length -= s.length != 0 ? 1 : 0;
        break;
    default: // two certificates, one after the other
        s.bytes.insert(s.bytes.end(), in.payload.begin(), in.payload.end());
        s.length = static_cast<long>(s.bytes.size());
    }
    s.bytes.push_back(0);
    return s;
}

[[nodiscard]] owned_bio as_pem(const source& s, const char* name) {
    owned_bio out(BIO_new(BIO_s_mem()));
    PEM_write_bio(out.get(), name, "", s.bytes.data(), s.length);
    return out;
}

// Returns the function's result; `advance`: how much input it read.
X509* decode(const source& s, X509** a, long long& advance) {
    const unsigned char* p = s.bytes.data();
    X509* x = nullptr;
    switch (s.function) {
    case 0:
    case 1:
        x = d2i_X509(a, &p, s.length);
        break;
    case 2:
        x = d2i_X509_AUX(a, &p, s.length);
        break;
    case 3:
        x = reinterpret_cast<X509*>(
            ASN1_item_d2i(reinterpret_cast<ASN1_VALUE**>(a), &p, s.length, ASN1_ITEM_rptr(X509)));
        break;
    case 4:
        x = reinterpret_cast<X509*>(ASN1_item_d2i_ex(reinterpret_cast<ASN1_VALUE**>(a), &p, s.length,
                                                     ASN1_ITEM_rptr(X509), nullptr, nullptr));
        break;
    case 5: {
        const owned_bio in = reading(s.bytes.data(), static_cast<std::size_t>(s.length));
        x = d2i_X509_bio(in.get(), a);
        advance = s.length - static_cast<long long>(BIO_pending(in.get()));
        return x;
    }
    case 6: {
        const owned_bio in = as_pem(s, PEM_STRING_X509);
        x = PEM_read_bio_X509(in.get(), a, nullptr, nullptr);
        break;
    }
    default: {
        const owned_bio in = as_pem(s, PEM_STRING_X509_TRUSTED);
        x = PEM_read_bio_X509_AUX(in.get(), a, nullptr, nullptr);
        break;
    }
    }
    advance = p - s.bytes.data();
    return x;
}

[[nodiscard]] X509* decode(const source& s) {
    long long advance = 0;
    return decode(s, nullptr, advance);
}

void forgive_leak(const void* p) {
    if (&__lsan_ignore_object != nullptr) {
        __lsan_ignore_object(p);
    }
}

[[nodiscard]] owned_x509 fixed_copy() {
    const owned_bio in = reading(fixed_leaf_pem, sizeof fixed_leaf_pem - 1);
    const owned_x509 x(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    return owned_x509(X509_dup(x.get()));
}

void decode_into(target into, const source& s, outcome& seen) {
    X509* stands_there = nullptr;
    owned_x509 second;
    switch (into) {
    case target::nowhere:
    case target::nothing:
        break;
    case target::empty:
        stands_there = X509_new();
        break;
    case target::own:
    case target::own_known:
        stands_there = fixed_copy().release();
        break;
    case target::decoded:
    case target::decoded_twice:
        stands_there = decode(s);
        seen.errors();
        seen.certificate("decoded", stands_there);
        if (into == target::decoded_twice) {
            second.reset(decode(s));
        }
        break;
    case target::other_decoded:
        source other = s;
        other.bytes = fixed_leaf();
        other.length = static_cast<long>(other.bytes.size());
        stands_there = decode(other);
        break;
    }
    seen.errors(); // from making it
    X509* a = stands_there;
    if (into >= target::decoded) {
        forgive_leak(a); // docs/openssl.md, "Limits": the program may have another pointer to this object
    }
    owned_x509 alias;
    if (into == target::own_known) {
        X509_up_ref(a);
        alias.reset(a);
    }
    long long advance = 0;
    X509* const got = decode(s, into == target::nowhere ? nullptr : &a, advance);
    seen.errors();
    seen.number("advance", advance);
    seen.certificate("result", got);
    if (into != target::nowhere) {
        seen.number("*a is the result", got == a ? 1 : 0);
        seen.certificate("*a", a);
    }
    if (into == target::empty || into == target::own || into == target::own_known) {
        // Only the program's own object is filled in place, or freed.
        seen.number("*a is where it was", a == stands_there ? 1 : 0);
    }
    if (alias != nullptr && got != nullptr) {
        seen.certificate("by the other reference", alias.get());
    }
    seen.certificate("the second one", second.get());
    X509_free(into == target::nowhere ? got : a);
}

} // namespace

void play_decoding(const input& in, outcome& seen) {
    const source s = source_of(in);
    const auto into = static_cast<target>(in.choice(3, 3));
    seen.about("decoding");
    decode_into(into, s, seen);
    const owned_x509 held(decode(s)); // the next one is a hit
    seen.errors();
    seen.certificate("held", held.get());
    decode_into(into, s, seen);
    seen.certificate("held", held.get());
}

} // namespace ibid::fuzz
