#include "base/nearest_name.h"

#include <gtest/gtest.h>

#include <vector>

namespace verifyd {
namespace {

TEST(NearestNameTest, ASlipIsMendedAndAnotherWordIsNot) {
  const std::vector<absl::string_view> verbs = {"verify", "query", "unset", "set", "help"};
  EXPECT_EQ(NearestName("verfy", verbs), "verify");
  EXPECT_EQ(NearestName("veryfi", verbs), "verify");
  EXPECT_EQ(NearestName("qurey", verbs), "query");
  EXPECT_EQ(NearestName("unst", verbs), "unset");
  EXPECT_EQ(NearestName("joe@example.com", verbs), "");
  EXPECT_EQ(NearestName("x", verbs), "");
  EXPECT_EQ(NearestName("", verbs), "");
}

}  // namespace
}  // namespace verifyd
