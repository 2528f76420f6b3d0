// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "simt/number16.hpp"

// The part of cuda_fp16.h that simple kernels need: names and conversions; see simt/number16.hpp for the rest.

using __half = simt::Number16<simt::Binary16>;
using __half2 = simt::Pair16<simt::Binary16>;
using half = __half;
using half2 = __half2;

inline __half __float2half(float a) { return {a}; }
inline __half __float2half_rn(float a) { return {a}; }
inline float __half2float(__half a) { return a.wide(); }
inline float2 __half22float2(__half2 a) { return {a.x.wide(), a.y.wide()}; }
inline __half2 __float22half2_rn(float2 a) { return {__half(a.x), __half(a.y)}; }
inline __half2 __floats2half2_rn(float a, float b) { return {__half(a), __half(b)}; }
inline __half2 __float2half2_rn(float a) { return {__half(a), __half(a)}; }
inline __half2 __halves2half2(__half a, __half b) { return {a, b}; }
inline __half2 __half2half2(__half a) { return {a, a}; }
inline __half2 make_half2(__half a, __half b) { return {a, b}; }
inline __half __low2half(__half2 a) { return a.x; }
inline __half __high2half(__half2 a) { return a.y; }
inline unsigned short __half_as_ushort(__half a) { return a.bits; }
inline __half __ushort_as_half(unsigned short bits) { return __half::of(bits); }
