#include "cache/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "tests/cache/samples.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

std::unique_ptr<Store> OpenOrDie(const std::string& path, size_t map_size = Store::kMapSize) {
  auto store = Store::Open(path, SampleTime(), map_size);
  EXPECT_THAT(store, IsOk());
  return store.ok() ? *std::move(store) : nullptr;
}

absl::Status Put(Store& store, StoreTable table, const std::string& key, const std::string& value) {
  return store.Write([&](Store::Changes& changes) { return changes.Put(table, key, value, Lifetimes()); });
}

std::string Get(Store& store, StoreTable table, const std::string& key) {
  std::string value = "(none)";
  EXPECT_THAT(store.Find(table, key, [&](absl::string_view found) { value = std::string(found); }), IsOk());
  return value;
}

std::vector<Due> AllDues(Store& store) {
  std::vector<Due> all;
  EXPECT_THAT(store.Write([&](Store::Changes& changes) -> absl::Status {
    all.clear();
    for (const DueKind kind :
         {DueKind::kProbe, DueKind::kRecordExpiry, DueKind::kDomainExpiry, DueKind::kDestinationExpiry}) {
      ASSIGN_OR_RETURN(const std::vector<Due> dues, changes.DueBefore(kind, absl::InfiniteFuture(), 1000));
      all.insert(all.end(), dues.begin(), dues.end());
    }
    return absl::OkStatus();
  }),
              IsOk());
  return all;
}

// Makes an LMDB file with one entry, as another program would.
void MakeForeignLmdb(const std::string& path, const char* database, const std::string& key, const std::string& value) {
  MDB_env* env = nullptr;
  ASSERT_EQ(mdb_env_create(&env), 0);
  mdb_env_set_maxdbs(env, 4);
  ASSERT_EQ(mdb_env_open(env, path.c_str(), MDB_NOSUBDIR | MDB_NOLOCK, 0600), 0);
  MDB_txn* txn = nullptr;
  ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
  MDB_dbi dbi = 0;
  ASSERT_EQ(mdb_dbi_open(txn, database, MDB_CREATE, &dbi), 0);
  MDB_val k = {key.size(), const_cast<char*>(key.data())};
  MDB_val v = {value.size(), const_cast<char*>(value.data())};
  ASSERT_EQ(mdb_put(txn, dbi, &k, &v, 0), 0);
  ASSERT_EQ(mdb_txn_commit(txn), 0);
  mdb_env_close(env);
}

TEST(StoreTest, KeepsWhatWasWrittenOverAReopening) {
  const TemporaryFolder folder;
  {
    const auto store = OpenOrDie(folder.file());
    EXPECT_THAT(Put(*store, StoreTable::kRecords, "a@example.com", EncodeRecord(FullRecord())), IsOk());
    EXPECT_EQ(Get(*store, StoreTable::kRecords, "a@example.com"), EncodeRecord(FullRecord()));
  }
  const auto store = OpenOrDie(folder.file());
  EXPECT_EQ(Get(*store, StoreTable::kRecords, "a@example.com"), EncodeRecord(FullRecord()));
  EXPECT_EQ(Get(*store, StoreTable::kDomains, "a@example.com"), "(none)");
  const auto usage = store->Usage();
  ASSERT_THAT(usage, IsOk());
  EXPECT_EQ(usage->records, 1U);
  EXPECT_EQ(usage->domains, 0U);
  EXPECT_GT(usage->file_bytes, 0U);
}

TEST(StoreTest, TakesAnEmptyFile) {
  const TemporaryFolder folder;
  WriteFile(folder.file(), "");
  EXPECT_THAT(Store::Open(folder.file(), SampleTime()), IsOk());
}

