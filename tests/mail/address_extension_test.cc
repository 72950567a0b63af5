#include "mail/address_extension.h"

#include <gtest/gtest.h>

namespace verifyd {
namespace {

constexpr size_t kNone = absl::string_view::npos;

TEST(AddressExtensionTest, BeginsAtTheFirstDelimiterThatLeavesAName) {
  EXPECT_EQ(ExtensionAt("joe+news", "+"), 3U);
  EXPECT_EQ(ExtensionAt("joe-a+b", "+-"), 3U);
  EXPECT_EQ(ExtensionAt("joe+", "+"), 3U);
  EXPECT_EQ(ExtensionAt("joe", "+"), kNone);
  EXPECT_EQ(ExtensionAt("+joe", "+"), kNone);
  EXPECT_EQ(ExtensionAt("joe+news", ""), kNone);
}

TEST(AddressExtensionTest, NamesThatPostfixNeverSplitsHaveNone) {
  EXPECT_EQ(ExtensionAt("double-bounce", "-"), kNone);
  EXPECT_EQ(ExtensionAt("owner-staff", "-"), kNone);
  EXPECT_EQ(ExtensionAt("staff-request", "-"), kNone);
  EXPECT_EQ(ExtensionAt("owner-staff+x", "+"), 11U);
}

}  // namespace
}  // namespace verifyd
