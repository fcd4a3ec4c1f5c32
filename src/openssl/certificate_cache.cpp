// SPDX-License-Identifier: Apache-2.0
#include "certificate_cache.h"

#include <cstring>
#include <exception>
#include <new>

#include "der.h"
#include "ex_data.h"
#include "ibid/hash.h"

namespace ibid::openssl {

bool parse_context::operator==(const parse_context& other) const noexcept {
    const char* const a = property_query;
    const char* const b = other.property_query;
    return given == other.given && (a == b || (a != nullptr && b != nullptr && std::strcmp(a, b) == 0));
}

namespace {

[[nodiscard]] std::uint64_t hash_of(std::span<const unsigned char> der,
                                    const parse_context& context) noexcept {
    const std::uint64_t bytes = hash_bytes(der.data(), der.size());
    if (context.given == nullptr && context.property_query == nullptr) {
        return bytes; // nearly always; contexts that are not told apart here are told apart by equality
    }
    const char* const query = context.property_query;
    const std::uint64_t whole[3] = {
        bytes,
        reinterpret_cast<std::uintptr_t>(context.given),
        query != nullptr ? hash_bytes(query, std::strlen(query)) : 0,
    };
    return hash_bytes(whole, sizeof whole);
}

[[nodiscard]] bool same_bytes(const unsigned char* der, std::span<const unsigned char> other) noexcept {
    return std::memcmp(der, other.data(), other.size()) == 0;
}

} // namespace

certificate_key::certificate_key(std::span<const unsigned char> bytes, parse_context where) noexcept
    : der(bytes), context(where), hash(hash_of(bytes, where)) {}

bool certificate_key::operator==(const certificate_key& other) const noexcept {
    return der.size() == other.der.size() && context == other.context && same_bytes(der.data(), other.der);
}

certificate_entry::certificate_entry(certificate_cache& in, X509* x, const certificate_key& k)
    : cache(&in), x509(x), context(k.context), der_size(static_cast<std::uint32_t>(k.der.size())) {
    if (k.context.property_query != nullptr) {
        const std::size_t size = std::strlen(k.context.property_query) + 1;
        char* const own = new char[size];
        std::memcpy(own, k.context.property_query, size);
        context.property_query = own;
    }
}

certificate_entry::~certificate_entry() {
    cache->f().CRYPTO_free(der.load(std::memory_order_relaxed), __FILE__, __LINE__);
    delete[] context.property_query;
}

bool certificate_entry::may_be(const certificate_key& k) const noexcept {
    return agree(word(), k.hash) && der_size == k.der.size() && context == k.context;
}

// A certificate that OpenSSL encodes otherwise than it came (BER that is not DER, behind the part that was signed) is never
// found again.
bool certificate_entry::has_bytes_of(const certificate_key& k) noexcept {
    if (const unsigned char* const bytes = der.load(std::memory_order_acquire)) {
        // In this order: as long as it is not marked, nobody has begun to write.
        return same_bytes(bytes, k.der) && !changed.load(std::memory_order_acquire);
    }
    const functions& f = cache->f();
    unsigned char* encoded = nullptr;
    f.ERR_set_mark();
    const int size = f.i2d_X509(x509, &encoded);
    f.ERR_pop_to_mark();
    const bool same = size > 0 && static_cast<std::size_t>(size) == der_size && same_bytes(encoded, k.der) &&
                      certificate_cache::has_sound_extensions(f, x509);
    unsigned char* none = nullptr;
    if (!same || !der.compare_exchange_strong(none, encoded, std::memory_order_acq_rel)) {
        f.CRYPTO_free(encoded, __FILE__, __LINE__);
    }
    return same && !changed.load(std::memory_order_acquire);
}

// What a parsed certificate takes, by its size in DER. OpenSSL tells nobody; measured with `bench_openssl`, 1 to 2 KB
// certificates come to 5.0 to 5.9 KB, of which the fixed part (structures, the public key) is some 3 KB. Thousands of tiny
// extensions would take far more for their size: what is larger than honest certificates are must verify before it is kept.
// And what was written to is never kept.
std::size_t certificate_cache::traits::weight(const entry& e) noexcept {
    constexpr std::size_t honest = 8192;
    if (e.changed.load(std::memory_order_relaxed) ||
        (e.der_size > honest && !e.has(detail::entry_link::earned))) {
        return static_cast<std::size_t>(-1);
    }
    return sizeof e + e.der_size + 3072 + std::size_t{2} * e.der_size;
}

certificate_cache::certificate_cache(const functions& f, cache_counters counters)
    : f_(f), table_(table::create({}, counters.certificates)),
      index_(f.CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, this, nullptr, &not_copied, &on_free)),
      memo_(f, counters.signatures) {}

