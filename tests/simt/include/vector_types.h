// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

// CUDA's small vectors, aligned as on a device.

#define SIMT_VECTOR(name, type, alignment_1, alignment_2, alignment_4)        \
  struct alignas(alignment_1) name##1 {                                       \
    type x;                                                                   \
  };                                                                          \
  struct alignas(alignment_2) name##2 {                                       \
    type x, y;                                                                \
  };                                                                          \
  struct name##3 {                                                            \
    type x, y, z;                                                             \
  };                                                                          \
  struct alignas(alignment_4) name##4 {                                       \
    type x, y, z, w;                                                          \
  };                                                                          \
  inline name##1 make_##name##1(type x) { return {x}; }                       \
  inline name##2 make_##name##2(type x, type y) { return {x, y}; }            \
  inline name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; } \
  inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }

SIMT_VECTOR(char, signed char, 1, 2, 4)
SIMT_VECTOR(uchar, unsigned char, 1, 2, 4)
SIMT_VECTOR(short, short, 2, 4, 8)
SIMT_VECTOR(ushort, unsigned short, 2, 4, 8)
SIMT_VECTOR(int, int, 4, 8, 16)
SIMT_VECTOR(uint, unsigned int, 4, 8, 16)
SIMT_VECTOR(longlong, long long, 8, 16, 16)
SIMT_VECTOR(ulonglong, unsigned long long, 8, 16, 16)
SIMT_VECTOR(float, float, 4, 8, 16)
SIMT_VECTOR(double, double, 8, 16, 16)
#undef SIMT_VECTOR

struct dim3 {
  unsigned int x = 1;
  unsigned int y = 1;
  unsigned int z = 1;
  constexpr dim3(unsigned int x_size = 1, unsigned int y_size = 1, unsigned int z_size = 1)
      : x(x_size), y(y_size), z(z_size) {}
  constexpr dim3(uint3 size) : x(size.x), y(size.y), z(size.z) {}
};
