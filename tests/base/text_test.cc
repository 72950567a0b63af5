#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;

TEST(TextTest, PrintableReplacesControlsAndBrokenUtf8AndKeepsTheRest) {
  EXPECT_EQ(Printable("a\tb\r\nc\x7f", 100), "a?b??c?");
  EXPECT_EQ(Printable("caf\xC3\xA9 \xFF\xC3", 100), "caf\xC3\xA9 ??");
  EXPECT_EQ(Printable("\xC2\x85 next", 100), "? next");
}

TEST(TextTest, NothingThatTurnsOrBreaksALineOrCanNotBeSeenIsPrintable) {
  for (const char* character :
       {"\u0080", "\u009F", "\u061C", "\u200B", "\u200E", "\u200F", "\u2028", "\u2029", "\u202A", "\u202B",
        "\u202C", "\u202D", "\u202E", "\u2060", "\u2066", "\u2067", "\u2068", "\u2069", "\u206F", "\uFEFF"}) {
    EXPECT_EQ(Printable(absl::StrCat("a", character, "b"), 100), "a?b") << character;
    EXPECT_EQ(PrintableLength(character), 0U);
  }
  // Their neighbours, and the characters that join letters.
  for (const char* character : {"\u00A0", "\u061B", "\u061D", "\u200A", "\u200C", "\u200D", "\u2010", "\u2027",
                                "\u202F", "\u205F", "\u2070", "\uFEFE", "\U0001F600"}) {
    EXPECT_EQ(Printable(character, 100), character);
    EXPECT_EQ(PrintableLength(character), absl::string_view(character).size());
  }
  EXPECT_EQ(PrintableLength(""), 0U);
}

TEST(TextTest, AsciiTextHasOneQuestionMarkForACharacter) {
  EXPECT_EQ(AsciiText("plain 550 5.1.1"), "plain 550 5.1.1");
  EXPECT_EQ(AsciiText("f\u00FCr \u65E5\u672C \U0001F600"), "f?r ?? ?");
  EXPECT_EQ(AsciiText(""), "");
}

TEST(TextTest, PrintableNeverSplitsACharacterWhenItCuts) {
  EXPECT_EQ(Printable("ab\xC3\xA9", 3), "ab");
  EXPECT_EQ(Printable("ab\xC3\xA9", 4), "ab\xC3\xA9");
  EXPECT_EQ(Printable(std::string(1000, 'x'), 250).size(), 250U);
}

TEST(TextTest, Utf8RefusesOverlongFormsAndSurrogates) {
  EXPECT_TRUE(IsUtf8("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x93\xA7"));
  EXPECT_FALSE(IsUtf8("\xC0\xAF"));
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));
  EXPECT_FALSE(IsUtf8("\xF4\x90\x80\x80"));
  EXPECT_FALSE(IsUtf8("\xE2\x82"));
}

TEST(TextTest, ListsSplitAtCommasAndWhiteSpaceAndKeepBracesTogether) {
  EXPECT_THAT(SplitList(" a, b\n\tc,,d "), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(SplitList("x {a, b c} y"), ElementsAre("x", "{a, b c}", "y"));
  EXPECT_THAT(SplitList("{open, b"), ElementsAre("{open, b"));
  EXPECT_TRUE(SplitList(" , ").empty());
}

TEST(TextTest, DurationsTakePostfixUnits) {
  EXPECT_EQ(*ParseTimeValue("31d"), absl::Hours(31 * 24));
  EXPECT_EQ(*ParseTimeValue("2w"), absl::Hours(14 * 24));
  EXPECT_EQ(*ParseTimeValue("15"), absl::Seconds(15));
  EXPECT_EQ(*ParseTimeValue("15", 'h'), absl::Hours(15));
  EXPECT_EQ(*ParseTimeValue("0"), absl::ZeroDuration());
  for (const char* bad : {"", "d", "1x", "-1s", "1.5h", "+3s", "99999999999s", " 1s"}) {
    EXPECT_THAT(ParseTimeValue(bad), FailsWith("expected a whole number")) << bad;
  }
}

TEST(TextTest, DurationsAreWrittenInTheLargestExactUnit) {
  EXPECT_EQ(FormatTimeValue(absl::Hours(31 * 24)), "31d");
  EXPECT_EQ(FormatTimeValue(absl::Hours(3)), "3h");
  EXPECT_EQ(FormatTimeValue(absl::Seconds(90)), "90s");
  EXPECT_EQ(FormatTimeValue(absl::Milliseconds(1500)), "1500ms");
  EXPECT_EQ(FormatTimeValue(absl::ZeroDuration()), "0s");
}

TEST(TextTest, ADomainWithALeadingDotMatchesWhatIsBelowIt) {
  EXPECT_TRUE(DomainMatches("Example.COM", "example.com"));
  EXPECT_FALSE(DomainMatches("a.example.com", "example.com"));
  EXPECT_TRUE(DomainMatches("a.example.com", ".example.com"));
  EXPECT_FALSE(DomainMatches("example.com", ".example.com"));
}

}  // namespace
}  // namespace verifyd
