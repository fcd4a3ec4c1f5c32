// SPDX-License-Identifier: Apache-2.0
//
// Which versions of OpenSSL ibid helps.
//
// Law: with a version that ibid does not know, ibid does nothing. With a version that is newer than the
// tested ones, it works only after a trial of the assumptions on which sharing depends
// (instance/self_check.h). With a new major version it never works, because functions may have other types.
// docs/decisions/0019-openssl-4.md.
#pragma once

namespace ibid::openssl {

// As OpenSSL_version_num() gives it.
class openssl_version {
public:
    explicit constexpr openssl_version(unsigned long number) noexcept : number_(number) {}

    [[nodiscard]] constexpr unsigned major_part() const noexcept { return part(28, 0xf); }
    [[nodiscard]] constexpr unsigned minor_part() const noexcept { return part(20, 0xff); }
    [[nodiscard]] constexpr unsigned patch_part() const noexcept { return part(4, 0xff); }

    // Its functions have the types and the behaviour that ibid expects.
    [[nodiscard]] constexpr bool is_known() const noexcept { return major_part() == 3 || major_part() == 4; }

    // The tests have passed on a release of this minor version.
    [[nodiscard]] constexpr bool is_tested() const noexcept {
        return (major_part() == 3 && minor_part() <= 6) || (major_part() == 4 && minor_part() == 0);
    }

    // Why nothing may be shared with this version; null: sharing is possible.
    [[nodiscard]] constexpr const char* defect() const noexcept {
        return major_part() == 4 && minor_part() == 0 && patch_part() < 3
                   ? "OpenSSL 4.0.0 to 4.0.2 may crash where threads first use one certificate at once "
                     "(CVE-2026-84783)"
                   : nullptr;
    }

    // A trust store keeps its objects in a hash table, until X509_STORE_get0_objects() permanently converts
    // it to a list.
    [[nodiscard]] constexpr bool stores_are_tables() const noexcept { return major_part() >= 4; }

private:
    [[nodiscard]] constexpr unsigned part(unsigned shift, unsigned mask) const noexcept {
        return static_cast<unsigned>(number_ >> shift) & mask;
    }
    unsigned long number_;
};

} // namespace ibid::openssl
