// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid.hpp"

#include <simt/device.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "async_copies.hpp"
#include "fiber.hpp"

// Gathered by shared_memory.ld; weak, as a program without kernels has none.
extern "C" {
extern char __attribute__((weak)) simt_shared_start[];
extern char __attribute__((weak)) simt_shared_stop[];
}

namespace simt {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kStackBytes = 512 * 1024;
#else
constexpr std::size_t kStackBytes = 128 * 1024;
#endif
constexpr unsigned char kPoison = 0xFF;

/// Not memset: red zones of the address sanitizer lie in between.
__attribute__((no_sanitize("address"), optimize("no-tree-loop-distribute-patterns"))) void fill(char* from, char* to) {
  for (; from < to; ++from) *from = static_cast<char>(kPoison);
}

enum class Waiting { no, barrier, warp };

struct Thread {
  std::unique_ptr<Fiber> fiber = std::make_unique<Fiber>(kStackBytes);
  Waiting waiting = Waiting::no;
  bool ended = false;
  uint3 index = {};
  // At a barrier or with its warp.
  detail::Vote vote = detail::Vote::none;
  int predicate = 0;
  int outcome = 0;
  unsigned mask = 0;
  const char* kind = nullptr;
  void* operand = nullptr;
};

/// Lanes by bits.
struct Warp {
  unsigned alive = 0;    ///< not ended
  unsigned arrived = 0;  ///< in a warp function, whatever its mask
};

/// One block while it runs. Threads are kept from block to block for their stacks.
class Block {
 public:
  void run(const GridLaunch& launch, uint3 index, Random& random);

  int barrier(detail::Vote vote, int predicate);
  void collective(unsigned mask, const char* kind, void* operand, detail::Combine combine);
  void maybe_yield();
  [[nodiscard]] int lane() const { return current_ % 32; }
  [[nodiscard]] std::byte* shared() { return shared_.get(); }
  [[nodiscard]] std::string describe() const;

 private:
  void step(int thread);
  void end_thread(int thread);
  bool release_barrier();
  /// Once all lanes of a mask have arrived; false where some of them are there with another one.
  bool combine_lanes(int me, detail::Combine combine);
  void make_ready(int thread) { ready_.push_back(thread); }
  [[nodiscard]] Warp& warp_of(int thread) { return warps_[static_cast<std::size_t>(thread / 32)]; }
  [[nodiscard]] std::string stuck() const;

