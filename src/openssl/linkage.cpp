// SPDX-License-Identifier: Apache-2.0
#include "linkage.h"

#include <cstddef>

#include <dlfcn.h>
#include <link.h>

#include "features.h"
#include "settings.h"

namespace ibid::openssl {

namespace {

constexpr char linked_name[] = "d2i_X509";

// Whether a program's reference to d2i_X509 ends in ibid.
[[nodiscard]] bool met() noexcept {
    void* const found = dlvsym(RTLD_DEFAULT, linked_name, "OPENSSL_3.0.0");
    dl_find_object theirs{};
    dl_find_object ours{};
    return found != nullptr && _dl_find_object(found, &theirs) == 0 &&
           _dl_find_object(reinterpret_cast<void*>(&met), &ours) == 0 &&
           theirs.dlfo_link_map == ours.dlfo_link_map;
}

// The loader has replaced addresses in a dynamic section by where they are now, except where that section is read-only.
template <class T>
[[nodiscard]] const T* in_memory(const dl_find_object& object, ElfW(Addr) address) noexcept {
    const bool moved = address >= reinterpret_cast<ElfW(Addr)>(object.dlfo_map_start);
    return reinterpret_cast<const T*>(moved ? address : object.dlfo_link_map->l_addr + address);
}

struct relocations {
    const ElfW(Rela) * begin = nullptr;
    std::size_t bytes = 0;
    std::size_t relative = 0; // so many at the front name no symbol

    // Whether one of them is for a function that the module itself defines.
    [[nodiscard]] bool name_own_function(const ElfW(Sym) * symbols) const noexcept {
        for (std::size_t i = relative; begin != nullptr && i < bytes / sizeof(*begin); ++i) {
            const ElfW(Sym)& symbol = symbols[ELF64_R_SYM(begin[i].r_info)];
            if (symbol.st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol.st_info) == STT_FUNC) {
                return true;
            }
        }
        return false;
    }
};

} // namespace

bool binds_to_itself(const void* code) noexcept {
    dl_find_object object{};
    if (_dl_find_object(const_cast<void*>(code), &object) != 0) {
        return false;
    }
    const ElfW(Sym)* symbols = nullptr;
    relocations of_calls;
    relocations of_data; // and of calls, with -fno-plt
    for (const ElfW(Dyn)* d = object.dlfo_link_map->l_ld; d->d_tag != DT_NULL; ++d) {
        switch (d->d_tag) {
        case DT_SYMBOLIC:
            return true;
        case DT_FLAGS:
            if ((d->d_un.d_val & DF_SYMBOLIC) != 0) {
                return true;
            }
            break;
        case DT_SYMTAB:
            symbols = in_memory<ElfW(Sym)>(object, d->d_un.d_ptr);
            break;
        case DT_JMPREL:
            of_calls.begin = in_memory<ElfW(Rela)>(object, d->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            of_calls.bytes = d->d_un.d_val;
            break;
        case DT_RELA:
            of_data.begin = in_memory<ElfW(Rela)>(object, d->d_un.d_ptr);
            break;
        case DT_RELASZ:
            of_data.bytes = d->d_un.d_val;
            break;
        case DT_RELACOUNT:
            of_data.relative = d->d_un.d_val;
            break;
        default:
            break;
        }
    }
    return symbols != nullptr && !of_calls.name_own_function(symbols) && !of_data.name_own_function(symbols);
}

namespace {

[[nodiscard]] const char* obstacle(library& l) noexcept {
    if (l.certificates() != nullptr) {
        return nullptr;
    }
    if (environment().disabled) {
        return "IBID_DISABLE is set";
    }
    return l.known() ? "ibid stands aside: the program has given a thread a default library context of its "
                       "own, or wants "
                       "to be told of every certificate"
                     : "this OpenSSL is of a version or build that ibid does not know";
}

} // namespace

const char* why_not(library& l, ibid_openssl_feature feature) noexcept {
    circumstances here;
    here.obstacle = obstacle(l);
    here.met = met();
    here.symbolic = l.symbolic();
    here.verify_memo = environment().verify_memo;
    here.everything = environment().scope == scope_setting::all;
    const auto features = features_of(here);
    const auto answer = [&](feature_index i) { return features[i].active ? nullptr : features[i].why; };
    switch (feature) {
    case IBID_OPENSSL_FEATURE_PEERS:
        return answer(feature_peers);
    case IBID_OPENSSL_FEATURE_TRUST_STORES:
        return answer(feature_trust_stores);
    case IBID_OPENSSL_FEATURE_VERIFY_MEMO:
        return answer(feature_signatures);
    case IBID_OPENSSL_FEATURE_CALLS:
        return here.obstacle;
    }
    return "unknown feature";
}

} // namespace ibid::openssl
