#include "dns/answer_cache.h"

#include <gtest/gtest.h>

#include <memory>

namespace verifyd {
namespace {

constexpr MonoTime kStart = MonoTime::FromNanos(1000000000);

std::shared_ptr<const DnsAnswer> Answer(DnsStatus status, absl::Duration ttl) {
  auto answer = std::make_shared<DnsAnswer>();
  answer->status = status;
  answer->ttl = ttl;
  return answer;
}

TEST(AnswerCacheTest, AnAnswerHoldsForItsTtlAndCountsDown) {
  AnswerCache cache(10);
  const DnsKey key("example.com", DnsType::kMx);
  cache.Put(key, Answer(DnsStatus::kOk, absl::Seconds(60)), kStart);
  ASSERT_NE(cache.Find(key, kStart + absl::Seconds(59)), nullptr);
  EXPECT_EQ(cache.Find(key, kStart + absl::Seconds(59))->ttl, absl::Seconds(1));
  EXPECT_EQ(cache.Find(key, kStart + absl::Seconds(60)), nullptr);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(AnswerCacheTest, NegativeAnswersAreKeptAndFailuresAreNot) {
  AnswerCache cache(10);
  const DnsKey key("example.com", DnsType::kMx);
  for (const DnsStatus status :
       {DnsStatus::kServfail, DnsStatus::kRefused, DnsStatus::kMalformed, DnsStatus::kTimeout, DnsStatus::kOverload}) {
    cache.Put(key, Answer(status, absl::Seconds(60)), kStart);
    EXPECT_EQ(cache.Find(key, kStart), nullptr);
  }
  for (const DnsStatus status : {DnsStatus::kNoData, DnsStatus::kNxDomain}) {
    cache.Put(key, Answer(status, absl::Seconds(60)), kStart);
    ASSERT_NE(cache.Find(key, kStart), nullptr);
    EXPECT_EQ(cache.Find(key, kStart)->status, status);
  }
}

TEST(AnswerCacheTest, AnAnswerWithoutTtlIsNotKept) {
  AnswerCache cache(10);
  const DnsKey key("example.com", DnsType::kMx);
  cache.Put(key, Answer(DnsStatus::kNxDomain, absl::ZeroDuration()), kStart);
  EXPECT_EQ(cache.Find(key, kStart), nullptr);
}

TEST(AnswerCacheTest, TypesAreKeptApart) {
  AnswerCache cache(10);
  cache.Put({"example.com", DnsType::kMx}, Answer(DnsStatus::kOk, absl::Seconds(60)), kStart);
  EXPECT_EQ(cache.Find({"example.com", DnsType::kA}, kStart), nullptr);
}

TEST(AnswerCacheTest, BeyondItsSizeTheOneUsedLongestAgoGoes) {
  AnswerCache cache(2);
  cache.Put({"a", DnsType::kA}, Answer(DnsStatus::kOk, absl::Seconds(60)), kStart);
  cache.Put({"b", DnsType::kA}, Answer(DnsStatus::kOk, absl::Seconds(60)), kStart);
  EXPECT_NE(cache.Find({"a", DnsType::kA}, kStart), nullptr);
  cache.Put({"c", DnsType::kA}, Answer(DnsStatus::kOk, absl::Seconds(60)), kStart);
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_NE(cache.Find({"a", DnsType::kA}, kStart), nullptr);
  EXPECT_EQ(cache.Find({"b", DnsType::kA}, kStart), nullptr);
}

}  // namespace
}  // namespace verifyd
