// SPDX-License-Identifier: Apache-2.0
#include "trust_file.h"

#include <algorithm>
#include <utility>

#include "crl_weight.h"
#include "ibid/hash.h"
#include "openssl/binding/error_queue.h"
#include "openssl/binding/locked_store.h"
#include "openssl/certificates/der.h"
#include "openssl/certificates/eligibility.h"
#include "strict_pem.h"

namespace ibid::openssl {

namespace {

[[nodiscard]] const OPENSSL_STACK* untyped(const void* stack) noexcept {
    return static_cast<const OPENSSL_STACK*>(stack);
}

// Owns an OpenSSL object for a scope. Not a unique_ptr, because its destructor is noexcept.
template <class T>
class owned {
public:
    owned(T* object, void (*free)(T*)) noexcept : object_(object), free_(free) {}
    owned(const owned&) = delete;
    owned& operator=(const owned&) = delete;
    ~owned() noexcept(false) {
        if (object_ != nullptr) {
            free_(object_);
        }
    }
    [[nodiscard]] T* get() const noexcept { return object_; }
    [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }

private:
    T* object_;
    void (*free_)(T*);
};

} // namespace

file_view::file_view(const file_content& of, file_mode read_as) noexcept : content(&of), mode(read_as) {
    const std::uint64_t whole[2] = {of.hash(), static_cast<std::uint64_t>(mode.kind) << 32 |
                                                   static_cast<std::uint32_t>(mode.type)};
    hash = hash_bytes(whole, sizeof whole);
}

std::size_t trust_file::weight() const noexcept {
    // Certificates are weighed in their own cache.
    return sizeof *this + sizeof *objects_ + content_->weight() +
           (objects_->objects.capacity() + in_store_order_.capacity()) * sizeof(trust_object) +
           weight_of_crls_;
}

// OpenSSL parses on the same stack, so this uses little of it.
std::unique_ptr<trust_file> trust_file::parse(const surroundings& in, const file_view& file,
                                              std::unique_ptr<const file_content> content) {
    std::unique_ptr<trust_file> made(new trust_file(in, file));
    {
        // If there is an error, OpenSSL reports it when it loads the file itself.
        const unseen_errors errors(in.f);
        if (!made->read(in, file) || made->objects_->objects.empty() || !errors.none() || !made->arrange()) {
            return nullptr;
        }
    }
    made->content_ = std::move(content);
    return made;
}

namespace {

[[nodiscard, gnu::noinline]] bool is_strict_pem(const file_content& text) {
    strict_pem whole(text);
    strict_pem::found found = strict_pem::found::block;
    while (found == strict_pem::found::block) {
        found = whole.next();
    }
    return found == strict_pem::found::end;
}

} // namespace

bool trust_file::read(const surroundings& in, const file_view& file) {
    if (file.mode == file_mode{file_kind::crls, X509_FILETYPE_ASN1}) {
        return read_crl(in, *file.content);
    }
    // OpenSSL ends a line at a NUL. The whole file is checked before any part is parsed, because there may be
    // a key at its end.
    return !file.content->contains(0) && is_strict_pem(*file.content) && read_pem(in, *file.content);
}

// The CRL must fill the file: OpenSSL never looks at what follows it, and it may be anything.
bool trust_file::read_crl(const surroundings& in, const file_content& der) {
    wiped_bytes whole(der.size());
    unsigned char* at = whole.data();
    for (const wiped_bytes& piece : der.pieces()) {
        at = std::ranges::copy(piece.all(), at).out;
    }
    trust_object& o = add_object();
    parse_crl(in, std::as_const(whole).all(), o);
    return o.crl != nullptr;
}

// A separate function, so that its stack frame is gone when OpenSSL parses.
[[gnu::noinline]] trust_object& trust_file::add_object() {
    return objects_->objects.emplace_back();
}

bool trust_file::read_pem(const surroundings& in, const file_content& text) {
    auto& objects = objects_->objects;
    // PEM_X509_INFO_read_bio gathers up to one certificate and one CRL, whichever comes first, and gives out
    // the certificate first.
    bool has_certificate = false;
    bool has_crl = false;
    const auto blocks = std::make_unique<strict_pem>(text);
    while (blocks->next() == strict_pem::found::block) {
        const bool is_crl = blocks->kind() == pem_kind::crl;
        if (mode_.kind == (is_crl ? file_kind::certificates : file_kind::crls)) {
            continue; // OpenSSL ignores it, too
        }
        if (is_crl ? has_crl : has_certificate) {
            has_certificate = false;
            has_crl = false;
        }
        trust_object& o = add_object(); // first, so that nothing is held if there is no memory
        if (is_crl) {
            parse_crl(in, blocks->content(), o);
            has_crl = true;
        } else {
            parse_certificate(in, blocks->content(), o);
            has_certificate = true;
        }
        if (o.certificate == nullptr && o.crl == nullptr) {
            return false;
        }
        if (!is_crl && has_crl) {
            std::swap(objects[objects.size() - 1], objects[objects.size() - 2]);
        }
    }
    return true;
}

// Writes to `o`, which belongs to this file: a reference in a return value would be lost if the thread were
// cancelled in the destructor of `x`. Bytes after the certificate would be trust settings, or ignored.
void trust_file::parse_certificate(const surroundings& in, std::span<const unsigned char> der,
                                   trust_object& o) {
    if (sequence_extent(der.data(), der.size()) != der.size()) {
        return;
    }
    const unsigned char* p = der.data();
    const owned x(in.f.d2i_X509(nullptr, &p, static_cast<long>(der.size())), in.f.X509_free);
    if (x.get() != nullptr && has_sound_extensions(in.certificates.f(), x.get())) {
        o.certificate = in.certificates.adopt(x.get(), true); // protected: the operator named the file
    }
}

// A CRL that is not equal to itself has no fingerprint: OpenSSL had no memory for the fingerprint, and
// reports no error for that.
void trust_file::parse_crl(const surroundings& in, std::span<const unsigned char> der, trust_object& o) {
    const functions& f = in.f;
    if (in.leaves_crls || sequence_extent(der.data(), der.size()) != der.size()) {
        return;
    }
    const unsigned char* p = der.data();
    owned crl(f.d2i_X509_CRL(nullptr, &p, static_cast<long>(der.size())), f.X509_CRL_free);
    if (crl.get() == nullptr || f.X509_CRL_match(crl.get(), crl.get()) != 0) {
        return;
    }
    // OpenSSL sorts the entries at the first search, under the CRL's lock, but tests without the lock whether
    // they are sorted. Another store's search must not be in the middle of that when a thread tests or forks.
    // So sort before sharing.
    const OPENSSL_STACK* const revoked = untyped(f.X509_CRL_get_REVOKED(crl.get()));
    if (f.OPENSSL_sk_num(revoked) > 0) {
        X509_REVOKED* found = nullptr;
        const auto* const any = static_cast<const X509_REVOKED*>(f.OPENSSL_sk_value(revoked, 0));
        f.X509_CRL_get0_by_serial(crl.get(), &found, f.X509_REVOKED_get0_serialNumber(any));
    }
    weight_of_crls_ += parsed_weight(der);
    has_crls_ = true;
    o.crl = crl.release();
}

// Loads a temporary store as OpenSSL would, to record the resulting order. A hash table depends on the order
// in which objects were added, which add_in_file_order() preserves.
bool trust_file::arrange() {
    const functions& f = *f_;
    const std::size_t all = objects_->objects.size();
    const owned scratch(f.X509_STORE_new(), f.X509_STORE_free);
    if (scratch.get() == nullptr || add_in_file_order(scratch.get()) != all) {
        return false;
    }
    if (f.version().stores_are_tables()) {
        return true;
    }
    in_store_order_.reserve(all);
    const OPENSSL_STACK* const objects = untyped(f.X509_STORE_get0_objects(scratch.get()));
    const int count = f.OPENSSL_sk_num(objects);
    for (int i = 0; i < count; ++i) {
        const auto* const o = static_cast<const X509_OBJECT*>(f.OPENSSL_sk_value(objects, i));
        in_store_order_.push_back({f.X509_OBJECT_get0_X509(o), f.X509_OBJECT_get0_X509_CRL(o)});
    }
    return count > 0;
}

bool trust_file::usable(certificate_cache& certificates) const {
    return std::ranges::all_of(objects_->objects, [&](const trust_object& o) {
        return o.certificate == nullptr || certificates.is_as_parsed(o.certificate);
    });
}

int trust_file::add_to(X509_STORE* store) const {
    const std::size_t all = objects_->objects.size();
    const std::size_t added = fill_empty(store) ? all : add_in_file_order(store);
    const bool counts = added == all || mode_.kind == file_kind::certificates_and_crls;
    return counts ? static_cast<int>(added) : 0;
}

// Adds objects until one cannot be added. Returns how many were added.
std::size_t trust_file::add_in_file_order(X509_STORE* store) const {
    std::size_t added = 0;
    for (const trust_object& o : objects_->objects) {
        if ((o.certificate != nullptr ? f_->X509_STORE_add_cert(store, o.certificate)
                                      : f_->X509_STORE_add_crl(store, o.crl)) == 0) {
            break;
        }
        ++added;
    }
    return added;
}

namespace {

// Elements of a store's list, each with a reference to a certificate or CRL, before they are in the list.
class fresh_objects {
public:
    explicit fresh_objects(const functions& f) : f_(f) {}
    fresh_objects(const fresh_objects&) = delete;
    fresh_objects& operator=(const fresh_objects&) = delete;
    ~fresh_objects() noexcept(false) {
        while (!objects_.empty()) {
            X509_OBJECT* const o = objects_.back();
            objects_.pop_back();
            f_.X509_OBJECT_free(o);
        }
    }

