// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "svg_plots.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/vision/draw.hpp"

namespace twinpatch {
namespace {

constexpr int kWorstPairs = 40;

constexpr const char* kStyle = R"(
body{font:15px/1.5 system-ui,sans-serif;color:#1c1c1c;background:#fff;max-width:1000px;margin:2em auto;padding:0 1em}
h1{font-size:1.5em;margin-bottom:.2em}h2{font-size:1.15em;margin-top:2.2em;border-bottom:1px solid #ddd}
p.lead{color:#555;margin-top:0}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.3em .9em;text-align:right;border-bottom:1px solid #e5e5e5}th:first-child,td:first-child{text-align:left}
td.best{font-weight:600;background:#eef6ee}.key{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.5em}
svg{width:100%;height:auto;max-width:760px}svg text{font:11px system-ui,sans-serif;fill:#444}svg .title{font-size:12px}
svg .area{fill:#fff;stroke:#888}svg .grid{stroke:#eee}svg .mark{stroke:#a00;stroke-dasharray:4 3}svg .note{fill:#a00}
svg .matches{fill:#009e73;fill-opacity:.55}svg .others{fill:#d55e00;fill-opacity:.55}
.histograms{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:1em 2em}
.histograms h3{font-size:1em;margin:0}img{max-width:100%;border:1px solid #ccc}
)";

std::string base64(std::span<const std::byte> bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8U | (i + k < bytes.size() ? std::to_integer<unsigned>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? kDigits[group >> (18U - 6U * k) & 63U] : '=';
    }
  }
  return text;
}

std::string figures_table(std::span<const VerificationResult> results) {
  std::string html = "<table><tr><th>network</th>";
  for (int i = 0; i < 4; ++i) html += fmt::format("<th>FPR95 {}</th>", to_string(static_cast<Fpr95>(i)));
  html += "<th>ROC AUC</th><th>AP</th></tr>";
  const auto row = [](const VerificationResult& result) {  // figures of which the highest is best
    std::vector<double> figures;
    for (const double fpr95 : result.fpr95) figures.push_back(-fpr95);
    figures.push_back(result.roc_auc);
    figures.push_back(result.average_precision);
    return figures;
  };
  std::vector<double> best(results.empty() ? std::vector<double>() : row(results.front()));
  for (const VerificationResult& result : results) {
    const auto figures = row(result);
    std::transform(best.begin(), best.end(), figures.begin(), best.begin(),
                   [](double a, double b) { return std::max(a, b); });
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    html += fmt::format("<tr><td><span class='key' style='background:{}'></span>{}</td>", evaluate::palette(i),
                        evaluate::escape(results[i].name));
    const auto figures = row(results[i]);
    for (std::size_t k = 0; k < figures.size(); ++k) {
      html += fmt::format("<td{}>{}</td>", figures[k] >= best[k] ? " class='best'" : "",
                          k < 4 ? fmt::format("{:.2f} %", -100 * figures[k]) : fmt::format("{:.4f}", figures[k]));
    }
    html += "</tr>";
  }
  return html + "</table>";
}

/// The pairs of one kind that fool the scores most: others with the highest, matches with the lowest.
std::vector<Match> worst_pairs(const VerificationResult& result, const PairList& list, std::uint8_t label) {
  std::vector<Match> worst;
  for (std::size_t i = 0; i < list.pairs.size(); ++i) {
    if (list.matches[i] == label) worst.push_back({list.pairs[i].left, list.pairs[i].right, result.scores[i]});
  }
  const auto count = std::min<std::ptrdiff_t>(kWorstPairs, std::ssize(worst));
  std::partial_sort(worst.begin(), worst.begin() + count, worst.end(), [label](const Match& a, const Match& b) {
    if (a.score != b.score) return label == 1 ? a.score < b.score : a.score > b.score;
    return a.left != b.left ? a.left < b.left : a.right < b.right;
  });
  worst.resize(static_cast<std::size_t>(count));
  return worst;
}

std::string pictures(PatchView patches, const VerificationResult& result, const PairList& list, std::uint8_t label) {
  const std::vector<Match> worst = worst_pairs(result, list, label);
  if (worst.empty() || patches.type != PixelType::u8) return "<p>No pictures of these.</p>";
  const auto [low, high] = std::minmax(worst.front().score, worst.back().score);
  return fmt::format(
      "<p>Scores from {:.3g} down to {:.3g}: the worst is {}.</p>"
      "<img alt='pairs of patches' src='data:image/png;base64,{}'>",
      high, low, label == 1 ? "last" : "first", base64(draw_pairs_as_png(patches, patches, worst, kWorstPairs)));
}

}  // namespace

void write_report(const std::filesystem::path& folder, const std::string& dataset, PatchView patches,
                  const PairList& list, std::span<const VerificationResult> results) {
  if (results.empty()) throw InvalidArgument("a report needs at least one result");
  for (const VerificationResult& result : results) {
    if (result.scores.size() != list.pairs.size()) {
      throw InvalidArgument(
          fmt::format("{}: {} scores for {} pairs", result.name, result.scores.size(), list.pairs.size()));
    }
  }
  std::error_code failure;
  std::filesystem::create_directory(folder, failure);
  if (failure) throw IoError(folder.string(), "cannot make the folder of the report", failure.value());

  const VerificationResult& first = results.front();
  std::string html = fmt::format(
      "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
      "<title>{0}: verification</title><style>{1}</style></head><body><h1>{0}</h1>"
      "<p class='lead'>{2} pairs of the same point, {3} of different ones. Lower FPR95 is better: of the pairs of "
      "different points, the share that is accepted when 95 % of the matches are.</p>",
      evaluate::escape(dataset), kStyle, first.matches, first.others);
  html += figures_table(results);
  html += "<h2>ROC curves</h2>" + evaluate::roc_plot(results, list.matches);
  html +=
      "<h2>Scores</h2><p>Green: the same point. Orange: different points. The bars of each colour sum to one.</p>"
      "<div class='histograms'>";
  for (const VerificationResult& result : results) {
    html += "<div><h3>" + evaluate::escape(result.name) + "</h3>" + evaluate::score_histogram(result, list.matches) +
            "</div>";
  }
  html += "</div>";
  html += fmt::format("<h2>Worst false positives of {}</h2>", evaluate::escape(first.name));
  html += pictures(patches, first, list, 0);
  html += fmt::format("<h2>Worst false negatives of {}</h2>", evaluate::escape(first.name));
  html += pictures(patches, first, list, 1);
  html += "</body></html>\n";

  AtomicFile page(folder / "index.html");
  page.write(html);
  page.commit();
}

}  // namespace twinpatch
