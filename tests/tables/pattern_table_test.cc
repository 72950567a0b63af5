#include "tables/pattern_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;

class PatternTableTest : public testing::Test {
 protected:
  absl::Status Parse(absl::string_view text) {
    values_.clear();
    auto table = PatternTable::Parse("re2", text, [this](absl::string_view value) -> absl::Status {
      if (value == "bad") return absl::InvalidArgumentError("found bad");
      values_.emplace_back(value);
      return absl::OkStatus();
    });
    if (!table.ok()) return table.status();
    table_ = *table;
    return absl::OkStatus();
  }
  std::string Find(absl::string_view text) {
    const std::optional<PatternTable::Found> found = table_->Find(text);
    if (!found.has_value()) return "none";
    return found->substituted.value_or(values_.at(found->value));
  }

  std::vector<std::string> values_;
  std::shared_ptr<const PatternTable> table_;
};

TEST_F(PatternTableTest, TheFirstPatternThatMatchesDecides) {
  ASSERT_THAT(Parse("/^joe@/ reject\n# rest\n/@example\\.com$/   ok with a text\n/./ reject\n"), IsOk());
  EXPECT_THAT(values_, ElementsAre("reject", "ok with a text"));
  EXPECT_EQ(Find("joe@example.com"), "reject");
  EXPECT_EQ(Find("ann@example.com"), "ok with a text");
  EXPECT_EQ(Find("ann@example.org"), "reject");
  EXPECT_EQ(Find(""), "none");
}

TEST_F(PatternTableTest, CaseDoesNotMatterUnlessTheFlagSaysSo) {
  ASSERT_THAT(Parse("/^ANN@/ folded\n/^Joe@/i exact\n"), IsOk());
  EXPECT_EQ(Find("ann@x"), "folded");
  EXPECT_EQ(Find("Joe@x"), "exact");
  EXPECT_EQ(Find("joe@x"), "none");
}

TEST_F(PatternTableTest, FlagsMeanWhatTheyMeanInPcreTable) {
  ASSERT_THAT(Parse("/^a.b$/ dot\n/^c.d$/s no line end\n/^e$/m a line\n/f(.+)g/U short $1\n/h/A begins\n/^i$/E end\n"),
              IsOk());
  EXPECT_EQ(Find("a\nb"), "dot");
  EXPECT_EQ(Find("c\nd"), "none");
  EXPECT_EQ(Find("x\ne\ny"), "a line");
  EXPECT_EQ(Find("f1g2g"), "short 1");
  EXPECT_EQ(Find("xh"), "none");
  EXPECT_EQ(Find("hx"), "begins");
  EXPECT_EQ(Find("i"), "end");
}

TEST_F(PatternTableTest, AnyCharacterMayDelimitAPattern) {
  ASSERT_THAT(Parse(",^a/b$, comma\n|^c\\|d$| bar\n"), IsOk());
  EXPECT_EQ(Find("a/b"), "comma");
  EXPECT_EQ(Find("c|d"), "bar");
  EXPECT_EQ(Find("c"), "none");
}

TEST_F(PatternTableTest, ANegatedPatternIsForWhatDoesNotMatch) {
  ASSERT_THAT(Parse("!/\\.example\\.com$/ outside\n! ! /^a/ twice\n"), IsOk());
  EXPECT_EQ(Find("mail.example.org"), "outside");
  EXPECT_EQ(Find("mail.example.com"), "none");
  EXPECT_EQ(Find("a.example.com"), "twice");
}

TEST_F(PatternTableTest, ABlockIsForWhatMatches) {
  ASSERT_THAT(
      Parse("if /@example\\.com$/\n/^joe/ joe\nIF !/^ann/\n/./ others\nENDIF\nendif\nif !/x/\nendif\n/^ann/ ann\n"),
      IsOk());
  EXPECT_EQ(Find("joe@example.com"), "joe");
  EXPECT_EQ(Find("bob@example.com"), "others");
  EXPECT_EQ(Find("ann@example.com"), "ann");
  EXPECT_EQ(Find("joe@example.org"), "none");
}

