#include "probe/probe_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace verifyd {
namespace {

using testing::ElementsAre;

class ProbeQueueTest : public testing::Test {
 protected:
  const ProbeJob* Add(absl::string_view address, Urgency urgency = Urgency::kWaiting,
                      ProbeQueue::End end = ProbeQueue::End::kBack) {
    ProbeRequest request;
    request.address = Address::Parse(address).value();
    request.urgency = urgency;
    auto job = std::make_unique<ProbeJob>(std::move(request), Route(), Dialogue(clock_, false));
    const ProbeJob* const added = job.get();
    queue_.Add(std::move(job), end);
    return added;
  }
  std::vector<std::string> Take(size_t limit) {
    return Names(queue_.TakeBatch(limit, [](const ProbeJob&) { return true; }));
  }
  static std::vector<std::string> Names(const std::vector<std::unique_ptr<ProbeJob>>& batch) {
    std::vector<std::string> names;
    names.reserve(batch.size());
    for (const auto& job : batch) names.push_back(job->request.address.Key());
    return names;
  }

  ManualClock clock_;
  ProbeQueue queue_;
};

TEST_F(ProbeQueueTest, WhoHasAClientWaitingGoesFirst) {
  Add("list@a.example", Urgency::kList);
  Add("refresh@a.example", Urgency::kRefresh);
  Add("waiting@a.example", Urgency::kWaiting);
  EXPECT_THAT(Take(1), ElementsAre("waiting@a.example"));
  EXPECT_THAT(Take(1), ElementsAre("refresh@a.example"));
  EXPECT_THAT(Take(1), ElementsAre("list@a.example"));
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.Front(), nullptr);
}

TEST_F(ProbeQueueTest, ABatchIsOfOneDomain) {
  Add("1@a.example");
  Add("1@b.example");
  Add("2@a.example");
  EXPECT_THAT(Take(10), ElementsAre("1@a.example", "2@a.example"));
  EXPECT_THAT(Take(10), ElementsAre("1@b.example"));
}

TEST_F(ProbeQueueTest, TheUrgentTakeTheOthersOfTheirDomainAlong) {
  Add("list@a.example", Urgency::kList);
  Add("waiting@a.example", Urgency::kWaiting);
  EXPECT_THAT(Take(10), ElementsAre("waiting@a.example", "list@a.example"));
}

TEST_F(ProbeQueueTest, DomainsTakeTurns) {
  for (int i = 0; i < 3; ++i) Add(absl::StrCat(i, "@large.example"));
  Add("0@small.example");
  EXPECT_THAT(Take(1), ElementsAre("0@large.example"));
  EXPECT_THAT(Take(1), ElementsAre("0@small.example"));
  EXPECT_THAT(Take(2), ElementsAre("1@large.example", "2@large.example"));
}

TEST_F(ProbeQueueTest, WhoIsAskedAboutAgainIsNext) {
  Add("1@a.example");
  Add("1@b.example");
  Add("2@b.example");
  Add("0@b.example", Urgency::kWaiting, ProbeQueue::End::kFront);
  EXPECT_THAT(Take(2), ElementsAre("0@b.example", "1@b.example"));
  EXPECT_THAT(Take(2), ElementsAre("1@a.example"));
}

TEST_F(ProbeQueueTest, WhoDoesNotFitWaitsForTheNextBatch) {
  Add("1@a.example");
  const ProbeJob* const other = Add("2@a.example");
  Add("3@a.example");
  EXPECT_THAT(Names(queue_.TakeBatch(10, [&](const ProbeJob& job) { return &job != other; })),
              ElementsAre("1@a.example", "3@a.example"));
  EXPECT_THAT(Take(10), ElementsAre("2@a.example"));
}

TEST_F(ProbeQueueTest, WhoseTimeIsOverIsTakenOut) {
  Add("1@a.example");
  const ProbeJob* const late = Add("2@a.example");
  EXPECT_EQ(queue_.Remove(late).get(), late);
  EXPECT_EQ(queue_.size(), 1U);
  const ProbeJob* const last = queue_.Front();
  EXPECT_EQ(queue_.Remove(last).get(), last);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.Front(), nullptr);
}

TEST_F(ProbeQueueTest, WhoIsNotHereIsNotTaken) {
  const ProbeJob* const job = Add("1@a.example");
  const auto taken = queue_.Remove(job);
  EXPECT_EQ(queue_.Remove(job), nullptr);
}

}  // namespace
}  // namespace verifyd
