#include "cache/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "cache/store.h"
#include "tests/cache/samples.h"
#include "tests/status_matchers.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

class CacheTest : public testing::Test {
 protected:
  CacheSettings Settings() const {
    CacheSettings settings;
    settings.path = folder_.path() + "/verify_cache";
    settings.map_name = absl::StrCat("lmdb:", folder_.path(), "/verify_cache");
    return settings;
  }
  std::unique_ptr<Cache> Open() { return Cache::Open(test_.loop(), Settings()); }
  std::unique_ptr<Cache> OpenInMemory(size_t entries) {
    CacheSettings settings;
    settings.map_name = "memory";
    settings.memory_entries = entries;
    return Cache::Open(test_.loop(), settings);
  }
  // Writes past the cache, as another program or a failing disk would.
  void PutBehind(StoreTable table, const std::string& key, const std::string& value) {
    const auto store = Store::Open(folder_.file(), SampleTime());
    ASSERT_THAT(store, IsOk());
    ASSERT_THAT((*store)->Write([&](Store::Changes& changes) { return changes.Put(table, key, value, Lifetimes()); }),
                IsOk());
  }
  // Handles everything that the writer has reported.
  void Settle(Cache& cache) {
    cache.Flush();
    test_.RunUntilIdle();
  }

  TestLoop test_;
  CapturedLog log_;
  TemporaryFolder folder_;
};

TEST_F(CacheTest, KeepsEverythingOverARestart) {
  auto cache = Open();
  cache->PutRecord("a@example.com", FullRecord());
  cache->PutDomainFact(FullDomainFact());
  cache->PutDestinationState(FullDestinationState());
  cache->PutDomainBreaker(FullDomainBreaker());
  cache.reset();
  cache = Open();
  EXPECT_EQ(cache->FindRecord("a@example.com"), FullRecord());
  EXPECT_EQ(cache->FindDomainFact("example.org"), FullDomainFact());
  EXPECT_THAT(cache->LoadDestinationStates(), testing::ElementsAre(FullDestinationState()));
  EXPECT_THAT(cache->LoadDomainBreakers(), testing::ElementsAre(FullDomainBreaker()));
  EXPECT_EQ(cache->FindDomainBreaker("mx.example.com", "customer.example"), FullDomainBreaker());
  EXPECT_FALSE(cache->FindDomainBreaker("mx.example.com", "other.example").has_value());
  EXPECT_FALSE(cache->FindRecord("b@example.com").has_value());
  EXPECT_TRUE(cache->counts().persistent);
  EXPECT_EQ(cache->counts().records, 1U);
  EXPECT_EQ(cache->counts().domains, 1U);
}