TEST_F(PatternTableTest, GroupsArePutInWhereTheValueNamesThem) {
  ASSERT_THAT(Parse("/^(.*)\\+(.*)@(a|(b))\\.example$/ reject $2 of ${1}$(4) for $$5, $${1}\n/^x/ costs 1$$\n"),
              IsOk());
  EXPECT_THAT(values_, ElementsAre("reject x of xx for $5, ${1}", "costs 1$"));
  EXPECT_EQ(Find("joe+list@a.example"), "reject list of joe for $5, ${1}");
  EXPECT_EQ(Find("joe+list@b.example"), "reject list of joeb for $5, ${1}");
  EXPECT_EQ(Find("xy"), "costs 1$");
}

TEST_F(PatternTableTest, WhatIsPutInIsPrintableAndBounded) {
  ASSERT_THAT(Parse("/^(.*)@/ reject $1\n"), IsOk());
  EXPECT_EQ(Find("a\r\nb\x80@x"), "reject a??b?");
  EXPECT_EQ(Find(std::string(5000, 'a') + "@x").size(), PatternTable::kMaxValue);
}

TEST_F(PatternTableTest, ErrorsNameFileAndLine) {
  EXPECT_THAT(Parse("/a/ ok\n\n/(/ ok\n"), FailsWith("re2:3: pattern \"(\": missing )"));
  EXPECT_THAT(Parse("/a)(b/A ok\n"), FailsWith("re2:1: pattern \"a)(b\""));
  EXPECT_THAT(Parse("/(a)\\1/ ok\n"), FailsWith("invalid escape sequence"));
  EXPECT_THAT(Parse("/a/x ok\n"), FailsWith("re2:1: found \"x\", expected flags"));
  EXPECT_THAT(Parse("/a ok\n"), FailsWith("re2:1: found \"/a ok\", expected a second \"/\""));
  EXPECT_THAT(Parse("/a\\"), FailsWith("expected a second \"/\""));
  EXPECT_THAT(Parse("example.com ok\n"), FailsWith("re2:1: found \"example.com ok\", expected /PATTERN/FLAGS"));
  EXPECT_THAT(Parse("/a/ bad\n"), FailsWith("re2:1: found bad"));
  EXPECT_THAT(Parse("/(a)/ $2\n"), FailsWith("found \"$2\", expected $$, or the number of one of the 1 groups"));
  EXPECT_THAT(Parse("!/(a)/ $1\n"), FailsWith("one of the 0 groups"));
  for (const char* value : {"$", "$x", "$0", "${1", "$(1}", "$1x", "${}"}) {
    EXPECT_THAT(Parse(absl::StrCat("/(a)/ ", value, "\n")), FailsWith("re2:1: found \"$")) << value;
  }
  EXPECT_THAT(Parse("endif\n"), FailsWith("re2:1: found \"endif\""));
  EXPECT_THAT(Parse("if /a/ b\nendif\n"), FailsWith("re2:1: found \"b\", expected nothing"));
  EXPECT_THAT(Parse("if /a/\n"), FailsWith("re2: found an \"if\" without its \"endif\""));
}

TEST_F(PatternTableTest, TooManyOrTooLargePatternsAreRefused) {
  std::string many;
  for (int i = 0; i < 1001; ++i) absl::StrAppend(&many, "/a", i, "/ ok\n");
  EXPECT_THAT(Parse(many), FailsWith("re2:1001: expected at most 1000 patterns"));
  EXPECT_THAT(Parse("/((a{100}){100}){100}/ ok\n"), FailsWith("re2:1: pattern"));
}

TEST_F(PatternTableTest, HostileTextCostsItsLength) {
  ASSERT_THAT(Parse("/^(a+)+$/ backtracks\n/(x+x+)+y/ so does this\n"), IsOk());
  EXPECT_EQ(Find(std::string(100000, 'a') + "b"), "none");
  EXPECT_EQ(Find(std::string(100000, 'x')), "none");
}

TEST_F(PatternTableTest, ATableThatSaysNothingFindsNothing) {
  ASSERT_THAT(Parse("# nothing\n"), IsOk());
  EXPECT_EQ(Find("joe@example.com"), "none");
}

}  // namespace
}  // namespace verifyd
