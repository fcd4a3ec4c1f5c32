// SPDX-License-Identifier: Apache-2.0
//
// A process that forges ibid's published data, to keep a reader busy, or waiting for ever. For tests of the
// command. Prints "ready" and waits to be killed; exits with 77 if the system does not allow this.
//
//     hostile_process FOLDER silent_block     the block is memory that is never filled (userfaultfd(2))
//     hostile_process FOLDER silent_anchor    the same for the location of its certificates
//     hostile_process FOLDER files            ten thousand files with a block each
//     hostile_process FOLDER many             64 million certificates, a megabyte each, all the same memory
//     hostile_process FOLDER different        the same, and each has different bytes
//     hostile_process FOLDER encodings        a heap in which everything looks like a certificate
//     hostile_process FOLDER silent_encoding  what looks like a certificate points to such memory, too
//     hostile_process FOLDER vast             64 TiB of memory of which hardly a page is used
#include "statistics/layout.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <elf.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using namespace ibid::shared_statistics;

constexpr int cannot = 77;

std::uint64_t address_of(const void* p) {
    return reinterpret_cast<std::uintptr_t>(p);
}

char* memory(std::size_t bytes) {
    void* const p =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        std::exit(cannot);
    return static_cast<char*>(p);
}

// A reader of this memory in another process waits until this process ends.
char* silent_memory(std::size_t bytes) {
    char* const p = memory(bytes);
    const auto handler = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC));
    uffdio_api api{UFFD_API, 0, 0};
    uffdio_register range{{address_of(p), bytes}, UFFDIO_REGISTER_MODE_MISSING, 0};
    if (handler < 0 || ::ioctl(handler, UFFDIO_API, &api) != 0 ||
        ::ioctl(handler, UFFDIO_REGISTER, &range) != 0)
        std::exit(cannot);
    return p;
}

template <std::size_t N>
void put(shared_text<N>& to, const std::string& text) {
    for (std::size_t i = 0; i < N && i < text.size(); ++i)
        to[i] = text[i];
}

std::string element(char tag, const std::string& content) {
    const std::size_t n = content.size();
    return std::string{tag, '\x83', static_cast<char>(n >> 16), static_cast<char>(n >> 8),
                       static_cast<char>(n)} +
           content;
}

// A TBSCertificate of nearly a megabyte, most of which is a subject with many attributes.
std::string large_certificate() {
    const std::string part = element(0x31, element(0x30, element(0x06, "\x55\x04\x03") + element(0x0c, "x")));
    std::string name;
    while (name.size() < 1'000'000)
        name += part;
    const std::string time = std::string("\x17\x0d") + "260101000000Z";
    return element(0x30, std::string("\x02\x01\x05") + element(0x30, "") + element(0x30, "") +
                             element(0x30, time + time) + element(0x30, name) + element(0x30, ""));
}

constexpr std::size_t file_bytes = std::size_t{1} << 20;

// An ELF file with ibid's note, and the block to which the note points.
struct forged_file {
    char* start;
    process_block* block;

    forged_file(int file, int number, bool silent) {
        start = static_cast<char*>(::mmap(nullptr, file_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0));
        if (start == MAP_FAILED)
            std::exit(cannot);
        auto* const header = reinterpret_cast<Elf64_Ehdr*>(start);
        std::memcpy(header->e_ident, ELFMAG, SELFMAG);
        header->e_ident[EI_CLASS] = ELFCLASS64;
        header->e_phoff = sizeof(Elf64_Ehdr);
        header->e_phentsize = sizeof(Elf64_Phdr);
        header->e_phnum = 2;
        auto* const segments = reinterpret_cast<Elf64_Phdr*>(start + header->e_phoff);
        segments[0].p_type = PT_LOAD;
        segments[1].p_type = PT_NOTE;
        segments[1].p_offset = segments[1].p_vaddr = 0x400;
        segments[1].p_filesz = segments[1].p_memsz = sizeof(Elf64_Nhdr) + 8 + sizeof(note_content);
        auto* const note = reinterpret_cast<Elf64_Nhdr*>(start + 0x400);
        *note = {5, sizeof(note_content), note_type};
        std::memcpy(note + 1, "ibid", 5);
        auto* const content = reinterpret_cast<note_content*>(start + 0x400 + sizeof(Elf64_Nhdr) + 8);
        block = reinterpret_cast<process_block*>(silent ? silent_memory(1 << 16) : start + 0x10000);
        *content = {layout_version, sizeof(process_block),
                    static_cast<std::int64_t>(address_of(block) - address_of(&content->distance))};
        if (silent)
            return;
        block->magic = magic_number;
        block->version = layout_version;
        for (std::size_t i = 0; i < rows_of_process; ++i) {
            put(block->names[i].path,
                "/forged/" + std::to_string(number) + "/libcrypto.so." + std::to_string(i));
            block->names[i].state = static_cast<std::uint32_t>(row_state::ready);
            block->published[i].standing = static_cast<std::uint32_t>(standing::helped);
        }
    }
};

