#include "probe/source_pool.h"

#include <gtest/gtest.h>

#include <set>

namespace verifyd {
namespace {

class SourcePoolTest : public testing::Test {
 protected:
  const std::vector<std::string> ours_ = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
  const absl::Time now_ = absl::FromUnixSeconds(1700000000);
  SourcePool pool_;
};

TEST_F(SourcePoolTest, OurAddressesAreUsedInTurn) {
  std::multiset<std::string> used;
  for (int i = 0; i < 6; ++i) used.insert(pool_.Next("outlook.com", ours_, now_));
  for (const std::string& address : ours_) EXPECT_EQ(used.count(address), 2U) << address;
  EXPECT_EQ(pool_.Next("outlook.com", {}, now_), "");
}

TEST_F(SourcePoolTest, AnAddressThatAProviderBlocksRestsThereOnly) {
  EXPECT_TRUE(pool_.Rest("outlook.com", "192.0.2.2", ours_, now_));
  std::set<std::string> used;
  for (int i = 0; i < 6; ++i) used.insert(pool_.Next("outlook.com", ours_, now_));
  EXPECT_EQ(used, (std::set<std::string>{"192.0.2.1", "192.0.2.3"}));
  used.clear();
  for (int i = 0; i < 6; ++i) used.insert(pool_.Next("google.com", ours_, now_));
  EXPECT_EQ(used.size(), 3U);
  EXPECT_FALSE(pool_.resting("outlook.com", "192.0.2.2", now_ + SourcePool::kRest));
}

TEST_F(SourcePoolTest, WhoBlocksTheLastOneBlocksUs) {
  EXPECT_TRUE(pool_.Rest("outlook.com", "192.0.2.1", ours_, now_));
  EXPECT_TRUE(pool_.Rest("outlook.com", "192.0.2.2", ours_, now_));
  EXPECT_FALSE(pool_.Rest("outlook.com", "192.0.2.3", ours_, now_));
  EXPECT_NE(pool_.Next("outlook.com", ours_, now_), "");
}

TEST_F(SourcePoolTest, WhatRestsIsRememberedOverARestart) {
  pool_.Rest("outlook.com", "192.0.2.1", ours_, now_);
  SourcePool again;
  again.Restore("outlook.com", pool_.RestingAt("outlook.com", now_));
  EXPECT_TRUE(again.resting("outlook.com", "192.0.2.1", now_));
  again.Forget("outlook.com");
  EXPECT_FALSE(again.resting("outlook.com", "192.0.2.1", now_));
}

}  // namespace
}  // namespace verifyd
