#include "probe/destinations.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/scripted_dialer.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

class DestinationsTest : public testing::Test {
 protected:
  void Ask(const std::string& destination, const std::string& address) {
    ProbeRequest request;
    request.address = *Address::Parse("joe@example.com");
    request.deadline = test_.clock().Mono() + absl::Seconds(100);
    request.identity.sender = "probe@gateway.example.org";
    Route route;
    route.destination = destination;
    route.endpoints.push_back({.host = destination, .address = address});
    auto job =
        std::make_unique<ProbeJob>(std::move(request), std::move(route), Transcript(test_.clock(), /*wanted=*/false));
    job->settings = settings_;
    job->classifier = Classifier::BuiltIn();
    job->answer = [this](std::unique_ptr<ProbeOutcome> /*outcome*/) { ++answers_; };
    all_->Ask(std::move(job));
    test_.RunUntilIdle();
  }

  TestLoop test_;
  ScriptedDialer dialer_{test_.loop()};
  const std::shared_ptr<const ProbeSettings> settings_ = std::make_shared<const ProbeSettings>();
  const std::shared_ptr<ProbeCounters> counters_ = std::make_shared<ProbeCounters>();
  const std::shared_ptr<Destinations> all_ =
      std::make_shared<Destinations>(test_.loop(), dialer_, counters_, [](const DestinationState& /*state*/) {});
  size_t answers_ = 0;
};

TEST_F(DestinationsTest, OneThatIsForgottenWhileItsConnectionSaysGoodbyeIsNotMissed) {
  dialer_.Play("11.0.0.1", "banner=554 5.7.1 Go away ;; quit={wait 1s}221 bye");
  Ask("turns-us-away.example", "11.0.0.1");
  EXPECT_EQ(answers_, 1U);
  EXPECT_EQ(counters_->sessions_now, 1U);
  // All there is room for come meanwhile.
  for (size_t i = 0; i < Destinations::kMaxDestinations; ++i) {
    Ask(absl::StrCat("mx", i, ".example"), absl::StrCat("12.", i >> 8, ".", i & 255, ".1"));
  }
  EXPECT_EQ(answers_, Destinations::kMaxDestinations + 1);
  EXPECT_LT(counters_->destinations_now, Destinations::kMaxDestinations);
  test_.Advance(absl::Seconds(10));
  EXPECT_EQ(counters_->sessions_now, 0U);
}

}  // namespace
}  // namespace verifyd
