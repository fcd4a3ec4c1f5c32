// SPDX-License-Identifier: Apache-2.0
#include "trust_file.h"

#include <cstring>
#include <utility>

#include "error_queue.h"
#include "ibid/hash.h"
#include "locked_store.h"
#include "strict_pem.h"

namespace ibid::openssl {

namespace {

[[nodiscard]] const OPENSSL_STACK* untyped(const void* stack) noexcept {
    return static_cast<const OPENSSL_STACK*>(stack);
}

struct open_bio {
    const functions& f;
    BIO* bio;
    open_bio(const functions& of, std::span<const unsigned char> bytes) noexcept
        : f(of), bio(of.BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))) {}
    open_bio(const open_bio&) = delete;
    open_bio& operator=(const open_bio&) = delete;
    ~open_bio() { f.BIO_free(bio); }
};

// As OpenSSL reads trust files: who asks for a password gets an empty one.
[[nodiscard]] char* no_password() noexcept {
    static constexpr char empty[] = "";
    return const_cast<char*>(empty);
}

// What OpenSSL reads from a PEM file that may hold anything. Null when it refuses the file.
struct read_infos {
    const functions& f;
    OPENSSL_STACK* stack;
    read_infos(const functions& of, BIO* in)
        : f(of), stack(reinterpret_cast<OPENSSL_STACK*>(
                     of.PEM_X509_INFO_read_bio_ex(in, nullptr, nullptr, no_password(), nullptr, nullptr))) {}
    read_infos(const read_infos&) = delete;
    read_infos& operator=(const read_infos&) = delete;
    ~read_infos() { f.OPENSSL_sk_pop_free(stack, reinterpret_cast<OPENSSL_sk_freefunc>(f.X509_INFO_free)); }
};

} // namespace

file_view::file_view(std::span<const unsigned char> content, file_mode read_as) noexcept
    : bytes(content), mode(read_as) {
    const std::uint64_t whole[2] = {hash_bytes(bytes.data(), bytes.size()),
                                    static_cast<std::uint64_t>(mode.kind) << 32 |
                                        static_cast<std::uint32_t>(mode.type)};
    hash = hash_bytes(whole, sizeof whole);
}

trust_file::~trust_file() {
    drop_objects();
}

void trust_file::drop_objects() noexcept {
    for (const object& o : in_file_order_) {
        f_->X509_free(o.certificate);
        f_->X509_CRL_free(o.crl);
    }
    in_file_order_.clear();
}

std::size_t trust_file::weight() const noexcept {
    // Certificates weigh in their own cache. A CRL takes some five times its bytes: facts measured with `bench_openssl`.
    std::size_t crls = 0;
    for (const object& o : in_file_order_) {
        crls += o.crl != nullptr ? 1 : 0;
    }
    return sizeof *this + size_ + (in_file_order_.capacity() + in_store_order_.capacity()) * sizeof(object) +
           (crls != 0 ? 5 * size_ : 0);
}

std::optional<trust_file> trust_file::parse(const functions& f, certificate_cache& certificates,
                                            const file_view& file,
                                            std::shared_ptr<const unsigned char[]> bytes) {
    // OpenSSL reads lines from a file, and ends each at a NUL; from memory it does not.
    if (file.mode.type == X509_FILETYPE_PEM &&
        std::memchr(file.bytes.data(), 0, file.bytes.size()) != nullptr) {
        return std::nullopt;
    }
    std::optional<trust_file> made = trust_file(f);
    // Whatever OpenSSL has to say about this file it will say when it loads the file itself.
    bool shareable = false;
    {
        const unseen_errors errors(f);
        shareable = made->read_objects(certificates, file) && !made->in_file_order_.empty() &&
                    errors.none() && made->arrange();
    }
    for (const object& o : made->in_file_order_) {
        if (o.certificate != nullptr && !certificate_cache::has_sound_extensions(f, o.certificate)) {
            certificates.detach(o.certificate);
            shareable = false;
        }
    }
    if (!shareable) {
        return std::nullopt;
    }
    made->bytes_ = std::move(bytes);
    made->size_ = file.bytes.size();
    made->mode_ = file.mode;
    made->hash_ = file.hash;
    return made;
}

bool trust_file::read_objects(certificate_cache& certificates, const file_view& file) {
    if (file.mode == file_mode{file_kind::crls, X509_FILETYPE_ASN1}) {
        const unsigned char* p = file.bytes.data();
        return add_crl(f_->d2i_X509_CRL(nullptr, &p, static_cast<long>(file.bytes.size())));
    }
    if (file.mode.kind != file_kind::certificates && read_strict_crls(file.bytes)) {
        return true;
    }
    const open_bio in(*f_, file.bytes);
    if (in.bio == nullptr) {
        return false;
    }
    switch (file.mode.kind) {
    case file_kind::certificates_and_crls:
        return read_both(certificates, in.bio);
    case file_kind::certificates:
        return read_certificates(certificates, in.bio);
    case file_kind::crls:
        return read_crls(in.bio);
    }
    return false;
}