    // False: there is no memory.
    [[nodiscard]] bool make(std::span<const trust_object> of) {
        objects_.reserve(of.size());
        for (const trust_object& o : of) {
            X509_OBJECT* const fresh = f_.X509_OBJECT_new();
            if (fresh == nullptr) {
                return false;
            }
            objects_.push_back(fresh);
            if ((o.certificate != nullptr ? f_.X509_OBJECT_set1_X509(fresh, o.certificate)
                                          : f_.X509_OBJECT_set1_X509_CRL(fresh, o.crl)) == 0) {
                return false;
            }
        }
        return true;
    }

    // Appends to a list that has room for all.
    void move_to(OPENSSL_STACK* list) {
        for (X509_OBJECT* const o : objects_) {
            f_.OPENSSL_sk_push(list, o);
        }
        objects_.clear();
    }

private:
    const functions& f_;
    std::vector<X509_OBJECT*> objects_;
};

} // namespace

// A store without objects needs no search for duplicates: it gets the objects as OpenSSL would leave them.
// False: the store has objects, or there was no memory, or it is a hash table, which reading its list would
// convert. Then the store is unchanged.
bool trust_file::fill_empty(X509_STORE* store) const {
    const functions& f = *f_;
    if (in_store_order_.empty()) {
        return false;
    }
    const errors_as_before unsaid(f);
    const auto list = [&] { return reinterpret_cast<OPENSSL_STACK*>(f.X509_STORE_get0_objects(store)); };
    fresh_objects fresh(f);
    {
        const locked_store lock(f, store);
        if (!lock.is_locked() || f.OPENSSL_sk_num(list()) != 0) {
            return false;
        }
    }
    if (!fresh.make(in_store_order_)) {
        return false;
    }
    const locked_store lock(f, store);
    if (!lock.is_locked() || f.OPENSSL_sk_num(list()) != 0 ||
        f.OPENSSL_sk_reserve(list(), static_cast<int>(in_store_order_.size())) == 0) {
        return false;
    }
    fresh.move_to(list());
    return true;
}

void settle_errors(const functions& f, file_mode mode, int count) {
    if (mode.type != X509_FILETYPE_PEM || count == 0 || f.ERR_peek_last_error() == 0) {
        return;
    }
    if (mode.kind == file_kind::crls) {
        f.ERR_clear_error(); // X509_load_crl_file, 3.0 to 4.0
        return;
    }
    static constexpr char nothing[] = "\n";
    static constexpr char no_password[] = "";
    struct open_bio {
        const functions& f;
        BIO* bio;
        ~open_bio() noexcept(false) { f.BIO_free(bio); }
    } const end{f, f.BIO_new_mem_buf(nothing, 1)};
    struct read_infos {
        const functions& f;
        OPENSSL_STACK* stack;
        ~read_infos() noexcept(false) {
            f.OPENSSL_sk_pop_free(stack, reinterpret_cast<OPENSSL_sk_freefunc>(f.X509_INFO_free));
        }
    } const none{f, reinterpret_cast<OPENSSL_STACK*>(f.PEM_X509_INFO_read_bio_ex(
                        end.bio, nullptr, nullptr, const_cast<char*>(no_password), nullptr, nullptr))};
}

bool can_settle_errors(const functions& f, file_mode mode) {
    return mode.kind != file_kind::certificates || f.ERR_peek_last_error() == 0;
}

} // namespace ibid::openssl
