#include "mail/source.h"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/log.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

// Has one answer for all.
class ScriptedSource final : public Source {
 public:
  ScriptedSource(Loop& loop, ProbeOutcome outcome) : Source(loop), outcome_(std::move(outcome)) {}

  boost::asio::awaitable<void> Begin(ProbeRequest request, Answer answer, Accepted accepted) override {
    ++asked;
    if (broken) throw std::runtime_error("the source is broken");
    if (accepted != nullptr && !outcome_.not_mine) accepted(outcome_.finding);
    ProbeOutcome outcome = outcome_;
    answer(std::move(request), std::move(outcome));
    co_return;
  }

  int asked = 0;
  bool broken = false;

 private:
  const ProbeOutcome outcome_;
};

ProbeOutcome Saying(const std::string& text) {
  ProbeOutcome outcome;
  outcome.finding.text = text;
  return outcome;
}

ProbeOutcome NotMine() {
  ProbeOutcome outcome;
  outcome.not_mine = true;
  return outcome;
}

class SourceTest : public testing::Test {
 protected:
  TestLoop test_;
  ScriptedSource first_{test_.loop(), Saying("250 first")};
  ScriptedSource second_{test_.loop(), Saying("250 second")};
  ScriptedSource nobody_{test_.loop(), NotMine()};
};

TEST_F(SourceTest, TheFirstThatIsTheOneToAskAnswers) {
  SourceList list(test_.loop(), {&nobody_, &first_, &second_});
  EXPECT_EQ(test_.Run(list.Probe(ProbeRequest())).finding.text, "250 first");
  EXPECT_EQ(nobody_.asked, 1);
  EXPECT_EQ(second_.asked, 0);
}

TEST_F(SourceTest, WhereNoneIsTheLastOneSaysSo) {
  SourceList list(test_.loop(), {&nobody_, &nobody_});
  EXPECT_TRUE(test_.Run(list.Probe(ProbeRequest())).not_mine);
  EXPECT_EQ(nobody_.asked, 2);
}

TEST_F(SourceTest, WhoeverAnswersTellsThatTheAddressIsAccepted) {
  SourceList list(test_.loop(), {&nobody_, &first_, &second_});
  std::optional<std::string> accepted;
  std::optional<std::string> answered;
  test_.loop().Spawn(list.Begin(
      ProbeRequest(),
      [&](ProbeRequest&& /*request*/, ProbeOutcome&& outcome) { answered = std::move(outcome.finding.text); },
      [&](const Finding& finding) { accepted = finding.text; }));
  test_.RunUntilIdle();
  EXPECT_EQ(accepted, "250 first");
  EXPECT_EQ(answered, "250 first");
}

TEST_F(SourceTest, WhoWaitsForASourceThatFailsIsToldSo) {
  const CapturedLog log;
  second_.broken = true;
  SourceList list(test_.loop(), {&nobody_, &second_});
  const ProbeOutcome outcome = test_.Run(list.Probe(ProbeRequest()));
  EXPECT_EQ(outcome.finding.deliverability, Deliverability::kUnknown);
  EXPECT_FALSE(outcome.finding.text.empty());
  EXPECT_TRUE(log.Contains("the source is broken"));
}

}  // namespace
}  // namespace verifyd
