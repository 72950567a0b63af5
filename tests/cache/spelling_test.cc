#include "cache/spelling.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace verifyd {
namespace {

std::vector<std::string> AllOf(absl::string_view folded) {
  std::vector<std::string> all;
  for (std::string next = NextSpelling(folded, ""); !next.empty(); next = NextSpelling(folded, next)) {
    all.push_back(next);
  }
  return all;
}

TEST(SpellingTest, AllSpellingsComeInTheirOrderAndOnce) {
  EXPECT_EQ(AllOf("ab@x.example"),
            (std::vector<std::string>{"AB@x.example", "Ab@x.example", "aB@x.example", "ab@x.example"}));
  EXPECT_EQ(AllOf("7-\xC3\xBC@x.example"), std::vector<std::string>{"7-\xC3\xBC@x.example"});
  EXPECT_EQ(AllOf("a@b@x.example").size(), 4U);
}

TEST(SpellingTest, TheNextOneIsBehindWhateverStandsThere) {
  // Before all, between, a beginning of one, after one that goes on, after all.
  EXPECT_EQ(NextSpelling("ab@x.example", "000"), "AB@x.example");
  EXPECT_EQ(NextSpelling("ab@x.example", "AB@x.examplf"), "Ab@x.example");
  EXPECT_EQ(NextSpelling("ab@x.example", "A"), "AB@x.example");
  EXPECT_EQ(NextSpelling("ab@x.example", "Z"), "aB@x.example");
  EXPECT_EQ(NextSpelling("ab@x.example", "aZ"), "ab@x.example");
  EXPECT_EQ(NextSpelling("ab@x.example", "ab@x.example"), "");
  EXPECT_EQ(NextSpelling("ab@x.example", "ab@x.examplex"), "");
  EXPECT_EQ(NextSpelling("ab@x.example", "b"), "");
  EXPECT_EQ(NextSpelling("ab@x.example", "\xC3\xBC"), "");
}

}  // namespace
}  // namespace verifyd
