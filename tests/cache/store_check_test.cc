#include "cache/store_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lmdb.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "cache/cache.h"
#include "cache/open_mark.h"
#include "tests/cache/samples.h"
#include "tests/status_matchers.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;

class StoreCheckTest : public testing::Test {
 protected:
  CacheSettings Settings(std::vector<std::string> checker = {}) { return CheckedSettings(folder_, std::move(checker)); }
  void Fill(int records) {
    const auto cache = Cache::Open(test_.loop(), Settings());
    for (int i = 0; i < records; ++i) cache->PutRecord(absl::StrCat("user", i, "@example.com"), FullRecord());
    cache->Flush();
  }
  // Leaves a mark, as a process that ended without closing does.
  void LeaveMark() { WriteFile(absl::StrCat(folder_.file(), "-open.", ::getpid()), ""); }
  std::vector<std::string> SetAside() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      const std::string name = entry.path().filename();
      if (name.find(".damaged-") != std::string::npos) names.push_back(name);
    }
    return names;
  }
  // Checks the damaged file in a process that may die of it.
  CheckResult CheckApart() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(CheckStore(folder_.file()).ok() ? 0 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CheckResult::kSound : CheckResult::kDamaged;
  }

  CapturedLog log_;
  TemporaryFolder folder_;
  TestLoop test_;
};

TEST_F(StoreCheckTest, AGoodFileAndWhatIsNoneOfOursPass) {
  EXPECT_THAT(CheckStore(folder_.file()), IsOk());
  Fill(2000);
  EXPECT_THAT(CheckStore(folder_.file()), IsOk());
  WriteFile(folder_.path() + "/foreign", std::string(10000, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckStore(folder_.path() + "/foreign")));
}

TEST_F(StoreCheckTest, WhatCanNotBeOpenedWasSound) {
  WriteFile(folder_.path() + "/empty", "");
  for (const std::string& path : {folder_.path() + "/empty", std::string("/dev/zero"), std::string("/proc/self/mem")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckStore(path))) << path;
  }
}

TEST_F(StoreCheckTest, PagesOfRubbishAreFound) {
  Fill(2000);
  {
    std::fstream file(folder_.file(), std::ios::in | std::ios::out | std::ios::binary);
    // Damages the pages after the first two, which say where everything is.
    for (std::streamoff page = 2; page < 60; ++page) {
      file.seekp(page * 4096);
      file << std::string(4096, '\xa5');
    }
  }
  EXPECT_EQ(CheckApart(), CheckResult::kDamaged);
}

TEST_F(StoreCheckTest, AFileThatWasCutIsFound) {
  Fill(2000);
  std::filesystem::resize_file(folder_.file(), std::filesystem::file_size(folder_.file()) / 8192 * 4096);
  EXPECT_EQ(CheckApart(), CheckResult::kDamaged);
}

TEST_F(StoreCheckTest, AnotherProcessSaysHowItWent) {
  std::string why;
  const std::string path = folder_.file();
  EXPECT_EQ(CheckInOtherProcess({"/bin/true"}, path, absl::Seconds(10), why), CheckResult::kSound);
  EXPECT_EQ(CheckInOtherProcess({"/bin/sh", "-c", "echo page 7 is bad >&2; exit 1"}, path, absl::Seconds(10), why),
            CheckResult::kDamaged);
  EXPECT_EQ(why, "page 7 is bad");
  EXPECT_EQ(CheckInOtherProcess({"/bin/sh", "-c", "kill -SEGV $$"}, path, absl::Seconds(10), why),
            CheckResult::kDamaged);
  EXPECT_THAT(why, HasSubstr("signal 11"));
  EXPECT_EQ(CheckInOtherProcess({"/bin/sh", "-c", "exec sleep 60"}, path, absl::Milliseconds(50), why),
            CheckResult::kUndecided);
  EXPECT_EQ(why, "it was not done within 50ms");
  EXPECT_EQ(CheckInOtherProcess({"/no/such/program"}, path, absl::Seconds(10), why), CheckResult::kUndecided);
}

TEST_F(StoreCheckTest, ADamagedCacheIsSetAsideAfterAnUncleanEndAndBegunAnew) {
  Fill(10);
  LeaveMark();
  const auto cache = Cache::Open(test_.loop(), Settings({"/bin/sh", "-c", "echo bad page >&2; exit 1"}));
  EXPECT_TRUE(cache->counts().persistent);
  EXPECT_EQ(cache->counts().records, 0U);
  EXPECT_EQ(SetAside().size(), 1U);
  EXPECT_TRUE(log_.Contains("is damaged (bad page): it is set aside as "));
}

TEST_F(StoreCheckTest, ACleanEndNeedsNoCheck) {
  Fill(10);
  const auto cache = Cache::Open(test_.loop(), Settings({"/bin/false"}));
  EXPECT_EQ(cache->counts().records, 10U);
  EXPECT_TRUE(SetAside().empty());
}

