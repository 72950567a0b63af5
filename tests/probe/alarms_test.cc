#include "probe/alarms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AlarmsTest : public testing::Test {
 protected:
  ManualClock clock_;
  CapturedLog log_;
  Alarms alarms_{clock_};
};

TEST_F(AlarmsTest, OneThatIsRaisedOftenIsLoggedOnceAnHour) {
  for (int i = 0; i < 119; ++i) {
    alarms_.Raise("table", "it can not be read");
    clock_.Advance(absl::Minutes(1));
  }
  EXPECT_THAT(log_.lines(),
              ElementsAre(HasSubstr("ALARM: it can not be read"), HasSubstr("ALARM: it can not be read")));
}

TEST_F(AlarmsTest, TheyStandUntilNobodyHasMetThemForAnHour) {
  alarms_.Raise("table", "it can not be read");
  alarms_.Warn("hop", "it can not be reached");
  alarms_.Raise("loop", "it leads back");
  EXPECT_THAT(alarms_.Standing(), ElementsAre("it leads back", "it can not be read"));
  clock_.Advance(absl::Minutes(50));
  alarms_.Raise("table", "it can still not be read");
  clock_.Advance(absl::Minutes(50));
  EXPECT_THAT(alarms_.Standing(), ElementsAre("it can still not be read"));
  clock_.Advance(absl::Minutes(50));
  EXPECT_THAT(alarms_.Standing(), IsEmpty());
}

TEST_F(AlarmsTest, WithOtherSettingsThoseStandThatAreRaisedAgain) {
  alarms_.Raise("table", "it can not be read");
  alarms_.Raise("loop", "it leads back");
  clock_.Advance(absl::Minutes(1));
  alarms_.Renew();
  EXPECT_THAT(alarms_.Standing(), IsEmpty());
  alarms_.Raise("loop", "it leads back");
  EXPECT_THAT(alarms_.Standing(), ElementsAre("it leads back"));
}

TEST_F(AlarmsTest, ThousandsOfThemDoNotFillTheMemory) {
  for (int i = 0; i < 5000; ++i) alarms_.Raise(absl::StrCat("loop ", i), "it leads back");
  EXPECT_EQ(alarms_.Standing().size(), 1000U);
}

}  // namespace
}  // namespace verifyd
