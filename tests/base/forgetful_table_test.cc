#include "base/forgetful_table.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

class ForgetfulTableTest : public testing::Test {
 protected:
  static int Worth(int value) { return value; }
  int& Get(const std::string& key, int value = 0) { return table_.FindOrAdd(key, value, Worth); }

  ForgetfulTable<std::string, int> table_{100};
};

TEST_F(ForgetfulTableTest, RemembersWhatWasAdded) {
  Get("a") = 7;
  EXPECT_EQ(Get("a", 1), 7);
  ASSERT_NE(table_.Find("a"), nullptr);
  EXPECT_EQ(*table_.Find("a"), 7);
  EXPECT_EQ(table_.Find("b"), nullptr);
}

TEST_F(ForgetfulTableTest, WhatIsWorthMostOutlivesAnyNumberOfCheapOnes) {
  for (int i = 0; i < 5; ++i) Get(absl::StrCat("dear", i), 100 + i);
  for (int i = 0; i < 10000; ++i) Get(absl::StrCat("cheap", i), 1);
  EXPECT_EQ(table_.size(), 100U);
  for (int i = 0; i < 5; ++i) EXPECT_NE(table_.Find(absl::StrCat("dear", i)), nullptr) << i;
}

TEST_F(ForgetfulTableTest, OneMakesRoomAndNotAll) {
  for (int i = 0; i < 101; ++i) Get(absl::StrCat("k", i), 1);
  EXPECT_EQ(table_.size(), 100U);
  int left = 0;
  for (int i = 0; i < 101; ++i) left += table_.Find(absl::StrCat("k", i)) != nullptr ? 1 : 0;
  EXPECT_EQ(left, 100);
}

TEST_F(ForgetfulTableTest, WhatIsErasedIsGoneAndTheOthersStay) {
  for (int i = 0; i < 10; ++i) Get(absl::StrCat("k", i), i);
  table_.Erase("k3");
  table_.Erase("k9");
  table_.Erase("never");
  EXPECT_EQ(table_.size(), 8U);
  EXPECT_EQ(table_.Find("k3"), nullptr);
  for (const int i : {0, 1, 2, 4, 5, 6, 7, 8}) EXPECT_EQ(*table_.Find(absl::StrCat("k", i)), i);
  table_.EraseIf([](int value) { return value % 2 == 0; });
  EXPECT_EQ(table_.size(), 3U);
  for (const int i : {1, 5, 7}) EXPECT_EQ(*table_.Find(absl::StrCat("k", i)), i);
}

}  // namespace
}  // namespace verifyd
