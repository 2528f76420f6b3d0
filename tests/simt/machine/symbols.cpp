// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "symbols.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <vector>

namespace simt {
namespace {

/// Where this program was loaded: what its own addresses are offset by.
std::uintptr_t load_base() {
  std::uintptr_t base = 0;
  (void)dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* out) {
        *static_cast<std::uintptr_t*>(out) = info->dlpi_addr;
        return 1;  // the first is the program
      },
      &base);
  return base;
}

std::map<std::uintptr_t, std::string> read_symbols() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::map<std::uintptr_t, std::string> symbols;
  if (bytes.size() < sizeof(Elf64_Ehdr)) return symbols;
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(bytes.data());
  if (header->e_shoff + std::size_t{header->e_shnum} * sizeof(Elf64_Shdr) > bytes.size()) return symbols;
  const auto* sections = reinterpret_cast<const Elf64_Shdr*>(bytes.data() + header->e_shoff);
  const std::uintptr_t base = load_base();
  for (int i = 0; i < header->e_shnum; ++i) {
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    const auto* entries = reinterpret_cast<const Elf64_Sym*>(bytes.data() + sections[i].sh_offset);
    const char* names = bytes.data() + sections[sections[i].sh_link].sh_offset;
    for (std::size_t s = 0; s < sections[i].sh_size / sizeof(Elf64_Sym); ++s) {
      if (ELF64_ST_TYPE(entries[s].st_info) == STT_FUNC)
        symbols[base + entries[s].st_value] = names + entries[s].st_name;
    }
  }
  return symbols;
}

}  // namespace

std::string function_name(const void* address) {
  static const auto* const kSymbols = new std::map<std::uintptr_t, std::string>(read_symbols());
  const auto found = kSymbols->find(reinterpret_cast<std::uintptr_t>(address));
  if (found == kSymbols->end()) {
    char text[32];
    std::snprintf(text, sizeof text, "%p", address);
    return text;
  }
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(found->second.c_str(), nullptr, nullptr, &status), &std::free);
  std::string name = status == 0 ? plain.get() : found->second;
  // Without the parameters: from the parenthesis that closes last back to its partner.
  if (name.empty() || name.back() != ')') return name;
  int depth = 0;
  for (std::size_t i = name.size(); i-- > 0;) {
    if (name[i] == ')') ++depth;
    if (name[i] == '(' && --depth == 0) return name.substr(0, i);
  }
  return name;
}

}  // namespace simt
