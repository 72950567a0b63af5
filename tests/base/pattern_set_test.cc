#include "base/pattern_set.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

TEST(PatternSetTest, FindsEveryPatternAnywhereWhateverTheCase) {
  PatternSet set;
  const size_t user = *set.Add("user");
  const size_t start = *set.Add("^no");
  const size_t other = *set.Add("mailbox");
  ASSERT_THAT(set.Compile(), IsOk());
  const PatternHits hits = set.Match("No such USER");
  EXPECT_TRUE(hits.Has(user));
  EXPECT_TRUE(hits.Has(start));
  EXPECT_FALSE(hits.Has(other));
}

TEST(PatternSetTest, MatchesBytesThatAreNoUtf8) {
  PatternSet set;
  const size_t any = *set.Add("a.b");
  ASSERT_THAT(set.Compile(), IsOk());
  EXPECT_TRUE(set.Match("a\xFF"
                        "b")
                  .Has(any));
}

TEST(PatternSetTest, RefusesWhatIsNoPatternOrTooLarge) {
  PatternSet set;
  EXPECT_THAT(set.Add("a("), FailsWith("missing"));
  EXPECT_THAT(set.Add("((a{100}){100}){100}"), FailsWith(""));
  EXPECT_EQ(set.size(), 0U);
}

TEST(PatternSetTest, IsRightAlsoWhenTheSetRunsOutOfMemory) {
  // 64 KiB hold the program, but not the states that this text leads to.
  PatternSet set(64 << 10);
  for (char c = 'a'; c <= 'p'; ++c) ASSERT_THAT(set.Add(std::string(1, c) + "[a-p]{12}q"), IsOk());
  const size_t z = *set.Add("zz");
  const absl::Status compiled = set.Compile();
  if (!compiled.ok()) {
    EXPECT_THAT(compiled, FailsWith("too much memory"));
    return;
  }
  std::string text;
  unsigned random = 1;
  for (int i = 0; i < 3000; ++i) text += static_cast<char>('a' + (random = random * 1103515245 + 12345) / 65536 % 16);
  EXPECT_FALSE(set.Match(text).Has(z));
  EXPECT_TRUE(set.Match(text + "zz").Has(z));
}

}  // namespace
}  // namespace verifyd
