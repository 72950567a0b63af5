#include "cache/page_check.h"

#include <gtest/gtest.h>
#include <lmdb.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "cache/cache.h"
#include "cache/store_check.h"
#include "tests/cache/samples.h"
#include "tests/status_matchers.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

class PageCheckTest : public testing::Test {
 protected:
  CacheSettings Settings(std::vector<std::string> checker = {}) { return CheckedSettings(folder_, std::move(checker)); }
  // Makes trees of several levels, values on pages of their own, and free pages.
  void Fill(int records) {
    const auto cache = Cache::Open(test_.loop(), Settings());
    for (int i = 0; i < records; ++i) {
      Record record = FullRecord();
      if (i % 50 == 0) record.finding.text = std::string(5000, 'x');
      cache->PutRecord(absl::StrCat("user", i, "@example.com"), record);
      if (i % 500 == 499) cache->Flush();
    }
    for (int i = 0; i < records; i += 3) cache->DeleteRecord(absl::StrCat("user", i, "@example.com"));
    cache->Flush();
  }
  absl::StatusOr<PageCheck> Check() const { return CheckPages(folder_.file(), absl::Hours(1)); }
  // Returns whether a process survives reading all of it through LMDB, and writing something.
  bool SurvivesUse() {
    const pid_t child = ::fork();
    if (child == 0) {
      CheckStore(folder_.file()).IgnoreError();
      TestLoop test;
      const auto cache = Cache::Open(test.loop(), Settings());
      for (int i = 0; i < 300; ++i) cache->PutRecord(absl::StrCat("other", i, "@example.com"), FullRecord());
      cache->Flush();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status);
  }

  CapturedLog log_;
  TemporaryFolder folder_;
  TestLoop test_;
};

TEST_F(PageCheckTest, AGoodFileIsSoundAndEveryPageOfItIsChecked) {
  EXPECT_THAT(Check(), IsOk());
  Fill(3000);
  const absl::StatusOr<PageCheck> found = Check();
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->checked, found->pages);
  EXPECT_GT(found->checked, 300U);
  const absl::StatusOr<PageCheck> hurried = CheckPages(folder_.file(), absl::ZeroDuration());
  ASSERT_THAT(hurried, IsOk());
  EXPECT_LT(hurried->checked, hurried->pages);
}

TEST_F(PageCheckTest, WhatIsNoneOfOursHasNoFault) {
  WriteFile(folder_.file(), "");
  EXPECT_THAT(Check(), IsOk());
  WriteFile(folder_.file(), std::string(100000, 'x'));
  EXPECT_THAT(Check(), IsOk());
  std::filesystem::remove(folder_.file());
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  mdb_env_create(&env);
  ASSERT_EQ(mdb_env_open(env, folder_.file().c_str(), MDB_NOSUBDIR, 0600), 0);
  ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
  ASSERT_EQ(mdb_dbi_open(txn, nullptr, 0, &dbi), 0);
  MDB_val name{3, const_cast<char*>("joe")};
  ASSERT_EQ(mdb_put(txn, dbi, &name, &name, 0), 0);
  ASSERT_EQ(mdb_txn_commit(txn), 0);
  mdb_env_close(env);
  EXPECT_THAT(Check(), IsOk());
}

TEST_F(PageCheckTest, AFileThatWasCutIsFound) {
  Fill(500);
  std::filesystem::resize_file(folder_.file(), std::filesystem::file_size(folder_.file()) / 8192 * 4096);
  EXPECT_THAT(Check(), FailsWith("it is spoken of, and is not there"));
}

TEST_F(PageCheckTest, AFileThatLacksFreePagesAtItsEndIsSound) {
  Fill(500);
  std::string bytes = ReadFile(folder_.file());
  // This is the number of the last page, in both pages at the front.
  for (const size_t at : {136U, 4096U + 136U}) {
    uint64_t last = 0;
    std::memcpy(&last, bytes.data() + at, sizeof(last));
    ASSERT_GT(last, 10U);
    ASSERT_LT(last, bytes.size() / 4096);
    last = bytes.size() / 4096 + 6;
    std::memcpy(bytes.data() + at, &last, sizeof(last));
  }
  WriteFile(folder_.file(), bytes);
  EXPECT_THAT(Check(), IsOk());
  EXPECT_TRUE(SurvivesUse());
}

TEST_F(PageCheckTest, AFrontOfWhichOneOfTwoPagesIsDamagedIsFound) {
  Fill(500);
  const std::string good = ReadFile(folder_.file());
  for (const size_t page : {0U, 1U}) {
    WriteFile(folder_.file(), std::string(good).replace(page * 4096, 100, std::string(100, '\xa5')));
    EXPECT_THAT(Check(), FailsWith("one of the two pages at its front")) << page;
  }
  WriteFile(folder_.file(), good.substr(0, 4096));
  EXPECT_THAT(Check(), FailsWith("is not there"));
}

// Damage that kills a process that uses the file is found before it is used.
TEST_F(PageCheckTest, ADamagedFileThatWasClosedCleanlyKilledTheDaemonOnce) {
  Fill(300);
  const std::string good = ReadFile(folder_.file());
  std::minstd_rand random(7);
  int killed = 0;
  int found = 0;
  for (int round = 0; round < 120; ++round) {
    std::string bad = good;
    const size_t page = random() % (good.size() / 4096);
    if (round % 3 == 0) {
      for (size_t i = 0; i < 4096; ++i) bad[page * 4096 + i] = static_cast<char>(random());
    } else if (round % 3 == 1) {
      bad.replace(page * 4096, 4096, std::string(4096, '\0'));
    } else {
      // Damage the head of a page.
      for (size_t i = 0; i < 4; ++i) bad[page * 4096 + random() % 64] = static_cast<char>(random());
    }
    WriteFile(folder_.file(), bad);
    const bool sound = Check().ok();
    if (!sound) ++found;
    if (!sound || SurvivesUse()) continue;
    ++killed;
    ADD_FAILURE() << "round " << round << ", page " << page;
  }
  EXPECT_GT(found, 40);
  EXPECT_EQ(killed, 0);
}

TEST_F(PageCheckTest, ADamagedCacheIsSetAsideAtEveryStartAndBegunAnew) {
  Fill(500);
  std::string bytes = ReadFile(folder_.file());
  bytes.replace(bytes.size() / 2, 8192, std::string(8192, '\xa5'));
  for (size_t page = 2; page < 40; ++page) bytes.replace(page * 4096, 16, std::string(16, '\xa5'));
  WriteFile(folder_.file(), bytes);
  const auto cache = Cache::Open(test_.loop(), Settings({"/bin/true"}));
  EXPECT_TRUE(cache->counts().persistent);
  EXPECT_EQ(cache->counts().records, 0U);
  EXPECT_TRUE(log_.Contains("it is set aside as "));
}

}  // namespace
}  // namespace verifyd
