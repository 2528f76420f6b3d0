// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/hpatches_protocol.hpp"

#include <catch2/catch.hpp>

#include <cstdio>

#include "support/real_data.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

const std::vector<std::string> kNames{"v_man", "i_fog"};
const std::vector<std::int64_t> kCounts{20, 9};
const HPatchesSequences kSequences{kNames, kCounts};

}  // namespace

TEST_CASE("verification pairs are those that NumPy draws for the authors' program") {
  // numpy.random.seed(42) and the calls of gen_verif, for three sequences of 7, 12 and 9 patches.
  const HPatchesVerificationTask task = draw_hpatches_verification(std::vector<std::int64_t>{7, 12, 9}, 6);
  struct Row {
    std::int32_t sequence, left_image, row, right_image, other_row, other_sequence, other_sequence_row;
  };
  const std::vector<Row> expected{{2, 4, 4, 3, 7, 1, 1}, {0, 4, 0, 2, 6, 1, 9}, {2, 2, 5, 3, 2, 1, 11},
                                  {2, 0, 7, 4, 4, 1, 1}, {0, 1, 0, 4, 1, 1, 9}, {0, 4, 1, 2, 6, 1, 3}};
  REQUIRE(task.positives.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    const Row& row = expected[i];
    const HPatchesPatch left{row.sequence, row.left_image, row.row};
    CHECK(task.positives[i] == HPatchesPair{left, {row.sequence, row.right_image, row.row}});
    CHECK(task.same_sequence[i] == HPatchesPair{left, {row.sequence, row.right_image, row.other_row}});
    CHECK(task.other_sequence[i] == HPatchesPair{left, {row.other_sequence, row.right_image, row.other_sequence_row}});
  }
  CHECK_THROWS_AS(draw_hpatches_verification(std::vector<std::int64_t>{7, 1}, 6), InvalidArgument);
  CHECK_THROWS_AS(draw_hpatches_verification({}, 6), InvalidArgument);
}

TEST_CASE("task files are read, and are there together or not at all") {
  const TemporaryFolder folder;
  const std::filesystem::path root = folder / ".";
  CHECK_FALSE(read_hpatches_verification(root, "a", kSequences));
  CHECK_FALSE(read_hpatches_retrieval(root, "a", kSequences));
  (void)folder.file("retr_queries_split-a.csv", "s,idx\nv_man,19\ni_fog,0\n");
  CHECK_THROWS_WITH(read_hpatches_retrieval(root, "a", kSequences), Contains("retr_distractors_split-a.csv"));
  (void)folder.file("retr_distractors_split-a.csv", "s,idx\r\nv_man,3\r\n\r\n");
  const auto retrieval = read_hpatches_retrieval(root, "a", kSequences);
  REQUIRE(retrieval);
  CHECK(retrieval->queries == std::vector<HPatchesPatch>{{0, 0, 19}, {1, 0, 0}});
  CHECK(retrieval->distractors == std::vector<HPatchesPatch>{{0, 0, 3}});

  const std::string header = "s1,t1,idx1,s2,t2,idx2\n";
  (void)folder.file("verif_pos_split-a.csv", header + "v_man,0,3,v_man,5,3\n");
  (void)folder.file("verif_neg_intra_split-a.csv", header + "v_man,0,3,v_man,5,4\n");
  (void)folder.file("verif_neg_inter_split-a.csv", header + "v_man,0,3,i_fog,5,8");
  const auto verification = read_hpatches_verification(root, "a", kSequences);
  REQUIRE(verification);
  CHECK(verification->other_sequence == std::vector<HPatchesPair>{{{0, 0, 3}, {1, 5, 8}}});
  (void)folder.file("verif_neg_inter_split-a.csv", header + "v_man,0,3,i_fog,5,8\nv_man,0,3,i_fog,5,7\n");
  CHECK_THROWS_WITH(read_hpatches_verification(root, "a", kSequences), Contains("expected 1 pairs, as in verif_pos"));
}

