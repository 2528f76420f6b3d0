// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace twinpatch::cpu {

/// How many products a correlation of one dimension takes, y = Aᵀ[(G g) ∘ (Bᵀ d)] with m outputs of a filter of r taps
/// from n = m + r − 1 inputs, by the Toom-Cook / Winograd method (Winograd 1980; Lavin & Gray 2016): one for each of n
/// points, or for n − 2 points and three for the polynomial x² + 1, the points i and −i together.
template <int kOutputs, int kTaps>
struct WinogradForm {
  static constexpr int kInputs = kOutputs + kTaps - 1;
  /// Ten points on the real line multiply rounding by a hundred more than seven; eight and ±i by less than seven do.
  static constexpr bool kComplex = kInputs >= 10;
  static constexpr int kReal = kComplex ? kInputs - 2 : kInputs;  ///< points on the real line, the last one infinity
  static constexpr int kPoints = kComplex ? kReal + 3 : kReal;
};

/// The matrices for the points 0, 1, −1, 2, −2, ½, −½ and infinity, in this order, then x² + 1: a polynomial's residue
/// there is u₀ + u₁x, and a product of two residues is made of u₀v₀, u₁v₁ and (u₀ + u₁)(v₀ + v₁) (Karatsuba).
/// Each row of Bᵀ is divided by its largest entry and that of G multiplied by it: this keeps the transformed inputs
/// near the inputs' size and costs nothing, since weights are transformed once, in double.
template <int kOutputs, int kTaps>
struct WinogradMatrices : WinogradForm<kOutputs, kTaps> {
  using Form = WinogradForm<kOutputs, kTaps>;
  static constexpr int kInputs = Form::kInputs;
  static constexpr int kReal = Form::kReal;
  static constexpr int kPoints = Form::kPoints;

  double input[kPoints][kInputs] = {};    // Bᵀ
  double filter[kPoints][kTaps] = {};     // G
  double output[kOutputs][kPoints] = {};  // Aᵀ

  constexpr WinogradMatrices() {
    double all[kInputs][kInputs] = {};
    residues<kInputs>(all);
    invert(all);  // column i: the coefficients that residue i gives
    for (int j = 0; j < kInputs; ++j) {
      for (int i = 0; i < kReal; ++i) input[i][j] = all[j][i];
      if (!Form::kComplex) continue;
      const double real = all[j][kInputs - 2];
      const double imaginary = all[j][kInputs - 1];
      input[kPoints - 3][j] = real - imaginary;   // of u₀v₀
      input[kPoints - 2][j] = -real - imaginary;  // of u₁v₁
      input[kPoints - 1][j] = imaginary;          // of (u₀ + u₁)(v₀ + v₁)
    }
    double of_outputs[kPoints][kOutputs] = {};
    factors<kOutputs>(of_outputs);
    factors<kTaps>(filter);
    for (int i = 0; i < kPoints; ++i) {
      for (int j = 0; j < kOutputs; ++j) output[j][i] = of_outputs[i][j];
      scale(i);
    }
  }

 private:
  static constexpr double larger(double largest, double value) {
    const double size = value < 0 ? -value : value;
    return size > largest ? size : largest;
  }

  constexpr void scale(int point) {
    double largest = 0;
    for (double& value : input[point]) {
      if (value > -1e-12 && value < 1e-12) value = 0;
      largest = larger(largest, value);
    }
    for (double& value : input[point]) value /= largest;
    for (double& value : filter[point]) value *= largest;
  }

  /// Residues of the powers x⁰ … of a polynomial with kLength coefficients, u₀ and u₁ last.
  template <int kLength>
  static constexpr void residues(double (&rows)[kInputs][kLength]) {
    constexpr double kPlaces[] = {0, 1, -1, 2, -2, 0.5, -0.5};
    static_assert(kReal - 1 <= 7);
    for (int i = 0; i + 1 < kReal; ++i) {
      double power = 1;
      for (int j = 0; j < kLength; ++j, power *= kPlaces[i]) rows[i][j] = power;
    }
    rows[kReal - 1][kLength - 1] = 1;
    for (int j = 0; Form::kComplex && j < kLength; ++j) rows[kReal + j % 2][j] = j % 4 < 2 ? 1 : -1;
  }

  /// What is multiplied, point by point, of a polynomial with kLength coefficients.
  template <int kLength>
  static constexpr void factors(double (&rows)[kPoints][kLength]) {
    double all[kInputs][kLength] = {};
    residues<kLength>(all);
    for (int j = 0; j < kLength; ++j) {
      for (int i = 0; i < kInputs; ++i) rows[i][j] = all[i][j];
      if (Form::kComplex) rows[kPoints - 1][j] = all[kInputs - 2][j] + all[kInputs - 1][j];
    }
  }

  /// Gauss-Jordan with row exchanges, in place.
  static constexpr void invert(double (&matrix)[kInputs][kInputs]) {
    double wide[kInputs][2 * kInputs] = {};
    for (int i = 0; i < kInputs; ++i) {
      for (int j = 0; j < kInputs; ++j) wide[i][j] = matrix[i][j];
      wide[i][kInputs + i] = 1;
    }
    for (int column = 0; column < kInputs; ++column) {
      int best = column;
      for (int i = column; i < kInputs; ++i) {
        if (larger(0, wide[i][column]) > larger(0, wide[best][column])) best = i;
      }
      const double pivot = wide[best][column];
      for (int j = 0; j < 2 * kInputs; ++j) {
        const double value = wide[best][j] / pivot;
        wide[best][j] = wide[column][j];
        wide[column][j] = value;
      }
      for (int i = 0; i < kInputs; ++i) {
        const double factor = i == column ? 0 : wide[i][column];
        for (int j = 0; j < 2 * kInputs; ++j) wide[i][j] -= factor * wide[column][j];
      }
    }
    for (int i = 0; i < kInputs; ++i) {
      for (int j = 0; j < kInputs; ++j) matrix[i][j] = wide[i][kInputs + j];
    }
  }
};

template <int kOutputs, int kTaps>
inline constexpr WinogradMatrices<kOutputs, kTaps> kWinograd{};

}  // namespace twinpatch::cpu
