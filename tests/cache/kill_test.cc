// Tests that committed records are there after kill -9, and that no record is there in part.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cache/cache.h"
#include "cache/store_check.h"
#include "tests/cache/samples.h"
#include "tests/status_matchers.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

// Returns how often to kill; scripts/soak sets more.
int Rounds() {
  const char* wanted = std::getenv("VERIFYD_KILL_ROUNDS");
  int rounds = 0;
  return wanted != nullptr && absl::SimpleAtoi(wanted, &rounds) ? rounds : 50;
}
constexpr int kGroup = 20;

std::string KeyOf(int round, int number) { return absl::StrCat("user", round, ".", number, "@example.com"); }

Record RecordOf(int number) {
  Record record = FullRecord();
  record.temporary_count = static_cast<uint32_t>(number);
  record.finding.when += absl::Seconds(number);
  return record;
}

CacheSettings SettingsFor(const TemporaryFolder& folder) {
  CacheSettings settings;
  settings.path = folder.path() + "/verify_cache";
  settings.map_name = "lmdb:verify_cache";
  settings.cleanup_interval = absl::ZeroDuration();
  return settings;
}

// Writes for ever; reports after each group how far it is committed.
[[noreturn]] void WriteUntilKilled(const TemporaryFolder& folder, int round, int pipe) {
  TestLoop test;
  const auto cache = Cache::Open(test.loop(), SettingsFor(folder));
  for (int number = 0;; ++number) {
    cache->PutRecord(KeyOf(round, number), RecordOf(number));
    if (number % kGroup != kGroup - 1) continue;
    cache->Flush();
    test.RunUntilIdle();
    if (::write(pipe, &number, sizeof number) != sizeof number) ::_exit(1);
  }
}

TEST(KillTest, WhatWasCommittedIsThereAfterKill9) {
  const TemporaryFolder folder;
  std::mt19937 random(20231114);
  int total = 0;
  for (int round = 0; round < Rounds(); ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) WriteUntilKilled(folder, round, ends[1]);
    ::close(ends[1]);
    int committed = -1;
    for (unsigned reports = 1 + random() % 8; reports > 0; --reports) {
      ASSERT_EQ(::read(ends[0], &committed, sizeof committed), static_cast<ssize_t>(sizeof committed));
    }
    // Kill it somewhere within the next group, or its commit.
    for (unsigned turns = random() % 200000; turns > 0; --turns) asm volatile("");
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    for (int later = 0; ::read(ends[0], &later, sizeof later) == sizeof later;) committed = later;
    ::close(ends[0]);

    ASSERT_THAT(CheckStore(folder.file()), IsOk()) << round;
    TestLoop test;
    const auto cache = Cache::Open(test.loop(), SettingsFor(folder));
    ASSERT_TRUE(cache->counts().persistent);
    for (int number = 0; number <= committed; ++number) {
      ASSERT_EQ(cache->FindRecord(KeyOf(round, number)), RecordOf(number)) << round << " " << number;
    }
    // A group is one commit or several, but its records are whole and without gaps.
    int number = committed + 1;
    while (cache->FindRecord(KeyOf(round, number)) == RecordOf(number)) ++number;
    EXPECT_LE(number, committed + 1 + kGroup);
    total += number;
    EXPECT_EQ(cache->counts().records, static_cast<uint64_t>(total));
    EXPECT_EQ(cache->counts().damaged, 0U);
  }
}

}  // namespace
}  // namespace verifyd