// OpenSSL keeps ex_data callbacks with a library context, and asks the one that is the thread's default when an object is
// freed. A thread with a default of its own would free a certificate without telling this cache: see library::stand_aside.
// With null, this function of OpenSSL changes nothing and tells what is set.
bool certificate_cache::in_default_context() const noexcept {
    return f_.OSSL_LIB_CTX_set0_default(nullptr) == f_.OSSL_LIB_CTX_get0_global_default();
}

certificate_entry* certificate_cache::entry_of(const X509* x) const noexcept {
    return x != nullptr && usable() ? static_cast<certificate_entry*>(f_.X509_get_ex_data(x, index_))
                                    : nullptr;
}

// Runs inside the X509_free that took the last reference, on whichever thread that is.
void certificate_cache::on_free(void*, void* entry, CRYPTO_EX_DATA*, int, long, void* cache) noexcept {
    auto* const self = static_cast<certificate_cache*>(cache);
    if (entry != nullptr && self->has_shared_.load(std::memory_order_relaxed)) {
        auto* const e = static_cast<certificate_entry*>(entry);
        self->table_->forget(*e);
        delete e;
    }
}

X509* certificate_cache::parse(X509** a, const unsigned char** pp, long length, parse_context context,
                               bool earned) {
    const std::size_t extent = length > 0 ? sequence_extent(*pp, static_cast<std::size_t>(length)) : 0;
    if (extent == 0 || extent > certificate_entry::largest || !in_default_context()) {
        return f_.d2i_X509(a, pp, length);
    }
    const certificate_key key({*pp, extent}, context);
    table::flight_type flight{&key, key.hash};
    certificate_entry* shared = nullptr;
    try {
        shared = table_->begin(flight);
    } catch (const std::exception&) {
        // No memory for the table: this certificate is parsed as if ibid were not here.
        return f_.d2i_X509(a, pp, length);
    }
    if (shared == nullptr) {
        return lead(flight, a, pp, length, earned);
    }
    if (!shared->has_bytes_of(key)) {
        f_.X509_free(shared->x509);
        return f_.d2i_X509(a, pp, length);
    }
    if (earned) {
        table_->earn(*shared);
    }
    if (a != nullptr) {
        f_.X509_free(*a);
        *a = shared->x509;
    }
    *pp += extent;
    return shared->x509;
}

// Waiters must not wait for ever, whatever ends the leader's work: a thread may even be cancelled inside OpenSSL.
struct certificate_cache::unless_landed {
    table* in;
    table::flight_type& flight;
    ~unless_landed() {
        if (in != nullptr) {
            in->abandon(flight);
        }
    }
};

X509* certificate_cache::lead(table::flight_type& flight, X509** a, const unsigned char** pp, long length,
                              bool earned) {
    unless_landed aloft{table_, flight};
    const unsigned char* const start = *pp;
    X509* const x = f_.d2i_X509(a, pp, length);
    if (x == nullptr || static_cast<std::size_t>(*pp - start) != flight.key->der.size()) {
        return x;
    }
    // The key's bytes are the caller's own and still there.
    if (std::unique_ptr<certificate_entry> e = enter(x, *flight.key, earned)) {
        aloft.in = nullptr;
        table_->publish(flight,
                        *e.release()); // from here on the entry belongs to the X509, and ends in on_free
    }
    return x;
}

