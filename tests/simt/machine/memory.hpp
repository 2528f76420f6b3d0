// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace simt {

/// One piece of device memory, or of pinned host memory (device −1). It ends at the end of its last page but for the
/// padding to 256 bytes; the page behind it is never opened.
struct Allocation {
  char* start = nullptr;
  std::size_t bytes = 0;
  char* region = nullptr;  ///< first page
  std::size_t region_bytes = 0;
  int device = -1;
  std::uint64_t pool = 0;
  bool live = false;      ///< made, as seen by the device
  bool released = false;  ///< freed, as seen by the host

  [[nodiscard]] bool contains(const void* pointer, std::size_t size) const {
    const auto* p = static_cast<const char*>(pointer);
    return p >= start && p <= start + bytes && size <= static_cast<std::size_t>(start + bytes - p);
  }
};

/// Address space that is handed out once and never again. Not thread-safe: the machine's lock guards it.
class Memory {
 public:
  Memory();
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// An address, not to be touched yet. Null where the address space is used up.
  Allocation* reserve(std::size_t bytes, int device);
  /// Fills it with 0xFF, a very large one at its ends. Pinned memory is open from now on.
  void make_live(Allocation& allocation);
  /// Gives the pages back; the addresses stay closed for good. Throws std::runtime_error where bytes beside it were
  /// written.
  void discard(Allocation& allocation);

  /// The allocation that holds this address, dead ones included; null if none ever did.
  [[nodiscard]] Allocation* find(const void* pointer);
  /// "4 bytes past the end of device memory of 100 bytes", "in freed device memory …".
  [[nodiscard]] std::string describe(const void* pointer);
  [[nodiscard]] bool is_ours(const void* pointer) const;

  /// Opens the live memory of a device (of another too, for copies between them) to whoever runs; closes all else.
  void open(int device, int other_device);
  void close();
  /// Throws std::runtime_error naming the allocation where bytes beside one of the open ones were written.
  void check_borders() const;

  [[nodiscard]] const std::map<char*, Allocation>& allocations() const { return allocations_; }

 private:
  void protect(const Allocation& allocation, bool open) const;

  char* space_ = nullptr;
  std::size_t used_ = 0;
  std::map<char*, Allocation> allocations_;  // by start
  std::vector<Allocation*> live_;            // device memory alone
  int open_device_ = -1;
  int other_device_ = -1;
};

}  // namespace simt
