// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/report.hpp"

#include <catch2/catch.hpp>

#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/file.hpp"

namespace {

using namespace twinpatch;
using Catch::Contains;

std::string page(int matches, int others) {
  const test::TemporaryFolder folder;
  const auto pixels = test::structured_patches(6, 16, 16, 3);
  test::Random random(4);
  PairList list;
  VerificationResult wide;
  wide.name = "wide";
  wide.matches = matches;
  wide.others = others;
  for (int i = 0; i < matches + others; ++i) {
    list.pairs.push_back({i % 6, (i + 1) % 6});
    list.matches.push_back(i < matches ? 1 : 0);
    wide.scores.push_back(static_cast<float>(random.normal()) + (i < matches ? 2.0F : 0.0F));
  }
  wide.fpr95 = {0.25, 0.25, 0.125, 0.25};
  wide.roc_auc = 0.9;
  wide.average_precision = 0.75;
  VerificationResult other = wide;
  other.name = "<other>";
  other.fpr95 = {0.5, 0.5, 0.375, 0.5};
  other.roc_auc = 0.95;
  write_report(folder / "report", "tests", {PixelType::u8, pixels.data(), 6, 16, 16}, list, std::vector{wide, other});
  return read_text_file(folder / "report" / "index.html");
}

TEST_CASE("a report marks the best of each column and needs nothing else", "[evaluate]") {
  const std::string html = page(40, 300);
  CHECK_THAT(html, Contains("<td class='best'>25.00 %</td>") && Contains("<td class='best'>12.50 %</td>"));
  CHECK_THAT(html, Contains("<td>50.00 %</td>") && Contains("<td>0.9000</td>"));
  CHECK_THAT(html, Contains("<td class='best'>0.9500</td>") && Contains("<td class='best'>0.7500</td>"));
  CHECK_THAT(html, Contains("&lt;other&gt;") && !Contains("<other>"));
  CHECK_THAT(html, Contains("data:image/png;base64,") && !Contains("http"));
}

TEST_CASE("the axis of a ROC curve begins where its pairs can show a rate", "[evaluate]") {
  CHECK_THAT(page(30, 7), Contains(">10 %</text>") && !Contains(">1 %</text>"));
  CHECK_THAT(page(30, 300), Contains(">0.1 %</text>") && !Contains(">0.01 %</text>"));
  CHECK_THAT(page(30, 1000), Contains(">0.1 %</text>") && !Contains(">0.01 %</text>"));
  CHECK_THAT(page(30, 1001), Contains(">0.01 %</text>"));
}

}  // namespace
