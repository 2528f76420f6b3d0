// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace twinpatch::cpu {

/// Matrices of the Toom-Cook / Winograd correlation F(m, r): m outputs of a filter of r taps from n = m + r − 1 inputs
/// with n products, y = Aᵀ[(G g) ∘ (Bᵀ d)], for the points 0, 1, −1, 2, −2, ½, … and infinity (Winograd 1980; Lavin &
/// Gray 2016). Each row of Bᵀ is divided by its largest entry and that of G multiplied by it: this keeps the
/// transformed inputs near the inputs' size and costs nothing, since weights are transformed once, in double.
template <int kOutputs, int kTaps>
struct WinogradMatrices {
  static constexpr int kPoints = kOutputs + kTaps - 1;

  double input[kPoints][kPoints] = {};    // Bᵀ
  double filter[kPoints][kTaps] = {};     // G
  double output[kOutputs][kPoints] = {};  // Aᵀ

  constexpr WinogradMatrices() {
    constexpr double kPlaces[] = {0, 1, -1, 2, -2, 0.5, -0.5, 4};
    static_assert(kPoints - 1 <= 8);
    double powers[kPoints][kPoints] = {};  // of the points; the last row is infinity
    for (int i = 0; i + 1 < kPoints; ++i) {
      double power = 1;
      for (int j = 0; j < kPoints; ++j, power *= kPlaces[i]) powers[i][j] = power;
    }
    powers[kPoints - 1][kPoints - 1] = 1;
    for (int i = 0; i < kPoints; ++i) {
      const bool infinity = i == kPoints - 1;
      for (int j = 0; j < kOutputs; ++j) output[j][i] = infinity ? (j == kOutputs - 1) : powers[i][j];
      for (int j = 0; j < kTaps; ++j) filter[i][j] = infinity ? (j == kTaps - 1) : powers[i][j];
    }
    invert(powers);
    for (int i = 0; i < kPoints; ++i) {
      double largest = 0;
      for (int j = 0; j < kPoints; ++j) {
        const double value = powers[j][i];  // Bᵀ = (powers⁻¹)ᵀ
        input[i][j] = value > -1e-12 && value < 1e-12 ? 0 : value;
        largest = larger(largest, input[i][j]);
      }
      for (int j = 0; j < kPoints; ++j) input[i][j] /= largest;
      for (int j = 0; j < kTaps; ++j) filter[i][j] *= largest;
    }
  }

 private:
  static constexpr double larger(double largest, double value) {
    const double size = value < 0 ? -value : value;
    return size > largest ? size : largest;
  }

  /// Gauss-Jordan with row exchanges, in place.
  static constexpr void invert(double (&matrix)[kPoints][kPoints]) {
    double wide[kPoints][2 * kPoints] = {};
    for (int i = 0; i < kPoints; ++i) {
      for (int j = 0; j < kPoints; ++j) wide[i][j] = matrix[i][j];
      wide[i][kPoints + i] = 1;
    }
    for (int column = 0; column < kPoints; ++column) {
      int best = column;
      for (int i = column; i < kPoints; ++i) {
        if (larger(0, wide[i][column]) > larger(0, wide[best][column])) best = i;
      }
      const double pivot = wide[best][column];
      for (int j = 0; j < 2 * kPoints; ++j) {
        const double value = wide[best][j] / pivot;
        wide[best][j] = wide[column][j];
        wide[column][j] = value;
      }
      for (int i = 0; i < kPoints; ++i) {
        const double factor = i == column ? 0 : wide[i][column];
        for (int j = 0; j < 2 * kPoints; ++j) wide[i][j] -= factor * wide[column][j];
      }
    }
    for (int i = 0; i < kPoints; ++i) {
      for (int j = 0; j < kPoints; ++j) matrix[i][j] = wide[i][kPoints + j];
    }
  }
};

template <int kOutputs, int kTaps>
inline constexpr WinogradMatrices<kOutputs, kTaps> kWinograd{};

}  // namespace twinpatch::cpu
