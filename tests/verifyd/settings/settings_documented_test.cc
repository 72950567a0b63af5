// The table of settings, its manual page and the sample file say the same: every name, every default.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "classifier/reason.h"
#include "tests/status_matchers.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/settings/postfix_settings.h"
#include "verifyd/settings/settings.h"

namespace verifyd {
namespace {

using Defaults = std::map<std::string, std::string>;

std::vector<std::string> LinesOf(absl::string_view path) {
  std::ifstream in(absl::StrCat(VERIFYD_SOURCE_DIR, "/", path));
  EXPECT_TRUE(in) << path;
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return absl::StrSplit(text, '\n');
}

Defaults OfTable() {
  Defaults defaults;
  for (const SettingRow& row : kSettingTable) defaults[std::string(row.name)] = std::string(row.default_value);
  return defaults;
}

// ".It Sy name No = Li default", ".It Sy name No = Pq empty"
Defaults OfManualPage() {
  Defaults defaults;
  for (absl::string_view line : LinesOf("man/verifyd.cf.5")) {
    if (!absl::ConsumePrefix(&line, ".It Sy ")) continue;
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(" No = ", 1));
    absl::string_view value = parts.second;
    if (!absl::ConsumePrefix(&value, "Li ") && value != "Pq empty") continue;  // another list
    EXPECT_TRUE(defaults.emplace(parts.first, value == "Pq empty" ? "" : value).second)
        << parts.first << " stands twice";
  }
  return defaults;
}

// What the file that is installed sets.
constexpr absl::string_view kSetInSample = "postfix_config_directory = /etc/postfix";

// "#name = default"; a comment in words has a space behind its '#'.
Defaults OfSampleFile() {
  Defaults defaults;
  for (absl::string_view line : LinesOf("packaging/verifyd.cf")) {
    if (line.empty() || absl::StartsWith(line, "# ") || line == "#" || line == kSetInSample) continue;
    EXPECT_TRUE(absl::ConsumePrefix(&line, "#")) << "set in the sample file: " << line;
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits('=', 1));
    const std::string name(absl::StripAsciiWhitespace(parts.first));
    EXPECT_TRUE(defaults.emplace(name, absl::StripAsciiWhitespace(parts.second)).second) << name << " stands twice";
  }
  return defaults;
}

TEST(SettingsDocumentedTest, TheManualPageHasEverySettingWithItsDefaultAndNoOther) {
  EXPECT_EQ(OfManualPage(), OfTable());
}

TEST(SettingsDocumentedTest, TheSampleFileHasEverySettingWithItsDefaultAndNoOther) {
  EXPECT_EQ(OfSampleFile(), OfTable());
}

TEST(SettingsDocumentedTest, TheSampleFileIsValidWhereThereIsNoPostfix) {
  const PostfixSource none{.ask = [](const std::vector<std::string>& /*arguments*/) -> absl::StatusOr<std::string> {
    return absl::UnavailableError("/usr/sbin/postconf: fatal: open /etc/postfix/main.cf: No such file or directory");
  }};
  const auto configuration = Configuration::Load(VERIFYD_SOURCE_DIR "/packaging/verifyd.cf", {}, none);
  ASSERT_THAT(configuration, IsOk());
  EXPECT_THAT(configuration->warnings,
              testing::Contains(testing::HasSubstr("postfix_config_directory = /etc/postfix: nothing can be taken")));
}

TEST(SettingsDocumentedTest, EverySettingIsExplainedInOneLine) {
  for (const SettingRow& row : kSettingTable) {
    EXPECT_FALSE(row.documentation.empty()) << row.name;
    EXPECT_TRUE(absl::EndsWith(row.documentation, ".")) << row.name;
    EXPECT_EQ(row.documentation.find('\n'), absl::string_view::npos) << row.name;
  }
}

// ".It name Ta status Ta inbound Ta sender Ta outbound"
TEST(ReasonsDocumentedTest, TheManualPageHasEveryReasonAndWhatItMeans) {
  const auto word = [](DefaultDecision decision) {
    return decision == DefaultDecision::kPermit ? "permit" : decision == DefaultDecision::kDefer ? "defer" : "reject";
  };
  const std::vector<std::string> lines = LinesOf("man/verifyd.cf.5");
  for (int number = 1; number < kReasonCount; ++number) {
    const ReasonRow& row = RowOf(static_cast<Reason>(number));
    const std::string line = absl::StrCat(".It ", row.name, " Ta ", DeliverabilityName(row.deliverability), " Ta ",
                                          word(row.inbound), " Ta ", word(row.sender), " Ta ", word(row.outbound));
    EXPECT_EQ(std::count(lines.begin(), lines.end(), line), 1) << line;
  }
}

}  // namespace
}  // namespace verifyd