// A table of 64 arrays of a million slots, which all map the same memory; each slot is an entry, all with one
// X509.
std::uint64_t forged_certificates(bool each_other_bytes) {
    constexpr std::size_t slots = std::size_t{1} << 20;
    constexpr std::size_t different = 1024;
    const std::string der = large_certificate();
    auto* const a = reinterpret_cast<certificates_anchor*>(memory(1 << 16));
    auto* const words = reinterpret_cast<std::uint64_t*>(a) + 512; // 0: home's address; 8: home; 16: table
    words[0] = address_of(words + 8);
    words[9] = address_of(words + 16);
    auto* const array = reinterpret_cast<std::uint64_t*>(memory(slots * 8));
    words[16] = address_of(array) | 20;
    *a = {.magic = magic_number,
          .home = address_of(words),
          .slot_address = ~std::uint64_t{0},
          .retained = 0,
          .table = 8,
          .first_array = 0,
          .arrays_apart = 0,
          .arrays = 64,
          .entry_home = 0,
          .entry_x509 = 8,
          .entry_der_size = 16,
          .entry_bytes = 24};
    char* const copies = memory(different * (std::size_t{1} << 20)); // only the needed part is used
    char* const objects = memory(different * 256);
    const std::size_t used = each_other_bytes ? 256 : 1; // a quarter of a gigabyte
    for (std::size_t i = 0; i < used; ++i) {
        char* const copy = copies + i * (std::size_t{1} << 20);
        std::memcpy(copy, der.data(), der.size());
        copy[7] = static_cast<char>(i); // its serial number
        auto* const object = reinterpret_cast<std::uint64_t*>(objects + i * 256);
        object[14] = address_of(copy);
        object[15] = der.size();
        object[24] = 7;
    }
    auto* const entries = reinterpret_cast<std::uint64_t*>(memory(slots * 24));
    for (std::size_t i = 0; i < slots; ++i) {
        entries[3 * i] = address_of(words + 8);
        entries[3 * i + 1] = address_of(objects + i % used * 256);
        entries[3 * i + 2] = (std::size_t{1} << 20) - 1;
        array[i] = address_of(entries + 3 * i);
    }
    return address_of(a);
}

void fill_with_encodings() {
    const std::string der = large_certificate();
    char* const copy = memory(std::size_t{1} << 21);
    std::memcpy(copy, der.data(), der.size());
    constexpr std::size_t number = std::size_t{128} << 17; // words: 128 MiB
    auto* const words = reinterpret_cast<std::uint64_t*>(memory(number * 8));
    for (std::size_t i = 0; i + 12 < number; i += 12) {
        words[i] = address_of(copy) + i / 12 % 4096; // hardly one of them points to a certificate
        words[i + 1] = der.size();
        words[i + 10] = 1;
    }
}

} // namespace

int main(int count, char** words) {
    if (count != 3)
        return 2;
    const std::string path = std::string(words[1]) + "/libibid_preload.so";
    const std::string_view mode = words[2];
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0 || ::ftruncate(file, file_bytes) != 0)
        return cannot;
    if (mode == "vast") {
        char* const p = memory(std::size_t{64} << 40);
        for (std::size_t i = 0; i < 64; ++i)
            p[i << 40] = 1;
    } else if (mode == "silent_encoding") {
        auto* const object = reinterpret_cast<std::uint64_t*>(memory(1 << 16));
        object[0] = address_of(silent_memory(1 << 16));
        object[1] = 1000;
        object[10] = 1;
    } else if (mode == "encodings") {
        fill_with_encodings();
    } else {
        const forged_file first(file, 0, mode == "silent_block");
        for (int i = 1; mode == "files" && i < 10000; ++i)
            const forged_file another(file, i, false);
        if (mode == "silent_anchor")
            first.block->anchors[0] = address_of(silent_memory(1 << 16));
        if (mode == "many" || mode == "different")
            first.block->anchors[0] = forged_certificates(mode == "different");
    }
    std::puts("ready");
    std::fflush(stdout);
    for (;;)
        ::pause();
}