  const GridLaunch* launch_ = nullptr;
  Random* random_ = nullptr;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  std::deque<int> ready_;
  std::uint64_t order_ = 0;
  int count_ = 0;
  int ended_ = 0;
  int at_barrier_ = 0;
  int current_ = -1;
  std::unique_ptr<std::byte[]> shared_;
};

Block* running = nullptr;

void Block::run(const GridLaunch& launch, uint3 index, Random& random) {
  launch_ = &launch;
  random_ = &random;
  blockIdx = index;
  forget_async_copies(random);
  count_ = static_cast<int>(launch.block.x * launch.block.y * launch.block.z);
  ended_ = at_barrier_ = 0;
  if (threads_.size() < static_cast<std::size_t>(count_)) threads_.resize(static_cast<std::size_t>(count_));
  // Of the exact size and new for each block, so that the address sanitizer sees its end.
  shared_.reset(new std::byte[std::max<std::size_t>(launch.shared, 1)]);
  fill(reinterpret_cast<char*>(shared_.get()), reinterpret_cast<char*>(shared_.get()) + launch.shared);
  ready_.clear();
  warps_.assign(static_cast<std::size_t>((count_ + 31) / 32), {});
  for (int i = 0; i < count_; ++i) {
    warp_of(i).alive |= 1u << i % 32;
    Thread& thread = threads_[static_cast<std::size_t>(i)];
    thread.waiting = Waiting::no;
    thread.ended = false;
    const auto id = static_cast<unsigned>(i);
    thread.index = {id % launch.block.x, id / launch.block.x % launch.block.y, id / (launch.block.x * launch.block.y)};
    thread.fiber->start(launch.thread);
    ready_.push_back(i);
  }
  // One of four orders: any, forwards, backwards, roughly backwards.
  order_ = random.below(4);
  while (ended_ < count_) {
    if (ready_.empty()) throw std::runtime_error(stuck());
    if (order_ == 1) {
      const int thread = ready_.front();
      ready_.pop_front();
      step(thread);
      continue;
    }
    const std::uint64_t among = order_ == 0 ? ready_.size() : order_ == 3 ? std::min<std::size_t>(ready_.size(), 4) : 1;
    int& picked = ready_[ready_.size() - 1 - random.below(among)];
    const int thread = std::exchange(picked, ready_.back());
    ready_.pop_back();
    step(thread);
  }
  current_ = -1;
}

void Block::step(int thread) {
  Thread& self = threads_[static_cast<std::size_t>(thread)];
  current_ = thread;
  threadIdx = self.index;
  switch (self.fiber->resume()) {
    case Fiber::State::finished:
      end_thread(thread);
      break;
    case Fiber::State::faulted: {
      const std::string where = describe();
      current_ = -1;
      throw std::runtime_error(where + ": " + self.fiber->fault_text());
    }
    default:
      break;
  }
}

void Block::end_thread(int thread) {
  Thread& self = threads_[static_cast<std::size_t>(thread)];
  self.ended = true;
  warp_of(thread).alive &= ~(1u << thread % 32);
  ++ended_;
  // Those that wait need wait for this one no longer: let one of them look again.
  (void)release_barrier();
  const int first = thread / 32 * 32;
  for (int i = first; i < std::min(first + 32, count_); ++i) {
    if (threads_[static_cast<std::size_t>(i)].waiting == Waiting::warp) {
      threads_[static_cast<std::size_t>(i)].waiting = Waiting::no;
      make_ready(i);
    }
  }
}

bool Block::release_barrier() {
  if (at_barrier_ == 0 || at_barrier_ + ended_ < count_) return false;
  int votes = 0;
  for (int i = 0; i < count_; ++i) {
    const Thread& thread = threads_[static_cast<std::size_t>(i)];
    if (thread.waiting == Waiting::barrier && thread.predicate != 0) ++votes;
  }
  for (int i = 0; i < count_; ++i) {
    Thread& thread = threads_[static_cast<std::size_t>(i)];
    if (thread.waiting != Waiting::barrier) continue;
    if (thread.vote == detail::Vote::count) thread.outcome = votes;
    if (thread.vote == detail::Vote::all) thread.outcome = votes == at_barrier_ ? 1 : 0;
    if (thread.vote == detail::Vote::any) thread.outcome = votes > 0 ? 1 : 0;
    thread.waiting = Waiting::no;
    if (i != current_) make_ready(i);
  }
  at_barrier_ = 0;
  return true;
}

int Block::barrier(detail::Vote vote, int predicate) {
  Thread& self = threads_[static_cast<std::size_t>(current_)];
  self.vote = vote;
  self.predicate = predicate;
  self.waiting = Waiting::barrier;
  ++at_barrier_;
  // The last to come goes back into the queue too: who runs first after a barrier is drawn anew.
  if (release_barrier()) make_ready(current_);
  Fiber::suspend();
  return self.outcome;
}

void Block::collective(unsigned mask, const char* kind, void* operand, detail::Combine combine) {
  const int me = current_;
  Thread& self = threads_[static_cast<std::size_t>(me)];
  const int first = me / 32 * 32;
  if ((mask >> (me - first) & 1) == 0) detail::fault("a warp function called by a lane outside its mask");
  self.mask = mask;
  self.kind = kind;
  self.operand = operand;
  Warp& warp = warp_of(me);
  warp.arrived |= 1u << (me - first);
  while ((mask & warp.alive & ~warp.arrived) != 0 || !combine_lanes(me, combine)) {
    self.waiting = Waiting::warp;
    Fiber::suspend();
    if (self.operand == nullptr) return;  // another lane has combined
  }
  make_ready(me);
  Fiber::suspend();
}

bool Block::combine_lanes(int me, detail::Combine combine) {
  const Thread& self = threads_[static_cast<std::size_t>(me)];
  const int first = me / 32 * 32;
  Warp& warp = warp_of(me);
  const unsigned present = self.mask & warp.alive;
  std::array<void*, 32> operands{};
  for (int l = 0; l < 32; ++l) {
    if ((present >> l & 1) == 0) continue;
    const Thread& other = threads_[static_cast<std::size_t>(first + l)];
    if (other.mask != self.mask) return false;  // in another branch with a mask of its own
    if (other.kind != self.kind && std::string(other.kind) != self.kind) {
      detail::fault("lanes of a warp call different functions");
    }
    operands[static_cast<std::size_t>(l)] = other.operand;
  }
  combine(present, operands.data());
  warp.arrived &= ~present;
  for (int l = 0; l < 32; ++l) {
    if ((present >> l & 1) == 0) continue;
    Thread& other = threads_[static_cast<std::size_t>(first + l)];
    other.operand = nullptr;
    if (other.waiting != Waiting::warp) continue;
    other.waiting = Waiting::no;
    make_ready(first + l);
  }
  return true;
}

void Block::maybe_yield() {
  if (!random_->one_in(4)) return;
  // Where it comes last: it may be spinning for another.
  if (order_ >= 2) {
    ready_.push_front(current_);
  } else {
    ready_.push_back(current_);
  }
  Fiber::suspend();
}

std::string Block::describe() const {
  if (current_ < 0) return "kernel " + launch_->name;
  const uint3 t = threads_[static_cast<std::size_t>(current_)].index;
  char text[128];
  std::snprintf(text, sizeof text, ", block (%u,%u,%u), thread (%u,%u,%u)", blockIdx.x, blockIdx.y, blockIdx.z, t.x,
                t.y, t.z);
  return "kernel " + launch_->name + text;
}

std::string Block::stuck() const {
  int in_warp = 0;
  const char* kind = "";
  for (int i = 0; i < count_; ++i) {
    const Thread& thread = threads_[static_cast<std::size_t>(i)];
    if (thread.waiting != Waiting::warp) continue;
    ++in_warp;
    kind = thread.kind;
  }
  return "kernel " + launch_->name + ": threads wait for others that never come: " + std::to_string(at_barrier_) +
         " at __syncthreads, " + std::to_string(in_warp) + " in " + (in_warp > 0 ? kind : "warp functions") + ", " +
         std::to_string(ended_) + " have left";
}

/// Kept for the stacks of its threads; never destroyed, as fibers may be abandoned in it.
Block& block_storage() {
  static Block* block = new Block;
  return *block;
}

}  // namespace

