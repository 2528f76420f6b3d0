// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace simt {
namespace {

constexpr std::size_t kSpaceBytes = std::size_t{1} << 40;  // reserved, not used
constexpr std::size_t kPadding = 256;                      // what cudaMalloc aligns to
constexpr int kPoison = 0xFF;
/// Of a larger allocation only so much at either end is filled: the rest takes no memory until it is written, so that
/// offsets beyond 32 bits can be tested.
constexpr std::size_t kFilledEnds = std::size_t{64} << 20;

std::size_t page() {
  static const auto kPage = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return kPage;
}

std::size_t round_up(std::size_t value, std::size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/// Up to 256 bytes on either side of an allocation that belong to nobody.
struct Borders {
  char* before;
  std::size_t before_bytes;
  char* after;
  std::size_t after_bytes;
};

Borders borders_of(const Allocation& a) {
  const std::size_t before = std::min<std::size_t>(static_cast<std::size_t>(a.start - a.region), kPadding);
  char* const end = a.start + a.bytes;
  return {a.start - before, before, end, static_cast<std::size_t>(a.region + a.region_bytes - end)};
}

void guard(const Allocation& a, bool on) {
#if defined(__SANITIZE_ADDRESS__)
  const Borders b = borders_of(a);
  if (on) {
    __asan_poison_memory_region(b.before, b.before_bytes);
    __asan_poison_memory_region(b.after, b.after_bytes);
  } else {
    __asan_unpoison_memory_region(b.before, b.before_bytes);
    __asan_unpoison_memory_region(b.after, b.after_bytes);
  }
#else
  (void)a;
  (void)on;
#endif
}

/// With the address sanitizer the borders are poisoned, and it reports the write itself.
bool borders_intact([[maybe_unused]] const Allocation& a) {
#if !defined(__SANITIZE_ADDRESS__)
  const Borders b = borders_of(a);
  const auto intact = [](char byte) { return static_cast<unsigned char>(byte) == kPoison; };
  return std::all_of(b.before, b.before + b.before_bytes, intact) &&
         std::all_of(b.after, b.after + b.after_bytes, intact);
#else
  return true;
#endif
}

std::string name_of(const Allocation& a) {
  return std::string(a.device < 0 ? "pinned host memory" : "memory of device " + std::to_string(a.device)) + " of " +
         std::to_string(a.bytes) + " bytes";
}

}  // namespace

Memory::Memory() {
  void* space = mmap(nullptr, kSpaceBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) throw std::bad_alloc();
  space_ = static_cast<char*>(space);
}

Memory::~Memory() {
  for (auto& [start, allocation] : allocations_) guard(allocation, false);
  (void)munmap(space_, kSpaceBytes);
}

Allocation* Memory::reserve(std::size_t bytes, int device) {
  const std::size_t region_bytes = round_up(std::max<std::size_t>(bytes, 1), page());
  if (region_bytes + page() > kSpaceBytes - used_) return nullptr;
  char* const region = space_ + used_;
  used_ += region_bytes + page();
  Allocation allocation;
  allocation.region = region;
  allocation.region_bytes = region_bytes;
  allocation.start =
      region + region_bytes - std::min(round_up(std::max<std::size_t>(bytes, 1), kPadding), region_bytes);
  allocation.bytes = bytes;
  allocation.device = device;
  return &allocations_.emplace(allocation.start, allocation).first->second;
}

void Memory::protect(const Allocation& a, bool open) const {
  if (mprotect(a.region, a.region_bytes, open ? PROT_READ | PROT_WRITE : PROT_NONE) != 0) throw std::bad_alloc();
}

void Memory::make_live(Allocation& a) {
  protect(a, true);
  const std::size_t ends = std::min(a.bytes, kFilledEnds);
  std::memset(a.start, kPoison, ends);
  std::memset(a.start + (a.bytes - ends), kPoison, ends);
  const Borders b = borders_of(a);
  std::memset(b.before, kPoison, b.before_bytes);
  std::memset(b.after, kPoison, b.after_bytes);
  guard(a, true);
  a.live = true;
  if (a.device < 0) return;
  live_.push_back(&a);
  if (a.device != open_device_ && a.device != other_device_) protect(a, false);
}

void Memory::discard(Allocation& a) {
  protect(a, true);
  const bool intact = borders_intact(a);
  guard(a, false);
  (void)madvise(a.region, a.region_bytes, MADV_DONTNEED);
  protect(a, false);
  a.live = false;
  a.released = true;
  std::erase(live_, &a);
  if (!intact) throw std::runtime_error("bytes beside " + name_of(a) + " were written");
}

bool Memory::is_ours(const void* pointer) const {
  const auto* p = static_cast<const char*>(pointer);
  return p >= space_ && p < space_ + kSpaceBytes;
}

Allocation* Memory::find(const void* pointer) {
  if (!is_ours(pointer)) return nullptr;
  auto next = allocations_.upper_bound(const_cast<char*>(static_cast<const char*>(pointer)));
  if (next == allocations_.begin()) return nullptr;
  Allocation& a = std::prev(next)->second;
  return static_cast<const char*>(pointer) < a.start + std::max<std::size_t>(a.bytes, 1) ? &a : nullptr;
}

std::string Memory::describe(const void* pointer) {
  const auto* p = static_cast<const char*>(pointer);
  char address[32];
  std::snprintf(address, sizeof address, "address %p: ", pointer);
  if (!is_ours(pointer)) return std::string(address) + "not device memory";
  const auto next = allocations_.upper_bound(const_cast<char*>(p));
  if (next != allocations_.begin()) {
    const Allocation& a = std::prev(next)->second;
    if (p < a.region + a.region_bytes + page()) {
      const std::string state = a.released ? "freed " : a.live ? "" : "not yet allocated ";
      const std::string place =
          p < a.start + a.bytes
              ? "byte " + std::to_string(p - a.start) + " of "
              : std::to_string(p - a.start - static_cast<std::ptrdiff_t>(a.bytes)) + " bytes past the end of ";
      return address + place + state + name_of(a);
    }
  }
  if (next != allocations_.end() && p >= next->second.region) {
    return address + std::to_string(next->second.start - p) + " bytes before " + name_of(next->second);
  }
  return std::string(address) + "never allocated";
}

void Memory::open(int device, int other_device) {
  if (device == open_device_ && other_device == other_device_) return;
  for (Allocation* a : live_) {
    const bool was = a->device == open_device_ || a->device == other_device_;
    const bool is = a->device == device || a->device == other_device;
    if (was != is) protect(*a, is);
  }
  open_device_ = device;
  other_device_ = other_device;
}

void Memory::close() { open(-1, -1); }

void Memory::check_borders() const {
  for (const Allocation* a : live_) {
    if ((a->device == open_device_ || a->device == other_device_) && !borders_intact(*a)) {
      // Mend them, or the same write is reported for ever.
      const Borders b = borders_of(*a);
      std::memset(b.before, kPoison, b.before_bytes);
      std::memset(b.after, kPoison, b.after_bytes);
      throw std::runtime_error("bytes beside " + name_of(*a) + " were written");
    }
  }
}

}  // namespace simt
