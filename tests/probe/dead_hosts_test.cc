#include "probe/dead_hosts.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

constexpr absl::Duration kFirst = DeadHosts::kFirstPause;

class DeadHostsTest : public testing::Test {
 protected:
  const MonoTime now_ = MonoTime() + absl::Hours(1);
  const Endpoint host_ = {"mx.example.com", "192.0.2.1"};
  DeadHosts dead_;
};

TEST_F(DeadHostsTest, AHostThatDidNotAnswerIsNotTriedForAWhileAndThenByOne) {
  EXPECT_FALSE(dead_.Dead(host_, now_));
  dead_.NoteDead(host_, now_);
  EXPECT_TRUE(dead_.Dead(host_, now_ + kFirst / 2));
  EXPECT_FALSE(dead_.Dead(host_, now_ + kFirst));
  EXPECT_TRUE(dead_.Dead(host_, now_ + kFirst));  // another probe tries it already
}

TEST_F(DeadHostsTest, ThePauseGrowsAndEndsWhenItAnswers) {
  dead_.NoteDead(host_, now_);
  dead_.NoteDead(host_, now_);
  EXPECT_TRUE(dead_.Dead(host_, now_ + kFirst));
  for (int i = 0; i < 10; ++i) dead_.NoteDead(host_, now_);
  EXPECT_FALSE(dead_.Dead(host_, now_ + DeadHosts::kLongestPause));
  dead_.NoteAlive(host_);
  EXPECT_FALSE(dead_.Dead(host_, now_));
}

TEST_F(DeadHostsTest, AnotherPortIsAnotherHostAnotherNameIsNot) {
  dead_.NoteDead(host_, now_);
  EXPECT_FALSE(dead_.Dead({"mx.example.com", "192.0.2.1", 2525}, now_));
  EXPECT_TRUE(dead_.Dead({"mx.example.org", "192.0.2.1"}, now_));
}

TEST_F(DeadHostsTest, TheirNumberIsBounded) {
  for (size_t i = 0; i < DeadHosts::kMaxHosts + 100; ++i) dead_.NoteDead({"mx", absl::StrCat("192.0.2.", i)}, now_);
  EXPECT_EQ(dead_.size(), DeadHosts::kMaxHosts);
  const MonoTime later = now_ + DeadHosts::kLongestPause;
  const Endpoint another = {"mx.example.net", "198.51.100.1"};
  dead_.NoteDead(another, later);
  EXPECT_TRUE(dead_.Dead(another, later)) << "there is room again";
  EXPECT_EQ(dead_.size(), 1U);
}

}  // namespace
}  // namespace verifyd