void run_grid(const GridLaunch& launch, Random& random) {
  blockDim = launch.block;
  gridDim = launch.grid;
  fill(simt_shared_start, simt_shared_stop);
  Block& block = block_storage();
  running = &block;
  struct Clear {
    ~Clear() { running = nullptr; }
  } clear;
  const std::uint64_t blocks = std::uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  // A permutation of the blocks that needs no table: i → (step·i + first) mod blocks, step prime to blocks.
  std::uint64_t step = random.below(blocks) | 1u;
  while (std::gcd(step, blocks) != 1) ++step;
  std::uint64_t at = random.below(blocks);
  for (std::uint64_t i = 0; i < blocks; ++i) {
    const std::uint64_t yz = at / launch.grid.x;
    block.run(launch,
              {static_cast<unsigned>(at % launch.grid.x), static_cast<unsigned>(yz % launch.grid.y),
               static_cast<unsigned>(yz / launch.grid.y)},
              random);
    at = (at + step) % blocks;
  }
}

std::string running_thread() { return running != nullptr ? running->describe() : std::string(); }

std::byte* dynamic_shared_memory() { return running->shared(); }

namespace detail {

namespace {
Block& block() {
  if (running == nullptr) {
    std::fputs("simt: a barrier, warp function or atomic outside of a kernel\n", stderr);
    std::abort();
  }
  return *running;
}
}  // namespace

int barrier(Vote vote, int predicate) { return block().barrier(vote, predicate); }
void collective(unsigned mask, const char* kind, void* operand, Combine combine) {
  block().collective(mask, kind, operand, combine);
}
int lane() { return block().lane(); }
void fault(const char* text) { Fiber::fail(text); }
void maybe_yield() { block().maybe_yield(); }

}  // namespace detail
}  // namespace simt