TEST_F(StoreCheckTest, ACheckThatCanNotBeMadeHarmsNothing) {
  Fill(10);
  LeaveMark();
  const auto cache = Cache::Open(test_.loop(), Settings({"/no/such/program"}));
  EXPECT_EQ(cache->counts().records, 10U);
  EXPECT_TRUE(log_.Contains("could not be checked"));
}

TEST_F(StoreCheckTest, AForeignFileIsLeftWhereItIs) {
  WriteFile(folder_.file(), std::string(10000, 'x'));
  LeaveMark();
  // /bin/true passes it, as `verifyd --check-cache` does.
  const auto cache = Cache::Open(test_.loop(), Settings({"/bin/true"}));
  EXPECT_FALSE(cache->counts().persistent);
  EXPECT_EQ(ReadFile(folder_.file()), std::string(10000, 'x'));
}

// Another process's look-ups use up all slots of the lock table.
TEST_F(StoreCheckTest, WithoutAReaderSlotTheCacheIsKeptInMemory) {
  Fill(10);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    MDB_env* env = nullptr;
    mdb_env_create(&env);
    mdb_env_set_maxdbs(env, 8);
    if (mdb_env_open(env, folder_.file().c_str(), MDB_NOSUBDIR | MDB_NOTLS, 0600) != 0) ::_exit(1);
    MDB_txn* txn = nullptr;
    while (mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn) == 0) {
    }
    if (::write(ends[1], "x", 1) != 1) ::_exit(1);
    ::pause();
  }
  char byte = 0;
  ::close(ends[1]);
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  {
    const auto cache = Cache::Open(test_.loop(), Settings());
    EXPECT_FALSE(cache->counts().persistent);
    EXPECT_TRUE(log_.Contains("MDB_READERS_FULL"));
    cache->PutRecord("joe@example.com", FullRecord());
    EXPECT_EQ(cache->FindRecord("joe@example.com"), FullRecord());
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  // The slots of dead processes are free again.
  EXPECT_TRUE(Cache::Open(test_.loop(), Settings())->counts().persistent);
}

TEST_F(StoreCheckTest, ANumberThatIsUsedAgainAfterARebootHidAnUncleanEnd) {
  const std::string parents = absl::StrCat(folder_.file(), "-open.", ::getppid());
  WriteFile(parents, "11111111-2222-3333-4444-555555555555 4711");
  EXPECT_EQ(OpenMark::Holder(folder_.file()), 0);
  EXPECT_TRUE(OpenMark::TakeLeftOver(folder_.file()));
  EXPECT_FALSE(std::filesystem::exists(parents));
  // A living process is known by the mark that it writes itself.
  const OpenMark mine(folder_.file());
  const pid_t child = ::fork();
  if (child == 0) ::_exit(OpenMark::Holder(folder_.file()) == ::getppid() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(StoreCheckTest, AMarkInWhosePlaceThereIsAPipeOrAnotherNameOfAFileKeepsNobodyWaitingAndWritesNothing) {
  const std::string mine = absl::StrCat(folder_.file(), "-open.", ::getpid());
  const std::string parents = absl::StrCat(folder_.file(), "-open.", ::getppid());
  ASSERT_EQ(::mkfifo(parents.c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo(mine.c_str(), 0600), 0);
  EXPECT_EQ(OpenMark::Holder(folder_.file()), ::getppid());
  { const OpenMark mark(folder_.file()); }
  EXPECT_FALSE(std::filesystem::exists(mine));
  const std::string other = folder_.path() + "/other";
  WriteFile(other, "precious");
  std::filesystem::create_hard_link(other, mine);
  { const OpenMark mark(folder_.file()); }
  EXPECT_EQ(ReadFile(other), "precious");
}

TEST_F(StoreCheckTest, AMarkIsThereWhileTheCacheIsOpenAndOneOfALivingProcessIsNotLeftOver) {
  const std::string mine = absl::StrCat(folder_.file(), "-open.", ::getpid());
  {
    const auto cache = Cache::Open(test_.loop(), Settings());
    EXPECT_TRUE(std::filesystem::exists(mine));
  }
  EXPECT_FALSE(std::filesystem::exists(mine));
  const std::string parents = absl::StrCat(folder_.file(), "-open.", ::getppid());
  WriteFile(parents, "");
  EXPECT_FALSE(OpenMark::TakeLeftOver(folder_.file()));
  EXPECT_TRUE(std::filesystem::exists(parents));
  WriteFile(absl::StrCat(folder_.file(), "-open.2147483000"), "");
  EXPECT_TRUE(OpenMark::TakeLeftOver(folder_.file()));
  EXPECT_FALSE(OpenMark::TakeLeftOver(folder_.file()));
}

}  // namespace
}  // namespace verifyd
