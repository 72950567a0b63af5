#include "verifyd/settings/setting_syntax.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

absl::StatusOr<std::string> Expand(absl::string_view value, const std::map<std::string, std::string>& values) {
  return ExpandSetting(value, [&](absl::string_view name) -> absl::StatusOr<std::string> {
    const auto it = values.find(std::string(name));
    if (it == values.end()) return absl::InvalidArgumentError("unknown setting");
    return it->second;
  });
}

TEST(SettingSyntaxTest, ReadsAssignmentsCommentsAndContinuationLines) {
  const auto assignments = ParseSettingFile("f.cf",
                                            "# comment\n"
                                            "a = 1\n"
                                            "\n"
                                            "b=x,\r\n"
                                            "   y\n"
                                            "  # a comment within\n"
                                            "\tz\n"
                                            "c =\n");
  ASSERT_THAT(assignments, IsOk());
  ASSERT_EQ(assignments->size(), 3U);
  EXPECT_EQ((*assignments)[0].value, "1");
  EXPECT_EQ((*assignments)[1].value, "x, y z");
  EXPECT_EQ((*assignments)[1].where, "f.cf:4");
  EXPECT_EQ((*assignments)[2].value, "");
}

TEST(SettingSyntaxTest, NamesFileAndLineOfWhatIsNoAssignment) {
  EXPECT_THAT(ParseSettingFile("f.cf", "a = 1\nnonsense\n"), FailsWith("f.cf:2: found \"nonsense\", expected \"name"));
  EXPECT_THAT(ParseSettingFile("f.cf", "bad name = 1\n"), FailsWith("f.cf:1"));
  EXPECT_THAT(ParseSettingFile("f.cf", "  b = 1\n"), FailsWith("continuation line"));
  EXPECT_THAT(ParseSettingOption("novalue"), FailsWith("-o novalue"));
}

TEST(SettingSyntaxTest, ExpandsEveryFormOfReference) {
  const std::map<std::string, std::string> values = {{"n", "v"}, {"empty", ""}, {"deep", "<$n>"}, {"stress", ""}};
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"plain", "plain"},
      {"$n/x", "v/x"},
      {"${n}x", "vx"},
      {"$deep", "<v>"},
      {"${n?set}", "set"},
      {"${empty?set}", ""},
      {"${empty:unset}", "unset"},
      {"${n:unset}", ""},
      {"${n?{yes $n}:{no}}", "yes v"},
      {"${empty?{yes}:{no}}", "no"},
      {"${stress?{1}:{3}}", "3"},
      {"${n?a}${empty:b}", "ab"},
      {"cost $$5", "cost $5"},
  };
  for (const auto& [value, expanded] : cases) {
    const auto result = Expand(value, values);
    ASSERT_THAT(result, IsOk()) << value;
    EXPECT_EQ(*result, expanded) << value;
  }
}

TEST(SettingSyntaxTest, RefusesBrokenReferencesAndCircles) {
  const std::map<std::string, std::string> circle = {{"a", "$b"}, {"b", "$a"}, {"n", "v"}};
  EXPECT_THAT(Expand("$a", circle), FailsWith("circle"));
  EXPECT_THAT(Expand("${n", circle), FailsWith("closing brace"));
  EXPECT_THAT(Expand("$unknown", circle), FailsWith("unknown"));
  EXPECT_THAT(Expand("100$", circle), FailsWith("without a name"));
  EXPECT_THAT(Expand("${n!x}", circle), FailsWith("expected ${name}"));
}

TEST(SettingSyntaxTest, AResultThatDoublesAtEveryLevelIsCutOff) {
  std::map<std::string, std::string> values = {{"v0", std::string(100, 'x')}};
  for (int i = 1; i < 40; ++i) {
    const std::string before = "$v" + std::to_string(i - 1);
    values["v" + std::to_string(i)] = before + before;
  }
  EXPECT_THAT(Expand("$v39", values), FailsWith("longer than"));
}

}  // namespace
}  // namespace verifyd