bool trust_file::read_both(certificate_cache& certificates, BIO* in) {
    const functions& f = *f_;
    const read_infos infos(f, in);
    const int count = f.OPENSSL_sk_num(infos.stack); // of a null one: -1
    bool all = count >= 0;
    for (int i = 0; i < count && all; ++i) {
        auto* const info = static_cast<X509_INFO*>(f.OPENSSL_sk_value(infos.stack, i));
        all = info->x509 == nullptr || add_certificate(certificates, info->x509);
        if (all && info->crl != nullptr) {
            f.X509_CRL_up_ref(info->crl);
            all = add_crl(info->crl);
        }
    }
    return all;
}

bool trust_file::read_certificates(certificate_cache& certificates, BIO* in) {
    const functions& f = *f_;
    for (;;) {
        f.ERR_set_mark();
        const std::unique_ptr<X509, decltype(f.X509_free)> x(
            f.PEM_read_bio_X509_AUX(in, nullptr, nullptr, no_password()), f.X509_free);
        if (x == nullptr) {
            const bool end = at_end();
            end ? f.ERR_pop_to_mark() : f.ERR_clear_last_mark();
            return end;
        }
        f.ERR_clear_last_mark();
        if (!add_certificate(certificates, x.get())) {
            return false;
        }
    }
}

// A large list is nearly always a file as OpenSSL writes it, and a third of what it costs is OpenSSL's way to the bytes.
bool trust_file::read_strict_crls(std::span<const unsigned char> text) {
    strict_pem blocks(text, PEM_STRING_X509_CRL);
    do {
        const auto der = blocks.next();
        const unsigned char* p = der.data();
        if (der.empty() || !add_crl(f_->d2i_X509_CRL(nullptr, &p, static_cast<long>(der.size())))) {
            drop_objects(); // all of it is OpenSSL's to read
            return false;
        }
    } while (!blocks.at_end());
    return true;
}

bool trust_file::read_crls(BIO* in) {
    const functions& f = *f_;
    for (;;) {
        f.ERR_set_mark();
        X509_CRL* const crl = f.PEM_read_bio_X509_CRL(in, nullptr, nullptr, no_password());
        if (crl == nullptr) {
            const bool end = at_end();
            end ? f.ERR_pop_to_mark() : f.ERR_clear_last_mark();
            return end;
        }
        f.ERR_clear_last_mark();
        if (!add_crl(crl)) {
            return false;
        }
    }
}