TEST_CASE("task files of another version or layout are refused in one line") {
  const TemporaryFolder folder;
  const std::filesystem::path root = folder / ".";
  (void)folder.file("retr_distractors_split-a.csv", "s,idx\nv_man,3\n");
  const auto refused = [&](const std::string& text, const std::string& words) {
    CAPTURE(text);
    (void)folder.file("retr_queries_split-a.csv", text);
    CHECK_THROWS_WITH(read_hpatches_retrieval(root, "a", kSequences), Contains(words) && Contains("retr_queries"));
    CHECK_THROWS_AS(read_hpatches_retrieval(root, "a", kSequences), FormatError);
  };
  refused("s,idx\nv_man,3\nv_man,20\n", "line 3: expected the number of a patch of v_man, which has 20, found \"20\"");
  refused("s,idx\nv_men,3\n", "line 2: sequence \"v_men\" is not one of the split's 2");
  refused("s,t,idx\nv_man,1,3\n", "line 1: expected the header \"s,idx\", found \"s,t,idx\"; task files of another");
  refused("s,idx\nv_man,3,4\n", "line 2: expected the end of the line, found \"4\"");
  refused("s,idx\nv_man,three\n", "found \"three\"");
  refused("s,idx\nv_man,-1\n", "found \"-1\"");
  refused("s,idx\nv_man\n", "found \"\"");
  refused("s,idx\n", "no patches");
  refused("", "expected the header");
  (void)folder.file("verif_pos_split-a.csv", "s1,t1,idx1,s2,t2,idx2\nv_man,6,3,v_man,5,3\n");
  (void)folder.file("verif_neg_intra_split-a.csv", "");
  (void)folder.file("verif_neg_inter_split-a.csv", "");
  CHECK_THROWS_WITH(read_hpatches_verification(root, "a", kSequences), Contains("the number of an image"));
}

TEST_CASE("splits are read from splits.json") {
  const TemporaryFolder folder;
  const std::filesystem::path root = folder / ".";
  CHECK_THROWS_AS(hpatches_split(root, "a"), IoError);
  (void)folder.file("splits.json", R"({"b": {"test": ["v_man", "i_fog"], "train": []}, "a": {"test": ["i_fog"]}})");
  CHECK(hpatches_split(root, "b") == kNames);
  CHECK_THROWS_WITH(hpatches_split(root, "view"), Contains("no split \"view\", only a, b"));
  std::filesystem::create_directory(folder / "splits");  // where hpatches-benchmark has it
  (void)folder.file("splits/splits.json", R"({"view": {"test": ["v_man"]}})");
  CHECK(hpatches_split(root, "view") == std::vector<std::string>{"v_man"});
  std::filesystem::remove_all(folder / "splits");
  (void)folder.file("splits.json", R"({"a": {"test": ["v_man", "v_man"]}})");
  CHECK_THROWS_WITH(hpatches_split(root, "a"), Contains("twice"));
  (void)folder.file("splits.json", R"({"a": {"train": ["v_man"]}})");
  CHECK_THROWS_AS(hpatches_split(root, "a"), FormatError);
  (void)folder.file("splits.json", R"({"a": {"test": []}})");
  CHECK_THROWS_AS(hpatches_split(root, "a"), FormatError);
}

TEST_CASE("the authors' own files are read") {
  const auto folder = real_data("hpatches_protocol");
  if (folder.empty()) {
    std::puts("skipped: no HPatches task files");
    return;
  }
  for (const auto& [split, count] : {std::pair("a", 40U), std::pair("full", 116U), std::pair("view", 59U)}) {
    CAPTURE(split);
    const auto names = hpatches_split(folder, split);
    CHECK(names.size() == count);
    const std::vector<std::int64_t> counts(names.size(), 5000);
    const auto retrieval = read_hpatches_retrieval(folder, split, {names, counts});
    REQUIRE(retrieval);
    CHECK(retrieval->queries.size() == 10000);
    CHECK(retrieval->distractors.size() == 20000);
    CHECK_FALSE(read_hpatches_verification(folder, split, {names, counts}));
  }
}