TEST(StoreTest, LeavesAForeignFileAsItIs) {
  const TemporaryFolder folder;
  WriteFile(folder.file(), "the diary of somebody else");
  EXPECT_THAT(Store::Open(folder.file(), SampleTime()), FailsWith(folder.file() + ": not a cache of verifyd"));
  EXPECT_EQ(ReadFile(folder.file()), "the diary of somebody else");
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(StoreTest, LeavesALmdbFileOfPostfixAsItIs) {
  const TemporaryFolder folder;
  MakeForeignLmdb(folder.file(), nullptr, "ok@x.example", "0:0:1795408287:250 ok");
  const std::string before = ReadFile(folder.file());
  EXPECT_THAT(Store::Open(folder.file(), SampleTime()), FailsWith("an LMDB file of something else"));
  EXPECT_EQ(ReadFile(folder.file()), before);
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(StoreTest, LeavesALmdbFileWithoutAFormatMarkAsItIs) {
  const TemporaryFolder folder;
  MakeForeignLmdb(folder.file(), "meta", "version", "7");
  const std::string before = ReadFile(folder.file());
  EXPECT_THAT(Store::Open(folder.file(), SampleTime()), FailsWith("it has no format mark"));
  EXPECT_EQ(ReadFile(folder.file()), before);
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(StoreTest, LeavesAFileOfANewerFormatAsItIs) {
  const TemporaryFolder folder;
  MakeForeignLmdb(folder.file(), "meta", "format", "verifyd cache format 2");
  const std::string before = ReadFile(folder.file());
  EXPECT_THAT(Store::Open(folder.file(), SampleTime()),
              FailsWith("a cache of format 2; this version of verifyd knows format 1 only; it is left alone"));
  EXPECT_EQ(ReadFile(folder.file()), before);
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(StoreTest, AFileOfBeforeThereWereBreakersTakesThemAndKeepsTheRest) {
  const TemporaryFolder folder;
  WriteFile(folder.file(), ReadFile(VERIFYD_SOURCE_DIR "/tests/cache/data/format1.mdb"));
  const DomainBreaker breaker = FullDomainBreaker();
  const std::string key = DomainBreakerKey(breaker.destination, breaker.domain);
  ASSERT_THAT(Put(*OpenOrDie(folder.file()), StoreTable::kBreakers, key, EncodeDomainBreaker(breaker)), IsOk());
  const auto store = OpenOrDie(folder.file());
  EXPECT_EQ(Get(*store, StoreTable::kBreakers, key), EncodeDomainBreaker(breaker));
  EXPECT_EQ(Get(*store, StoreTable::kPins, "pinned@example.com"), EncodePin(FullPin()));
}

TEST(StoreTest, ReadsTheFileOfFormat1ThatIsKept) {
  const TemporaryFolder folder;
  WriteFile(folder.file(), ReadFile(VERIFYD_SOURCE_DIR "/tests/cache/data/format1.mdb"));
  const auto store = OpenOrDie(folder.file());
  ASSERT_NE(store, nullptr);
  const auto record = DecodeRecord(Get(*store, StoreTable::kRecords, "full@example.com"));
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(*record, FullRecord());
  const auto bare = DecodeRecord(Get(*store, StoreTable::kRecords, "bare@example.com"));
  ASSERT_THAT(bare, IsOk());
  EXPECT_EQ(*bare, PositiveRecord(SampleTime()));
  const auto fact = DecodeDomainFact("example.org", Get(*store, StoreTable::kDomains, "example.org"));
  ASSERT_THAT(fact, IsOk());
  EXPECT_EQ(*fact, FullDomainFact());
  const auto state = DecodeDestinationState("mx:example.com", Get(*store, StoreTable::kDestinations, "mx:example.com"));
  ASSERT_THAT(state, IsOk());
  EXPECT_EQ(*state, FullDestinationState());
  const auto pin = DecodePin(Get(*store, StoreTable::kPins, "pinned@example.com"));
  ASSERT_THAT(pin, IsOk());
  EXPECT_EQ(*pin, FullPin());
  const auto cleaned = store->LastCleanup();
  ASSERT_THAT(cleaned, IsOk());
  EXPECT_EQ(*cleaned, SampleTime() - absl::Hours(1));
  EXPECT_EQ(Get(*store, StoreTable::kBreakers, "nobody"), "(none)") << "it was made before there were breakers";
  const absl::Duration day = absl::Hours(24);
  EXPECT_THAT(AllDues(*store),
              testing::ElementsAre(
                  Due{.kind = DueKind::kProbe, .when = SampleTime() + absl::Hours(1), .key = "full@example.com"},
                  Due{.kind = DueKind::kRecordExpiry, .when = SampleTime() + 31 * day, .key = "bare@example.com"},
                  Due{.kind = DueKind::kRecordExpiry, .when = SampleTime() + 31 * day, .key = "full@example.com"},
                  Due{.kind = DueKind::kDomainExpiry, .when = SampleTime() + absl::Minutes(30), .key = "example.org"},
                  Due{.kind = DueKind::kDestinationExpiry,
                      .when = SampleTime() + absl::Hours(4) + 31 * day,
                      .key = "mx:example.com"}));
}

TEST(StoreTest, KeepsTheDueIndexInStepWithEveryChange) {
  const TemporaryFolder folder;
  const auto store = OpenOrDie(folder.file());
  ASSERT_THAT(Put(*store, StoreTable::kRecords, "a", EncodeRecord(FullRecord())), IsOk());
  ASSERT_THAT(Put(*store, StoreTable::kRecords, "b", EncodeRecord(PositiveRecord(SampleTime()))), IsOk());
  ASSERT_THAT(Put(*store, StoreTable::kRecords, "a", EncodeRecord(PositiveRecord(SampleTime() + absl::Hours(1)))),
              IsOk());
  ASSERT_THAT(
      store->Write([](Store::Changes& changes) { return changes.Delete(StoreTable::kRecords, "b", Lifetimes()); }),
      IsOk());
  EXPECT_THAT(AllDues(*store),
              testing::ElementsAre(
                  Due{.kind = DueKind::kRecordExpiry, .when = SampleTime() + absl::Hours(1 + 24 * 90), .key = "a"}));
}

TEST(StoreTest, AChangeThatFailsLeavesNothingBehind) {
  const TemporaryFolder folder;
  const auto store = OpenOrDie(folder.file());
  EXPECT_THAT(store->Write([](Store::Changes& changes) -> absl::Status {
    RETURN_IF_ERROR(changes.Put(StoreTable::kPins, "a", EncodePin(FullPin()), Lifetimes()));
    return changes.Put(StoreTable::kPins, std::string(503, 'x'), EncodePin(FullPin()), Lifetimes());
  }),
              FailsWith("a key of 503 bytes can not be stored"));
  EXPECT_EQ(Get(*store, StoreTable::kPins, "a"), "(none)");
  EXPECT_THAT(Put(*store, StoreTable::kRecords, std::string(502, 'x'), EncodeRecord(FullRecord())), IsOk());
  EXPECT_EQ(Get(*store, StoreTable::kPins, ""), "(none)");
}

TEST(StoreTest, TheLockTableThatRootMakesIsTheOwnersOfTheFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const TemporaryFolder folder;
  OpenOrDie(folder.file());
  const std::string lock = folder.file() + "-lock";
  ASSERT_EQ(::chown(folder.file().c_str(), 12345, 12346), 0);
  ASSERT_EQ(::unlink(lock.c_str()), 0);
  OpenOrDie(folder.file());
  struct stat made {};
  ASSERT_EQ(::stat(lock.c_str(), &made), 0);
  EXPECT_EQ(made.st_uid, 12345U);
  EXPECT_EQ(made.st_gid, 12346U);
}

TEST(StoreTest, AFileThatRootLeftInAFolderOfSomebodyElseIsOpenedAndIsHis) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const TemporaryFolder folder;
  OpenOrDie(folder.file());
  ASSERT_EQ(::chown(folder.path().c_str(), 4711, 4711), 0);
  OpenOrDie(folder.file());
  for (const char* const ending : {"", "-lock"}) {
    struct stat info {};
    ASSERT_EQ(::stat(absl::StrCat(folder.file(), ending).c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 4711U) << ending;
  }
}

TEST(StoreTest, ASymbolicLinkInTheLockTablesPlaceMadeRootOverwriteAFileOfItsOwn) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has what others may not write";
  const TemporaryFolder folder;
  const TemporaryFolder roots;
  WriteFile(roots.file(), "a file of root");
  OpenOrDie(folder.file());
  const std::string lock = folder.file() + "-lock";
  ASSERT_EQ(::unlink(lock.c_str()), 0);
  ASSERT_EQ(::symlink(roots.file().c_str(), lock.c_str()), 0);
  ASSERT_EQ(::chown(folder.file().c_str(), 12345, 12346), 0);
  ASSERT_EQ(::chown(folder.path().c_str(), 12345, 12346), 0);
  EXPECT_THAT(Store::Open(folder.file(), SampleTime()), FailsWith("Permission denied"));
  EXPECT_EQ(ReadFile(roots.file()), "a file of root");
  // A sound file opens as before, and new files belong to the owner.
  ASSERT_EQ(::unlink(lock.c_str()), 0);
  OpenOrDie(folder.file());
  struct stat made {};
  ASSERT_EQ(::stat(lock.c_str(), &made), 0);
  EXPECT_EQ(made.st_uid, 12345U);
}

// Moving the map under a reader would be a crash; the fence keeps them apart.
TEST(StoreTest, GrowsAFullMapWhileSomebodyReads) {
  const TemporaryFolder folder;
  const auto store = OpenOrDie(folder.file(), size_t{128} << 10);
  const std::string value = EncodeRecord(FullRecord());
  ASSERT_THAT(Put(*store, StoreTable::kRecords, "0", value), IsOk());
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) EXPECT_EQ(Get(*store, StoreTable::kRecords, "0"), value);
  });
  for (int i = 1; i < 20; ++i) {
    EXPECT_THAT(store->Write([&](Store::Changes& changes) -> absl::Status {
      for (int j = 0; j < 100; ++j) {
        RETURN_IF_ERROR(changes.Put(StoreTable::kRecords, absl::StrCat(i * 100 + j), value, Lifetimes()));
      }
      return absl::OkStatus();
    }),
                IsOk());
  }
  done = true;
  reader.join();
  EXPECT_GT(store->map_growths(), 0U);
  EXPECT_EQ(store->Usage()->records, 1901U);
}

}  // namespace
}  // namespace verifyd
