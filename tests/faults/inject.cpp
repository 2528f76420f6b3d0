// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
// A library to be preloaded: the n-th call of one kind fails, as it may on any machine.
//
//   TWINPATCH_FAULT=KIND:N[:HOW]   KIND: malloc, read, write, fsync, rename or open; N counts from 1, from main on.
//                                  HOW: an errno's number; for read and write also "short" (half of what was asked)
//   TWINPATCH_FAULT_COUNT=FILE     appends how many calls of the kind there were, when the process ends
//
// Only calls on regular files count (not sockets, /proc and the like), and only those of this process's own code and
// libraries that go through the dynamic linker.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
// The allocator below the names that are replaced here.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

struct Plan {
  char kind[16] = "";
  long number = -1;
  int error = EIO;
  bool is_short = false;
  const char* report = nullptr;
};

Plan plan;
std::atomic<long> calls = 0;
std::atomic<bool> armed = false;

/// Counts a call; true for the one that is to fail.
bool is_due(const char* kind) {
  if (!armed.load(std::memory_order_relaxed) || std::strcmp(plan.kind, kind) != 0) return false;
  return ++calls == plan.number;
}

bool is_file(int descriptor) {
  struct stat status {};
  return armed.load(std::memory_order_relaxed) && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

/// Fails a transfer, or makes it shorter and returns false.
bool fails(const char* kind, int descriptor, std::size_t& size) {
  if (!is_file(descriptor) || !is_due(kind)) return false;
  if (plan.is_short && size > 1) {
    size /= 2;
    return false;
  }
  errno = plan.error;
  return true;
}

void report() {
  armed = false;
  if (plan.report == nullptr) return;
  const int file = ::open(plan.report, O_WRONLY | O_CREAT | O_APPEND, 0600);
  char line[32];
  const int length = std::snprintf(line, sizeof(line), "%ld\n", calls.load());
  if (file >= 0 && ::write(file, line, static_cast<std::size_t>(length)) != length) std::abort();
  ::close(file);
}

void read_plan() {
  plan.report = std::getenv("TWINPATCH_FAULT_COUNT");
  const char* const text = std::getenv("TWINPATCH_FAULT");
  if (text == nullptr) return;
  char how[16] = "";
  if (std::sscanf(text, "%15[^:]:%ld:%15s", plan.kind, &plan.number, how) < 2) {
    std::fputs("inject: expected TWINPATCH_FAULT=KIND:N[:HOW]\n", stderr);
    std::_Exit(2);
  }
  plan.is_short = std::strcmp(how, "short") == 0;
  if (!plan.is_short && how[0] != '\0') plan.error = std::atoi(how);
  std::atexit(&report);
  armed = true;
}

using Main = int (*)(int, char**, char**);
Main program_main = nullptr;

int armed_main(int count, char** arguments, char** environment) {
  read_plan();
  return program_main(count, arguments, environment);
}

}  // namespace

extern "C" {

// Loading a program's libraries allocates and reads a great deal; what counts begins with its main.
int __libc_start_main(Main main, int count, char** arguments, void (*init)(), void (*fini)(), void (*unload)(),
                      void* stack_end) {
  using Start = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);
  program_main = main;
  return next<Start>("__libc_start_main")(&armed_main, count, arguments, init, fini, unload, stack_end);
}

void* malloc(std::size_t size) {
  if (!is_due("malloc")) return __libc_malloc(size);
  errno = ENOMEM;
  return nullptr;
}

void* calloc(std::size_t count, std::size_t size) {
  if (!is_due("malloc")) return __libc_calloc(count, size);
  errno = ENOMEM;
  return nullptr;
}

void* realloc(void* memory, std::size_t size) {
  if (!is_due("malloc")) return __libc_realloc(memory, size);
  errno = ENOMEM;
  return nullptr;
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  if (!is_due("malloc")) return __libc_memalign(alignment, size);
  errno = ENOMEM;
  return nullptr;
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  if (is_due("malloc")) return ENOMEM;
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

ssize_t read(int descriptor, void* to, std::size_t size) {
  if (fails("read", descriptor, size)) return -1;
  return next<ssize_t (*)(int, void*, std::size_t)>("read")(descriptor, to, size);
}

ssize_t pread(int descriptor, void* to, std::size_t size, off_t offset) {
  if (fails("read", descriptor, size)) return -1;
  return next<ssize_t (*)(int, void*, std::size_t, off_t)>("pread")(descriptor, to, size, offset);
}

ssize_t pread64(int descriptor, void* to, std::size_t size, off64_t offset) {
  return pread(descriptor, to, size, offset);
}

ssize_t write(int descriptor, const void* from, std::size_t size) {
  if (fails("write", descriptor, size)) return -1;
  return next<ssize_t (*)(int, const void*, std::size_t)>("write")(descriptor, from, size);
}

ssize_t pwrite(int descriptor, const void* from, std::size_t size, off_t offset) {
  if (fails("write", descriptor, size)) return -1;
  return next<ssize_t (*)(int, const void*, std::size_t, off_t)>("pwrite")(descriptor, from, size, offset);
}

ssize_t pwrite64(int descriptor, const void* from, std::size_t size, off64_t offset) {
  return pwrite(descriptor, from, size, offset);
}

int fsync(int descriptor) {
  if (is_due("fsync")) return errno = plan.error, -1;
  return next<int (*)(int)>("fsync")(descriptor);
}

int fdatasync(int descriptor) {
  if (is_due("fsync")) return errno = plan.error, -1;
  return next<int (*)(int)>("fdatasync")(descriptor);
}

int rename(const char* from, const char* to) {
  if (is_due("rename")) return errno = plan.error, -1;
  return next<int (*)(const char*, const char*)>("rename")(from, to);
}

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  const bool counts = std::strncmp(path, "/proc", 5) != 0 && std::strncmp(path, "/sys", 4) != 0;
  if (counts && is_due("open")) return errno = plan.error, -1;
  return next<int (*)(const char*, int, ...)>("open")(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return open(path, flags, mode);
}

}  // extern "C"
