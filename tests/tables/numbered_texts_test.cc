#include "tables/numbered_texts.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

TEST(NumberedTextsTest, ATextIsKeptOnceAndKeepsItsNumber) {
  NumberedTexts texts;
  EXPECT_EQ(texts.Add("one"), std::make_pair(0U, true));
  EXPECT_EQ(texts.Add("two"), std::make_pair(1U, true));
  EXPECT_EQ(texts.Add("one"), std::make_pair(0U, false));
  EXPECT_EQ(texts.size(), 2U);
  EXPECT_EQ(texts[0], "one");
  EXPECT_EQ(texts[1], "two");
  EXPECT_EQ(texts.Find("two"), 1U);
  EXPECT_EQ(texts.Find("three"), std::nullopt);
}

TEST(NumberedTextsTest, TheEmptyTextAndAnyByteAreTexts) {
  NumberedTexts texts;
  const std::string bytes("a\0b\xff", 4);
  texts.Add("");
  texts.Add(bytes);
  texts.Add("last");
  EXPECT_EQ(texts.Find(""), 0U);
  EXPECT_EQ(texts[0], "");
  EXPECT_EQ(texts.Find(bytes), 1U);
  EXPECT_EQ(texts[2], "last");
}

TEST(NumberedTextsTest, ManyAreFoundAgain) {
  NumberedTexts texts;
  constexpr uint32_t kMany = 100000;
  for (uint32_t i = 0; i < kMany; ++i) texts.Add(absl::StrCat("user", i, "@example.com"));
  texts.ShrinkToFit();
  for (uint32_t i = 0; i < kMany; i += 997) {
    EXPECT_EQ(texts.Find(absl::StrCat("user", i, "@example.com")), i);
    EXPECT_EQ(texts[i], absl::StrCat("user", i, "@example.com"));
  }
  EXPECT_EQ(texts.Find("user100000@example.com"), std::nullopt);
}

}  // namespace
}  // namespace verifyd