// The end of a PEM file is the one error that is none.
bool trust_file::at_end() const noexcept {
    const unsigned long error = f_->ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// OpenSSL sorts a list when it first searches in it, and whether it is sorted it asks without a lock: where a processor lets one
// thread see another's stores in another order, it may see that a list is sorted before it sees how, and not find what was
// revoked. So there it is sorted while nobody else has it. x86 keeps that order, and the list stays as it is in the file, since
// a program that shows it before the first search sees it so in stock.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) // to the sanitizer it is a race on any processor
constexpr bool stores_are_seen_in_order = true;
#else
constexpr bool stores_are_seen_in_order = false;
#endif

void trust_file::sort(X509_CRL* crl) const noexcept {
    const OPENSSL_STACK* const revoked = untyped(f_->X509_CRL_get_REVOKED(crl));
    if (f_->OPENSSL_sk_num(revoked) > 1) {
        X509_REVOKED* found = nullptr;
        const auto* const any = static_cast<const X509_REVOKED*>(f_->OPENSSL_sk_value(revoked, 0));
        f_->X509_CRL_get0_by_serial(crl, &found, f_->X509_REVOKED_get0_serialNumber(any));
    }
}

// Takes the reference. A CRL that is not equal to itself is one whose fingerprint OpenSSL had no memory to compute, of which it
// leaves no error.
bool trust_file::add_crl(X509_CRL* crl) {
    std::unique_ptr<X509_CRL, decltype(f_->X509_CRL_free)> owned(crl, f_->X509_CRL_free);
    if (crl == nullptr || f_->X509_CRL_match(crl, crl) != 0) {
        return false;
    }
    if (!stores_are_seen_in_order) {
        sort(crl);
    }
    in_file_order_.push_back({nullptr, crl});
    (void)owned.release();
    return true;
}

// OpenSSL has parsed `x` just now: into a shared certificate where its inner calls can be met. Where they cannot, it becomes
// the shared one now.
bool trust_file::add_certificate(certificate_cache& certificates, X509* x) {
    const functions& f = *f_;
    X509*& kept =
        in_file_order_.emplace_back().certificate; // first: nothing is held when there is no memory for it
    if (certificates.shares(x)) {
        f.X509_up_ref(x);
        kept = x;
        return true;
    }
    X509* const shared = certificates.adopt(x, true); // earned: the operator named the file
    if (shared == nullptr) {
        return false;
    }
    kept = shared;
    return true;
}

// Loads a store of our own as OpenSSL would, to see in which order it ends.
bool trust_file::arrange() {
    const functions& f = *f_;
    in_store_order_.reserve(in_file_order_.size()); // or fails while there is nothing to free
    X509_STORE* const scratch = f.X509_STORE_new();
    if (scratch == nullptr) {
        return false;
    }
    const bool added = add_to(scratch) == static_cast<int>(in_file_order_.size());
    const OPENSSL_STACK* const objects = untyped(f.X509_STORE_get0_objects(scratch));
    const int count = added ? f.OPENSSL_sk_num(objects) : 0;
    for (int i = 0; i < count; ++i) {
        const auto* const o = static_cast<const X509_OBJECT*>(f.OPENSSL_sk_value(objects, i));
        in_store_order_.push_back({f.X509_OBJECT_get0_X509(o), f.X509_OBJECT_get0_X509_CRL(o)});
    }
    f.X509_STORE_free(scratch);
    return count > 0;
}

bool trust_file::usable(const certificate_cache& certificates) const noexcept {
    if (changed_.load(std::memory_order_acquire)) {
        return false;
    }
    // Before the look at them: what is written to after this is seen next time.
    const std::uint64_t writes = certificates.writes();
    if (all_shared_at_.load(std::memory_order_relaxed) == writes) {
        return true;
    }
    for (const object& o : in_file_order_) {
        if (o.certificate != nullptr && !certificates.shares(o.certificate)) {
            return false;
        }
    }
    all_shared_at_.store(writes, std::memory_order_relaxed);
    return true;
}

bool trust_file::has(const X509_CRL* crl) const noexcept {
    for (const object& o : in_file_order_) {
        if (o.crl != nullptr && (crl == nullptr || o.crl == crl)) {
            return true;
        }
    }
    return false;
}

int trust_file::add_to(X509_STORE* store) const {
    const functions& f = *f_;
    if (fill_empty(store)) {
        return static_cast<int>(in_file_order_.size());
    }
    int count = 0;
    for (const object& o : in_file_order_) {
        const int added = o.certificate != nullptr ? f.X509_STORE_add_cert(store, o.certificate)
                                                   : f.X509_STORE_add_crl(store, o.crl);
        if (added == 0) {
            return mode_.kind == file_kind::certificates_and_crls ? count : 0;
        }
        ++count;
    }
    return count;
}

// A store without objects needs no search for duplicates: it gets the objects as OpenSSL would leave them. False: there
// are some already, or there was no memory; then the store is as it was.
bool trust_file::fill_empty(X509_STORE* store) const {
    const functions& f = *f_;
    const errors_as_before unsaid(f);
    const locked_store lock(f, store);
    auto* const objects = reinterpret_cast<OPENSSL_STACK*>(f.X509_STORE_get0_objects(store));
    const int count = static_cast<int>(in_store_order_.size());
    if (count == 0 || f.OPENSSL_sk_num(objects) != 0 || f.OPENSSL_sk_reserve(objects, count) == 0) {
        return false;
    }
    for (const object& o : in_store_order_) {
        X509_OBJECT* const fresh = f.X509_OBJECT_new();
        const bool filled =
            fresh != nullptr && (o.certificate != nullptr ? f.X509_OBJECT_set1_X509(fresh, o.certificate)
                                                          : f.X509_OBJECT_set1_X509_CRL(fresh, o.crl)) != 0;
        if (!filled || f.OPENSSL_sk_push(objects, fresh) == 0) {
            f.X509_OBJECT_free(fresh);
            while (f.OPENSSL_sk_num(objects) > 0) {
                f.X509_OBJECT_free(static_cast<X509_OBJECT*>(f.OPENSSL_sk_pop(objects)));
            }
            return false;
        }
    }
    return true;
}

void settle_errors(const functions& f, file_mode mode, int count) {
    if (mode.type != X509_FILETYPE_PEM || count == 0 || f.ERR_peek_last_error() == 0) {
        return;
    }
    if (mode.kind == file_kind::crls) {
        f.ERR_clear_error(); // X509_load_crl_file, 3.0 to 3.6
        return;
    }
    static constexpr unsigned char nothing[] = "\n";
    const open_bio end(f, {nothing, 1});
    const read_infos none(f, end.bio);
}

bool can_settle_errors(const functions& f, file_mode mode) noexcept {
    return mode.kind != file_kind::certificates || f.ERR_peek_last_error() == 0;
}

} // namespace ibid::openssl
