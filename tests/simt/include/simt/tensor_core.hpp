// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

// ldmatrix, mma.sync and cp.async of sm_80, by their fragments as the PTX ISA lays them out. All lanes of a warp must
// come; a misaligned address is a fault.

namespace simt {

/// ldmatrix.x4: lane l gives the address of row l % 8 of matrix l / 8 (8 × 8 numbers of 16 bits); it gets numbers
/// 2(l % 4) and 2(l % 4) + 1 of row l / 4 of matrix m in to[m].
void load_matrices(const void* row, unsigned* to);

enum class Operand { half, bfloat16 };
/// mma.sync.m16n8k16 with fp32 sums: left 4 registers, right 2, sums 4. Products are exact; a sum's terms are cut off
/// at the 24th bit of the largest one and added: less exact than fp32, as tensor cores are (Fasi, Higham, Mikaitis,
/// Pranesh: Numerical behavior of NVIDIA tensor cores, 2021). Real ones cut off no more than that.
void multiply_add(Operand type, float* sums, const unsigned* left, const unsigned* right);

/// cp.async of 16 bytes, those after the first `bytes` zero. Happens at once or when it is waited for, by the machine's
/// seed: until then neither side may be touched.
void copy_async(void* to, const void* from, int bytes);
/// Ends a group of copies of this thread.
void commit_copies();
/// Until all but the last `pending` groups of this thread are there.
void wait_for_copies(int pending);

}  // namespace simt