// What makes `x`, which nobody else has, a shared certificate once it is published. Null: it cannot be one.
std::unique_ptr<certificate_entry> certificate_cache::enter(X509* x, const certificate_key& key,
                                                            bool earned) {
    f_.ERR_set_mark(); // errors of these calls are none of the caller's business
    std::unique_ptr<certificate_entry> e;
    if (shareable(x)) {
        try {
            e = std::make_unique<certificate_entry>(*this, x, key);
        } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch): not shared, then
        }
        if (!has_shared_.load(std::memory_order_relaxed)) {
            has_shared_.store(true, std::memory_order_relaxed);
        }
        if (e != nullptr && f_.X509_set_ex_data(x, index_, e.get()) != 1) {
            e.reset();
        }
        if (e != nullptr && (earned || looks_like_issuer(key.der))) {
            memo_.name(f_.X509_get0_pubkey(x)); // while nobody else has the certificate
        }
    }
    f_.ERR_pop_to_mark();
    if (e != nullptr && earned) {
        e->set(detail::entry_link::earned);
    }
    return e;
}

// A certificate whose key OpenSSL could not decode keeps that failure for ever. The same bytes may parse better later,
// when another provider has been loaded; a copy that knows less than a fresh one is not handed to anybody. And a key that
// lacks parameters (DSA, RFC 3279, 2.3.2) takes them from the chain that it is verified in, which writes to it. What a key is worth
// OpenSSL asks it once; where there was no memory for that, the key is worth nothing, and no chain verifies with it.
bool certificate_cache::shareable(X509* x) const noexcept {
    const EVP_PKEY* const key = usable() ? f_.X509_get0_pubkey(x) : nullptr;
    return key != nullptr && f_.EVP_PKEY_missing_parameters(key) == 0 && f_.EVP_PKEY_get_bits(key) > 0 &&
           f_.EVP_PKEY_get_security_bits(key) > 0 && f_.EVP_PKEY_get_size(key) > 0;
}

// Also none, if they are there: that is two bytes more where the certificate is written out with them, and no getter tells.
bool certificate_cache::has_trust_settings(const X509* x) const noexcept {
    return f_.i2d_X509_AUX(x, nullptr) != f_.i2d_X509(x, nullptr);
}

X509* certificate_cache::share(X509* x) {
    unsigned char* der = nullptr;
    const int size = shares(x) || has_trust_settings(x) ? 0 : f_.i2d_X509(x, &der);
    if (size <= 0) {
        return nullptr;
    }
    f_.ERR_set_mark();
    const unsigned char* p = der;
    X509* shared = parse(nullptr, &p, size, {}, false);
    f_.ERR_pop_to_mark();
    f_.CRYPTO_free(der, __FILE__, __LINE__);
    if (shared != nullptr && !shares(shared)) {
        f_.X509_free(shared);
        shared = nullptr;
    }
    return shared;
}

X509* certificate_cache::adopt(X509* x, bool earned) {
    if (entry_of(x) != nullptr || has_trust_settings(x) || !in_default_context()) {
        return nullptr;
    }
    struct encoding {
        const functions& f;
        unsigned char* der = nullptr;
        int size;
        encoding(const functions& of, X509* of_x) noexcept : f(of), size(f.i2d_X509(of_x, &der)) {}
        encoding(const encoding&) = delete;
        encoding& operator=(const encoding&) = delete;
        ~encoding() { f.CRYPTO_free(der, __FILE__, __LINE__); }
    } const bytes(f_, x);
    if (bytes.size <= 0) {
        return nullptr;
    }
    const certificate_key key({bytes.der, static_cast<std::size_t>(bytes.size)}, {});
    table::flight_type flight{&key, key.hash};
    certificate_entry* twin = nullptr;
    try {
        twin = table_->begin(flight);
    } catch (const std::exception&) {
        return nullptr;
    }
    if (twin != nullptr) {
        if (!twin->has_bytes_of(key)) {
            f_.X509_free(twin->x509);
            return nullptr;
        }
        if (earned) {
            table_->earn(*twin);
        }
        return twin->x509;
    }
    unless_landed aloft{table_, flight};
    std::unique_ptr<certificate_entry> e = enter(x, key, earned);
    if (e == nullptr) {
        return nullptr;
    }
    f_.X509_up_ref(x);
    aloft.in = nullptr;
    table_->publish(flight, *e.release());
    return x;
}