TEST_F(CacheTest, MakesItsFolderForItselfAlone) {
  CacheSettings settings = Settings();
  const std::string directory = folder_.path() + "/new";
  settings.path = directory + "/verify_cache";
  const auto cache = Cache::Open(test_.loop(), settings);
  struct stat folder {};
  ASSERT_EQ(::stat(directory.c_str(), &folder), 0);
  EXPECT_EQ(folder.st_mode & 0777, 0700U);
  struct stat file {};
  ASSERT_EQ(::stat((directory + "/verify_cache.mdb").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
}

TEST_F(CacheTest, ServesWhatWasPutBeforeItIsCommitted) {
  const auto cache = Open();
  cache->PutRecord("a@example.com", PositiveRecord(SampleTime()));
  EXPECT_EQ(cache->FindRecord("a@example.com"), PositiveRecord(SampleTime()));
  cache->PutRecord("a@example.com", FullRecord());
  EXPECT_EQ(cache->FindRecord("a@example.com"), FullRecord());
  EXPECT_TRUE(cache->DeleteRecord("a@example.com"));
  EXPECT_FALSE(cache->FindRecord("a@example.com").has_value());
  EXPECT_FALSE(cache->DeleteRecord("a@example.com"));
  EXPECT_EQ(cache->counts().uncommitted, 1U);
  Settle(*cache);
  EXPECT_EQ(cache->counts().uncommitted, 0U);
  EXPECT_FALSE(cache->FindRecord("a@example.com").has_value());
}

TEST_F(CacheTest, PagesOfRecordsHaveWhatIsStoredAndWhatWaits) {
  const auto cache = Open();
  for (const char* key : {"a@x", "c@x", "e@x", "g@x"}) cache->PutRecord(key, PositiveRecord(SampleTime()));
  Settle(*cache);
  cache->PutRecord("b@x", FullRecord());
  cache->PutRecord("c@x", FullRecord());
  cache->DeleteRecord("e@x");
  cache->PutRecord("h@x", FullRecord());
  std::vector<std::string> met;
  size_t examined = 0;
  std::string after;
  do {
    const Cache::RecordPage page = cache->RecordsAfter(after, 2);
    for (const auto& [key, record] : page.records) {
      met.push_back(key);
      EXPECT_EQ(record, cache->FindRecord(key)) << key;
    }
    examined += page.examined;
    after = page.next;
  } while (!after.empty());
  EXPECT_THAT(met, testing::ElementsAre("a@x", "b@x", "c@x", "g@x", "h@x"));
  EXPECT_EQ(examined, 6U);
}

TEST_F(CacheTest, PagesOfRecordsNeedNoStore) {
  const auto cache = OpenInMemory(10);
  for (const char* key : {"c@x", "a@x", "b@x"}) cache->PutRecord(key, FullRecord());
  const Cache::RecordPage page = cache->RecordsAfter("", 2);
  EXPECT_EQ(page.next, "b@x");
  EXPECT_EQ(cache->RecordsAfter(page.next, 2).records.size(), 1U);
  EXPECT_EQ(cache->RecordsAfter(page.next, 2).next, "");
  EXPECT_EQ(cache->RecordsAfter(std::string(1000, 'a'), 2).examined, 0U);
}

TEST_F(CacheTest, APageLeavesOutWhatIsDamagedAndGoesOn) {
  PutBehind(StoreTable::kRecords, "a@x", "nonsense");
  const auto cache = Open();
  cache->PutRecord("b@x", FullRecord());
  Settle(*cache);
  const Cache::RecordPage page = cache->RecordsAfter("", 10);
  EXPECT_EQ(page.examined, 2U);
  ASSERT_EQ(page.records.size(), 1U);
  EXPECT_EQ(page.records[0].first, "b@x");
}

TEST_F(CacheTest, AnOlderCommitDoesNotUncoverANewerChange) {
  const auto cache = Open();
  cache->PutRecord("a@example.com", PositiveRecord(SampleTime()));
  cache->Flush();
  cache->PutRecord("a@example.com", FullRecord());
  test_.RunUntilIdle();  // the report of the first commit
  EXPECT_EQ(cache->FindRecord("a@example.com"), FullRecord());
  Settle(*cache);
  EXPECT_EQ(cache->FindRecord("a@example.com"), FullRecord());
}

// A key that is too long stands for a full queue: the writer refuses both.
TEST_F(CacheTest, WhatTheWriterRefusedStaysInMemoryWhenLaterChangesAreCommitted) {
  const auto cache = Open();
  const std::string refused(Store::kMaxKey + 1, 'x');
  cache->PutRecord("a@example.com", FullRecord());
  cache->PutRecord(refused, FullRecord());
  cache->PutRecord("b@example.com", FullRecord());
  Settle(*cache);
  EXPECT_EQ(cache->FindRecord(refused), FullRecord());
  EXPECT_EQ(cache->FindRecord("a@example.com"), FullRecord());
  EXPECT_EQ(cache->uncommitted(), 0U) << "nobody waits for the disk to take it";
  EXPECT_EQ(cache->counts().uncommitted, 1U) << "and it is told of";
}

TEST_F(CacheTest, DeletesFromTheStore) {
  auto cache = Open();
  cache->PutRecord("a@example.com", FullRecord());
  cache->PutDomainFact(FullDomainFact());
  Settle(*cache);
  EXPECT_TRUE(cache->DeleteRecord("a@example.com"));
  EXPECT_TRUE(cache->DeleteDomainFact("example.org"));
  EXPECT_FALSE(cache->DeleteDomainFact("example.net"));
  cache.reset();
  cache = Open();
  EXPECT_FALSE(cache->FindRecord("a@example.com").has_value());
  EXPECT_FALSE(cache->FindDomainFact("example.org").has_value());
}

TEST_F(CacheTest, WithoutAStoreItLivesInMemoryAndDropsTheOldest) {
  const auto cache = OpenInMemory(3);
  for (const char* key : {"a", "b", "c", "a", "d"}) cache->PutRecord(key, FullRecord());
  EXPECT_TRUE(cache->FindRecord("a").has_value());
  EXPECT_FALSE(cache->FindRecord("b").has_value());
  EXPECT_TRUE(cache->FindRecord("c").has_value());
  EXPECT_TRUE(cache->FindRecord("d").has_value());
  EXPECT_FALSE(cache->counts().persistent);
  EXPECT_EQ(cache->counts().records, 3U);
  cache->Flush();
}

TEST_F(CacheTest, AFileThatIsNotOursMakesItLiveInMemoryAndSaySo) {
  WriteFile(folder_.file(), "the diary of somebody else");
  {
    const auto cache = Open();
    EXPECT_FALSE(cache->counts().persistent);
    cache->PutRecord("a", FullRecord());
    EXPECT_EQ(cache->FindRecord("a"), FullRecord());
  }
  EXPECT_TRUE(log_.Contains("can not be used, answers are kept in memory only: " + folder_.file()));
  EXPECT_EQ(ReadFile(folder_.file()), "the diary of somebody else");
}

TEST_F(CacheTest, OfAFileThatWasRemovedMeanwhileNobodyHeard) {
  const auto cache = Open();
  cache->PutRecord("a", FullRecord());
  cache->Flush();
  std::filesystem::rename(folder_.file(), folder_.file() + ".away");
  cache->PutRecord("b", FullRecord());
  cache->Flush();
  test_.RunUntilIdle();
  EXPECT_FALSE(cache->counts().persistent);
  EXPECT_TRUE(log_.Contains("was removed or replaced while it was open"));
  // The cache serves as before.
  EXPECT_EQ(cache->FindRecord("a"), FullRecord());
  EXPECT_EQ(cache->FindRecord("b"), FullRecord());
  EXPECT_EQ(cache->uncommitted(), 0U);
  std::filesystem::rename(folder_.file() + ".away", folder_.file());
  cache->PutRecord("c", FullRecord());
  cache->Flush();
  test_.RunUntilIdle();
  EXPECT_TRUE(cache->counts().persistent);
  EXPECT_TRUE(log_.Contains("is there again"));
}

TEST_F(CacheTest, AFileThatWasCutMeanwhileIsNotUsedAnyMore) {
  const auto cache = Open();
  for (int i = 0; i < 100; ++i) cache->PutRecord(absl::StrCat("user", i), FullRecord());
  cache->Flush();
  test_.RunUntilIdle();
  std::filesystem::resize_file(folder_.file(), 4096);
  bool cleaned = false;
  cache->PutRecord("b", FullRecord());
  cache->Clean([&] { cleaned = true; });
  cache->Flush();
  test_.RunUntilIdle();
  EXPECT_TRUE(cleaned);
  EXPECT_TRUE(log_.Contains("was cut while it was open"));
  EXPECT_FALSE(cache->counts().persistent);
  EXPECT_FALSE(cache->FindRecord("user1").has_value());
  EXPECT_EQ(cache->FindRecord("b"), FullRecord());
  EXPECT_FALSE(cache->Clean([] {}));
}

TEST_F(CacheTest, DoesNotTouchTheCacheOfPostfixBesideIt) {
  WriteFile(folder_.path() + "/verify_cache.lmdb", "postfix");
  WriteFile(folder_.path() + "/verify_cache.db", "postfix");
  { EXPECT_TRUE(Open()->counts().persistent); }
  EXPECT_EQ(ReadFile(folder_.path() + "/verify_cache.lmdb"), "postfix");
  EXPECT_EQ(ReadFile(folder_.path() + "/verify_cache.db"), "postfix");
}

TEST_F(CacheTest, ADamagedValueIsLoggedOnceAndCountsAsAbsent) {
  std::string bytes = EncodeRecord(FullRecord());
  bytes[20] = static_cast<char>(bytes[20] ^ 1);
  PutBehind(StoreTable::kRecords, "a@example.com", bytes);
  const auto cache = Open();
  EXPECT_FALSE(cache->FindRecord("a@example.com").has_value());
  EXPECT_FALSE(cache->FindRecord("a@example.com").has_value());
  EXPECT_EQ(cache->counts().damaged, 2U);
  EXPECT_THAT(log_.lines(), testing::Contains(testing::HasSubstr("a@example.com can not be read")).Times(1));
  // The next probe replaces it.
  cache->PutRecord("a@example.com", FullRecord());
  Settle(*cache);
  EXPECT_EQ(cache->FindRecord("a@example.com"), FullRecord());
}

TEST_F(CacheTest, APinOfTheAddressGoesBeforeOneOfItsDomainUntilItEnds) {
  Pin of_domain = FullPin();
  of_domain.until = absl::InfiniteFuture();
  of_domain.why = "whole domain";
  PutBehind(StoreTable::kPins, "a@example.com", EncodePin(FullPin()));
  PutBehind(StoreTable::kPins, "@example.com", EncodePin(of_domain));
  const auto cache = Open();
  EXPECT_EQ(cache->FindPin("a@example.com", "example.com", test_.clock().Now()), FullPin());
  EXPECT_EQ(cache->FindPin("b@example.com", "example.com", test_.clock().Now()), of_domain);
  EXPECT_FALSE(cache->FindPin("b@example.org", "example.org", test_.clock().Now()).has_value());
  test_.clock().SetWall(FullPin().until);
  EXPECT_EQ(cache->FindPin("a@example.com", "example.com", test_.clock().Now()), of_domain);
}

TEST_F(CacheTest, APinThatWasKeptAsItWasSpelledIsFoundInSmallLettersAfterTheStart) {
  Pin older = FullPin();
  older.set_at -= absl::Hours(1);
  older.why = "older";
  PutBehind(StoreTable::kPins, "Joe.Smith@example.com", EncodePin(FullPin()));
  PutBehind(StoreTable::kPins, "JOE.SMITH@example.com", EncodePin(older));
  PutBehind(StoreTable::kPins, "hold @example.org", EncodeHold(Hold()));
  const auto cache = Open();
  EXPECT_TRUE(cache->FindPin("Joe.Smith@example.com", "example.com", SampleTime()).has_value());
  cache->FoldPins(SampleTime());
  const auto pins = cache->ListPins(SampleTime());
  ASSERT_EQ(pins.size(), 1U) << "a hold is no pin";
  EXPECT_EQ(pins[0].first, "joe.smith@example.com");
  EXPECT_EQ(pins[0].second, FullPin());
  EXPECT_EQ(cache->FindPin("joe.SMITH@example.com", "example.com", SampleTime()), FullPin());
  Settle(*cache);
  EXPECT_EQ(cache->ListPins(SampleTime()).size(), 1U);
  const auto holds = cache->ListHolds(SampleTime());
  ASSERT_EQ(holds.size(), 1U);
  EXPECT_EQ(holds[0].first, "example.org");
  EXPECT_EQ(holds[0].second, Hold());
}

TEST_F(CacheTest, ANewerPinThatHadEndedTookThePlaceOfOneForEver) {
  Pin for_ever = FullPin();
  for_ever.until = absl::InfiniteFuture();
  for_ever.set_at = SampleTime() - absl::Hours(3);
  Pin ended = FullPin();
  ended.until = SampleTime() - absl::Hours(1);
  ended.set_at = SampleTime() - absl::Hours(2);
  PutBehind(StoreTable::kPins, "Joe@example.com", EncodePin(for_ever));
  PutBehind(StoreTable::kPins, "joe@example.com", EncodePin(ended));
  const auto cache = Open();
  cache->FoldPins(SampleTime());
  EXPECT_EQ(cache->FindPin("joe@example.com", "example.com", SampleTime()), for_ever);
}

TEST_F(CacheTest, EverySpellingOfAnAddressThatIsHeldIsFound) {
  const auto cache = Open();
  for (const char* key : {"JANE@x", "Jane@x", "jane@x", "jan@x", "janet@x", "Jane@xy", "z@x", "JANE@"}) {
    cache->PutRecord(key, PositiveRecord(SampleTime()));
  }
  Settle(*cache);
  cache->DeleteRecord("JANE@x");
  cache->PutRecord("jANE@x", PositiveRecord(SampleTime()));
  const Cache::Spellings found = cache->SpellingsOf("jaNE@x");
  EXPECT_THAT(found.keys, testing::ElementsAre("Jane@x", "jANE@x", "jane@x"));
  EXPECT_TRUE(found.complete);
  EXPECT_TRUE(cache->SpellingsOf("joe@x").keys.empty());
}

TEST_F(CacheTest, ThousandsOfSpellingsAreNotAllLookedFor) {
  const auto cache = Open();
  for (int i = 0; i < 2000; ++i) {
    std::string key = "abcdefghijkl@x";
    for (int bit = 0; bit < 12; ++bit) {
      if ((i >> bit & 1) != 0) key[static_cast<size_t>(bit)] = static_cast<char>(key[static_cast<size_t>(bit)] - 32);
    }
    cache->PutRecord(key, PositiveRecord(SampleTime()));
  }
  Settle(*cache);
  const Cache::Spellings found = cache->SpellingsOf("abcdefghijkl@x");
  EXPECT_GE(found.keys.size(), 100U);
  EXPECT_LE(found.keys.size(), 101U);
  EXPECT_FALSE(found.complete);
}

TEST_F(CacheTest, SeesThePinThatAnotherProcessSetWhereThereWasNone) {
  const auto cache = Open();
  EXPECT_FALSE(cache->FindPin("a@example.com", "example.com", test_.clock().Now()).has_value());
  // LMDB does not allow a file to be opened twice by one process, so the other one is real.
  const pid_t child = fork();
  if (child == 0) {
    PutBehind(StoreTable::kPins, "a@example.com", EncodePin(FullPin()));
    _exit(HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(cache->FindPin("a@example.com", "example.com", test_.clock().Now()), FullPin());
}

TEST_F(CacheTest, ADestinationPutSinceTheStartIsLoadedOnce) {
  const auto cache = Open();
  cache->PutDestinationState(FullDestinationState());
  Settle(*cache);
  DestinationState newer = FullDestinationState();
  newer.breaker.failures = 9;
  cache->PutDestinationState(newer);
  EXPECT_THAT(cache->LoadDestinationStates(), testing::ElementsAre(newer));
}

TEST_F(CacheTest, TheBreakerOfADomainThatAnOlderVersionKeptAmongDestinationsIsMovedAndItsHoldOfNobodyGoes) {
  const DomainBreaker breaker = FullDomainBreaker();
  DestinationState old{.name = breaker.Name(), .breaker = breaker.breaker, .trust = breaker.trust};
  old.held_until = absl::InfiniteFuture();
  old.held_why = "disks";
  DestinationState with_blank = FullDestinationState();
  with_blank.name = "lmtp:unix:/var/my mail/lmtp";
  PutBehind(StoreTable::kDestinations, old.name, EncodeDestinationState(old));
  DestinationState list = FullDestinationState();
  list.name = "smtp:a.example, b.example";
  DestinationState socket = FullDestinationState();
  socket.name = "lmtp:unix:/run/my sock";
  for (const DestinationState& whole : {with_blank, list, socket}) {
    PutBehind(StoreTable::kDestinations, whole.name, EncodeDestinationState(whole));
  }
  for (int start = 0; start < 2; ++start) {
    const auto cache = Open();
    cache->MoveDomainBreakers();
    EXPECT_EQ(cache->FindDomainBreaker("mx.example.com", "customer.example"), breaker);
    EXPECT_THAT(cache->LoadDomainBreakers(), testing::ElementsAre(breaker));
    EXPECT_THAT(cache->LoadDestinationStates(), testing::UnorderedElementsAre(with_blank, list, socket));
  }
}

TEST_F(CacheTest, ARouteThatWasCalledLikeAnExchangeKeepsItsHoldAndThatItHasAcceptedSomebody) {
  const auto cache = Open();
  DestinationState former{.name = "isp.example", .breaker = {.failures = 7}};
  former.held_until = SampleTime() + absl::Hours(1);
  former.held_why = "disks";
  former.trust = {.last_accepted = SampleTime() - absl::Hours(5),
                  .doubt = Doubt::kManyRefused,
                  .why = "a public server of that name refused many"};
  cache->PutDestinationState(former);
  std::optional<DestinationState> route = cache->FindDestinationState("smtp:isp.example");
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->name, "smtp:isp.example");
  EXPECT_EQ(route->held_until, former.held_until);
  EXPECT_EQ(route->held_why, "disks");
  EXPECT_EQ(route->trust, Trust{.last_accepted = former.trust.last_accepted});
  EXPECT_EQ(route->breaker, BreakerState()) << "others' servers of that name may have failed";
  route->held_until = absl::InfinitePast();
  cache->PutDestinationState(*route);
  EXPECT_EQ(cache->FindDestinationState("smtp:isp.example"), route) << "what it has of its own counts";
  EXPECT_FALSE(cache->FindDestinationState("smtp:other.example").has_value());
}

TEST_F(CacheTest, TheAgendaIsReadAPageAtATime) {
  const auto cache = Open();
  for (const char* key : {"c@x", "a@x", "b@x", "d@x"}) {
    Record record = FullRecord();
    if (key[0] == 'd') record.next_probe -= absl::Hours(1);
    cache->PutRecord(key, record);
  }
  Settle(*cache);
  std::string met;
  Cache::Planned after;
  for (;;) {
    const std::vector<Cache::Planned> page = cache->Agenda(after, 3);
    if (page.empty()) break;
    for (const Cache::Planned& planned : page) met.push_back(planned.key[0]);
    after = page.back();
  }
  EXPECT_EQ(met, "dabc");
}

TEST_F(CacheTest, WhoAsksForACleanupHearsOfOneThatBeganAfterwards) {
  auto cache = Open();
  bool ended = false;
  cache->Clean([&] { ended = true; });
  cache->Flush();  // it has ended, but the front loop does not know yet
  cache->PutRecord("a@example.com", PositiveRecord(test_.clock().Now()));
  size_t records = SIZE_MAX;
  cache->Clean([&] { records = cache->counts().records; });
  test_.RunUntilIdle();
  EXPECT_TRUE(ended);
  Settle(*cache);
  EXPECT_EQ(records, 1U);
}

TEST_F(CacheTest, CleansAtStartAndThenOnceAnInterval) {
  const auto cleanups = [&] {
    int count = 0;
    for (const std::string& line : log_.lines()) count += line.find(" full cleanup: ") != std::string::npos ? 1 : 0;
    return count;
  };
  auto cache = Open();
  cache->PutRecord("a@example.com", PositiveRecord(test_.clock().Now()));
  test_.Advance(absl::ZeroDuration());
  Settle(*cache);
  EXPECT_EQ(cleanups(), 1);
  test_.Advance(absl::Hours(12) - absl::Seconds(1));
  Settle(*cache);
  EXPECT_EQ(cleanups(), 1);
  test_.Advance(absl::Seconds(1));
  Settle(*cache);
  EXPECT_EQ(cleanups(), 2);
  // A restart counts from the last completed run.
  cache.reset();
  test_.Advance(absl::Hours(2));
  cache = Open();
  test_.Advance(absl::Hours(10) - absl::Seconds(1));
  Settle(*cache);
  EXPECT_EQ(cleanups(), 2);
  test_.Advance(absl::Seconds(1));
  Settle(*cache);
  EXPECT_EQ(cleanups(), 3);
  // Shorter lifetimes after a reload count at the next run.
  CacheSettings settings = Settings();
  settings.lifetimes.positive_expire = absl::Hours(1);
  settings.lifetimes.stale = absl::ZeroDuration();
  settings.lifetimes.former_user = absl::Hours(1);
  settings.cleanup_interval = absl::Hours(1);
  cache->Configure(settings);
  cache->PutRecord("a@example.com", PositiveRecord(SampleTime()));
  Settle(*cache);
  test_.Advance(absl::Hours(1));
  Settle(*cache);
  EXPECT_EQ(cleanups(), 4);
  EXPECT_EQ(cache->counts().records, 0U);
  settings.cleanup_interval = absl::ZeroDuration();
  cache->Configure(settings);
  test_.Advance(absl::Hours(48));
  Settle(*cache);
  EXPECT_EQ(cleanups(), 4);
}

class HashedCacheTest : public CacheTest {
 protected:
  std::unique_ptr<Cache> OpenHashed() {
    CacheSettings settings = Settings();
    settings.pseudonyms = std::make_shared<const Pseudonyms>(std::string(Pseudonyms::kKeyBytes, 'k'));
    return Cache::Open(test_.loop(), settings);
  }
  std::string FileText() { return ReadFile(folder_.file()); }
  static Record Refused() {
    Record record{.finding = NegativeFinding(SampleTime()), .first_seen = SampleTime()};
    record.finding.text = "host mx.example.com[192.0.2.1] said: 550 5.1.1 <heinrich@example.com>: no heinrich here";
    return record;
  }
};

TEST_F(HashedCacheTest, FindsAnAddressOfWhichTheFileDoesNotTell) {
  auto cache = OpenHashed();
  cache->PutRecord("heinrich@example.com", Refused());
  cache->PutPin("heinrich@example.com", FullPin());
  Settle(*cache);
  cache = nullptr;
  EXPECT_FALSE(absl::StrContains(FileText(), "heinrich"));
  cache = OpenHashed();
  const std::optional<Record> found = cache->FindRecord("heinrich@example.com");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->finding.text, "host mx.example.com[192.0.2.1] said: 550 5.1.1 <*@example.com>: no * here");
  EXPECT_TRUE(cache->FindPin("heinrich@example.com", "example.com", SampleTime()).has_value());
  EXPECT_FALSE(cache->FindRecord("gretchen@example.com").has_value());
}

TEST_F(HashedCacheTest, WhatAWalkShowsIsAKeyToo) {
  auto cache = OpenHashed();
  cache->PutRecord("heinrich@example.com", Refused());
  const Cache::RecordPage page = cache->RecordsAfter("", 10);
  ASSERT_EQ(page.records.size(), 1U);
  const std::string& key = page.records.front().first;
  EXPECT_TRUE(IsPseudonym(key));
  EXPECT_TRUE(cache->FindRecord(key).has_value());
  EXPECT_TRUE(cache->DeleteRecord(key));
  EXPECT_FALSE(cache->FindRecord("heinrich@example.com").has_value());
}

TEST_F(HashedCacheTest, WhatWasHeldInClearIsHashedAfterTheStart) {
  {
    auto cache = Open();
    for (int i = 0; i < 500; ++i) cache->PutRecord(absl::StrCat("heinrich", i, "@example.com"), Refused());
    cache->PutRecord("!first@example.com", Refused());
    cache->PutPin("heinrich@example.com", FullPin());
    cache->PutPin("@example.org", FullPin());
    cache->PutHold("example.net", {.set_at = SampleTime()});
  }
  auto cache = OpenHashed();
  cache->HideAddresses();
  for (int i = 0; i < 10; ++i) {
    test_.Advance(absl::Seconds(1));
    Settle(*cache);
  }
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(cache->FindRecord(absl::StrCat("heinrich", i, "@example.com")).has_value());
  for (const auto& [key, record] : cache->RecordsAfter("", 1000).records) EXPECT_TRUE(IsPseudonym(key)) << key;
  EXPECT_EQ(cache->counts().records, 501U);
  EXPECT_TRUE(cache->FindPin("heinrich@example.com", "example.com", SampleTime()).has_value());
  EXPECT_TRUE(cache->FindPin("a@example.org", "example.org", SampleTime()).has_value());
  EXPECT_TRUE(cache->FindHold("example.net", SampleTime()).has_value());
  EXPECT_EQ(cache->ListPins(SampleTime()).size(), 2U);
  EXPECT_EQ(cache->ListHolds(SampleTime()).size(), 1U);
  EXPECT_TRUE(log_.Contains("501 addresses that were held in clear are hashed"));
}

TEST_F(HashedCacheTest, APinHoldsForEverySpellingAndRecordsAreFoundUnderTwo) {
  auto cache = OpenHashed();
  cache->PutPin("Heinrich@example.com", FullPin());
  cache->PutRecord("Heinrich@example.com", PositiveRecord(SampleTime()));
  cache->PutRecord("heinrich@example.com", PositiveRecord(SampleTime()));
  Settle(*cache);
  EXPECT_TRUE(cache->FindPin("HEINRICH@example.com", "example.com", SampleTime()).has_value());
  const Cache::Spellings found = cache->SpellingsOf("Heinrich@example.com");
  EXPECT_EQ(found.keys, (std::vector<std::string>{"Heinrich@example.com", "heinrich@example.com"}));
  EXPECT_FALSE(found.complete);
}

TEST_F(HashedCacheTest, AnAddressWithABlankBeforeAnAtSignIsHashedToo) {
  auto cache = OpenHashed();
  cache->PutRecord("heinrich @home@example.com", PositiveRecord(SampleTime()));
  cache->PutPin("heinrich @home@example.com", FullPin());
  Settle(*cache);
  EXPECT_FALSE(absl::StrContains(FileText(), "heinrich"));
  EXPECT_TRUE(cache->FindRecord("heinrich @home@example.com").has_value());
  EXPECT_TRUE(cache->FindPin("heinrich @home@example.com", "example.com", SampleTime()).has_value());
}

TEST_F(HashedCacheTest, WhatNobodyKnowsTheNameOfDoesNotHideTheAgendaOfThisRun) {
  {
    auto cache = OpenHashed();
    for (int i = 0; i < 20; ++i) cache->PutRecord(absl::StrCat("former", i, "@example.com"), FullRecord());
  }
  auto cache = OpenHashed();
  Record later = FullRecord();
  later.next_probe += absl::Hours(1);
  cache->PutRecord("gretchen@example.com", later);
  cache->PutRecord("heinrich@example.com", FullRecord());
  Settle(*cache);
  const auto agenda = cache->Agenda({}, 10);
  ASSERT_EQ(agenda.size(), 2U);
  EXPECT_EQ(agenda[0].key, "heinrich@example.com");
  EXPECT_EQ(agenda[1].key, "gretchen@example.com");
  EXPECT_EQ(cache->Agenda({}, 1).size(), 1U);
  EXPECT_THAT(cache->Agenda(agenda[0], 10), testing::ElementsAre(agenda[1]));
  cache->DeleteRecord("heinrich@example.com");
  EXPECT_EQ(cache->Agenda({}, 10).size(), 1U);
}

TEST_F(HashedCacheTest, TheAgendaIsOfAddressesThatWerePutThereInThisRun) {
  auto cache = OpenHashed();
  cache->PutRecord("heinrich@example.com", FullRecord());
  Settle(*cache);
  ASSERT_EQ(cache->Agenda({}, 10).size(), 1U);
  EXPECT_EQ(cache->Agenda({}, 10).front().key, "heinrich@example.com");
  cache = OpenHashed();
  EXPECT_THAT(cache->Agenda({}, 10), testing::IsEmpty());
}

}  // namespace
}  // namespace verifyd
