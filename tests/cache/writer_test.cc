#include "cache/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "cache/record.h"
#include "tests/cache/samples.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

class WriterTest : public testing::Test {
 protected:
  void Start(const Writer::Options& options = {}) {
    writer_ = std::make_unique<Writer>(
        *store_, clock_, "map", Lifetimes(), Bounds(), options,
        [this](uint64_t first, uint64_t last) {
          const std::lock_guard<std::mutex> lock(mutex_);
          committed_.emplace_back(first, last);
        },
        [this](uint64_t number) {
          const std::lock_guard<std::mutex> lock(mutex_);
          cleanups_.push_back(number);
        },
        [](StorePresence /*presence*/) {});
  }
  bool Put(const std::string& key) {
    return writer_->Put({.sequence = ++sequence_,
                         .table = StoreTable::kRecords,
                         .key = key,
                         .value = EncodeRecord(PositiveRecord(clock_.Now()))});
  }
  uint64_t Records() { return store_->Usage()->records; }

  TemporaryFolder folder_;
  ManualClock clock_;
  std::unique_ptr<Store> store_ = *Store::Open(folder_.file(), SampleTime());
  std::mutex mutex_;
  std::vector<std::pair<uint64_t, uint64_t>> committed_;
  std::vector<uint64_t> cleanups_;
  uint64_t sequence_ = 0;
  std::unique_ptr<Writer> writer_;
};

TEST_F(WriterTest, CommitsEverythingOnceAndInOrder) {
  Start({.batch = 10});
  for (int i = 0; i < 95; ++i) EXPECT_TRUE(Put(absl::StrCat(i)));
  writer_->Put({.sequence = ++sequence_, .table = StoreTable::kRecords, .key = "0", .value = std::nullopt});
  writer_->Flush();
  EXPECT_EQ(Records(), 94U);
  EXPECT_EQ(writer_->counts().writes, 96U);
  const std::lock_guard<std::mutex> lock(mutex_);
  EXPECT_GE(committed_.size(), 10U);
  uint64_t next = 1;
  for (const auto& [first, last] : committed_) {
    EXPECT_EQ(first, next);
    next = last + 1;
  }
  EXPECT_EQ(next, 97U);
}

TEST_F(WriterTest, PutsManyIntoOneCommit) {
  // A linger without end: only the flush ends it.
  Start({.linger = absl::Hours(1)});
  for (int i = 0; i < 1000; ++i) Put(absl::StrCat(i));
  writer_->Flush();
  EXPECT_EQ(writer_->counts().writes, 1000U);
  EXPECT_LE(writer_->counts().commits, 2U);
}

TEST_F(WriterTest, CommitsWhatWaitsWhenItEnds) {
  Start({.linger = absl::Hours(1)});
  for (int i = 0; i < 100; ++i) Put(absl::StrCat(i));
  writer_.reset();
  EXPECT_EQ(Records(), 100U);
}

TEST_F(WriterTest, RefusesMoreThanItsQueueHolds) {
  const CapturedLog log;
  Start({.linger = absl::Hours(1), .queue = 5});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Put(absl::StrCat(i)));
  EXPECT_FALSE(Put("one too many"));
  EXPECT_FALSE(Put("two too many"));
  writer_->Flush();
  EXPECT_EQ(Records(), 5U);
  EXPECT_EQ(writer_->counts().write_errors, 2U);
  EXPECT_EQ(log.lines().size(), 1U);  // and not again within the minute
}

TEST_F(WriterTest, RefusesAKeyThatCanNotBeStored) {
  const CapturedLog log;
  Start();
  EXPECT_FALSE(Put(""));
  EXPECT_FALSE(Put(std::string(503, 'x')));
  EXPECT_TRUE(Put(std::string(502, 'x')));
  writer_->Flush();
  EXPECT_EQ(writer_->counts().write_errors, 2U);
  EXPECT_EQ(Records(), 1U);
}

// A limit on the size of files plays a full disk.
TEST_F(WriterTest, GivesUpAfterAFewAttemptsAndWritesAgainWhenItCan) {
  const CapturedLog log;
  Start();
  Put("before");
  writer_->Flush();
  rlimit old_limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit full = {.rlim_cur = 4096, .rlim_max = old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  Put("lost");
  writer_->Flush();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  ::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(writer_->counts().write_errors, 1U);
  EXPECT_TRUE(log.Contains("cache: 1 changes not written, they live in memory only"));
  Put("after");
  writer_->Flush();
  EXPECT_EQ(Records(), 2U);
  const std::lock_guard<std::mutex> lock(mutex_);
  EXPECT_THAT(committed_, testing::ElementsAre(testing::Pair(1, 1), testing::Pair(3, 3)));
}

TEST_F(WriterTest, CleansInBetween) {
  const CapturedLog log;
  Start();
  for (int i = 0; i < 2500; ++i) Put(absl::StrCat("old", i));
  writer_->Flush();
  clock_.Advance(absl::Hours(24 * 91));
  Put("young");
  EXPECT_EQ(writer_->Clean(), 1U);
  Put("younger");
  writer_->Flush();
  EXPECT_EQ(Records(), 2U);
  EXPECT_TRUE(log.Contains("full cleanup"));
  EXPECT_TRUE(log.Contains("dropped=2500 entries"));
  const std::lock_guard<std::mutex> lock(mutex_);
  EXPECT_THAT(cleanups_, testing::ElementsAre(1U));
}

}  // namespace
}  // namespace verifyd