namespace {

// OpenSSL writes out a name relative to the CRL's issuer when it first looks at the extensions. Where it cannot, the first use of
// the object is refused, and each later one goes on as if the extensions behind it were not there.
[[nodiscard]] bool has_relative_distribution_point(const functions& f, const X509* x) noexcept {
    const int at = f.X509_get_ext_by_NID(x, NID_crl_distribution_points, -1);
    if (at < 0) {
        return false;
    }
    const ASN1_OCTET_STRING* const value = f.X509_EXTENSION_get_data(f.X509_get_ext(x, at));
    return has_relative_name(
        {f.ASN1_STRING_get0_data(value), static_cast<std::size_t>(f.ASN1_STRING_length(value))});
}

} // namespace

// OpenSSL 3.0 can clear the whole queue when it finds a fault (an ERR_pop_to_mark without its mark). What a program has in
// there is worth more than this question.
bool certificate_cache::has_sound_extensions(const functions& f, X509* x) noexcept {
    if (has_relative_distribution_point(f, x)) {
        return false;
    }
    if (f.ERR_peek_error() != 0) {
        return true;
    }
    const std::uint32_t flags = f.X509_get_extension_flags(x);
    constexpr std::uint32_t unsound = EXFLAG_INVALID | EXFLAG_NO_FINGERPRINT;
    // Self-issued, and not signed by itself: few are, and one where there was no memory to see it looks like that, too.
    const bool self_issued = (flags & (EXFLAG_SI | EXFLAG_SS)) == EXFLAG_SI;
    // The parameters of no other algorithm take memory.
    const bool known_signature = f.X509_get_signature_nid(x) != NID_rsassaPss ||
                                 f.X509_get_signature_info(x, nullptr, nullptr, nullptr, nullptr) == 1;
    const bool sound = (flags & unsound) == 0 && !self_issued && known_signature;
    f.ERR_clear_error();
    return sound;
}

bool certificate_cache::shares(const X509* x) const noexcept {
    const certificate_entry* const e = entry_of(x);
    return e != nullptr && !e->changed.load(std::memory_order_relaxed);
}

int certificate_cache::verify(X509* x, EVP_PKEY* key) noexcept {
    certificate_entry* const e = entry_of(x);
    // A signature is checked with the algorithms of the certificate's context; for the null context that is this thread's.
    if (e == nullptr || e->changed.load(std::memory_order_relaxed) || !in_default_context()) {
        return f_.X509_verify(x, key);
    }
    return memo_.verify(e->verified, x, key);
}

std::uint64_t certificate_cache::link(const X509* x, const EVP_PKEY* key) const noexcept {
    return shares(x) && in_default_context() ? memo_.token(key) : 0;
}

bool certificate_cache::has_verified(const X509* x, std::uint64_t link) const noexcept {
    const certificate_entry* const e = entry_of(x);
    return e != nullptr && link != 0 && signature_memo::knows(e->verified, link);
}

void certificate_cache::set_verified(const X509* x, std::uint64_t link) noexcept {
    if (certificate_entry* const e = entry_of(x); e != nullptr && link != 0) {
        signature_memo::remember(e->verified, link);
    }
}

const parse_context* certificate_cache::origin(const X509* x) const noexcept {
    const certificate_entry* const e = entry_of(x);
    return e != nullptr ? &e->context : nullptr;
}

bool certificate_cache::detach(const X509* x) noexcept {
    certificate_entry* const e = entry_of(x);
    if (e == nullptr) {
        return false;
    }
    e->changed.store(true, std::memory_order_release); // before the first write
    writes_.fetch_add(1, std::memory_order_release);
    if (!table_->detach(*e)) {
        return false;
    }
    // Somebody holds `x`, or could not change it; so this drop is never the last.
    table_->drop_retained_if([e](const certificate_entry& kept) { return &kept == e; });
    return true;
}

void certificate_cache::earn(X509* x) noexcept {
    if (certificate_entry* const e = entry_of(x)) {
        table_->earn(*e);
    }
}

void certificate_cache::stop() noexcept {
    stop_finding();
    table_->retain({});
}

void certificate_cache::forget_context(const OSSL_LIB_CTX* context) noexcept {
    const auto of_context = [context](const certificate_entry& e) { return e.context.given == context; };
    table_->detach_if(of_context);
    table_->drop_retained_if(of_context);
}

} // namespace ibid::openssl
