#include "cache/store_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cache/store.h"
#include "tests/cache/samples.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

bool GoOn(uint64_t /*done*/, uint64_t /*total*/) { return true; }

class StoreFileTest : public testing::Test {
 protected:
  void Write(absl::FunctionRef<absl::Status(Store::Changes&)> change) {
    const auto store = Store::Open(folder_.file(), SampleTime());
    ASSERT_THAT(store, IsOk());
    ASSERT_THAT((*store)->Write(change), IsOk());
  }

  void Fill(int records) {
    Write([&](Store::Changes& changes) -> absl::Status {
      for (int i = 0; i < records; ++i) {
        RETURN_IF_ERROR(changes.Put(StoreTable::kRecords, absl::StrCat("user", i, "@example.com"),
                                    EncodeRecord(PositiveRecord(SampleTime())), Lifetimes()));
      }
      RETURN_IF_ERROR(changes.Put(StoreTable::kRecords, "full@example.com", EncodeRecord(FullRecord()), Lifetimes()));
      RETURN_IF_ERROR(
          changes.Put(StoreTable::kDomains, "example.org", EncodeDomainFact(FullDomainFact()), Lifetimes()));
      RETURN_IF_ERROR(changes.Put(StoreTable::kDestinations, "mx:example.com",
                                  EncodeDestinationState(FullDestinationState()), Lifetimes()));
      const DomainBreaker breaker = FullDomainBreaker();
      RETURN_IF_ERROR(changes.Put(StoreTable::kBreakers, DomainBreakerKey(breaker.destination, breaker.domain),
                                  EncodeDomainBreaker(breaker), Lifetimes()));
      return changes.Put(StoreTable::kPins, "@example.com", EncodePin(FullPin()), Lifetimes());
    });
  }

  absl::StatusOr<StoreExamination> Examine(const Lifetimes& lifetimes = Lifetimes()) {
    faults_.clear();
    return StoreFile::Examine(
        folder_.file(), lifetimes,
        [&](absl::string_view where, absl::string_view what) { faults_.push_back(absl::StrCat(where, ": ", what)); },
        GoOn);
  }

  const TemporaryFolder folder_;
  std::vector<std::string> faults_;
};

TEST_F(StoreFileTest, OneOfBeforeThereWereBreakersIsExaminedAndLeftAsItIs) {
  const std::string old = ReadFile(VERIFYD_SOURCE_DIR "/tests/cache/data/format1.mdb");
  WriteFile(folder_.file(), old);
  const auto found = Examine();
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->faults, 0U);
  EXPECT_EQ(found->destinations, 1U);
  EXPECT_EQ(ReadFile(folder_.file()), old);
}

TEST_F(StoreFileTest, ASoundOneHasNoFault) {
  Fill(5000);
  const auto found = Examine();
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->records, 5001U);
  EXPECT_EQ(found->domains, 1U);
  EXPECT_EQ(found->destinations, 2U) << "and a domain at one";
  EXPECT_EQ(found->pins, 1U);
  EXPECT_EQ(found->dues, 5005U) << "an expiry for all but the pin, and a probe";
  EXPECT_EQ(found->faults, 0U);
  EXPECT_EQ(found->other_lifetimes, 0U);
  EXPECT_EQ(found->left_over, 0U);
  EXPECT_THAT(faults_, IsEmpty());
}

TEST_F(StoreFileTest, AnEmptyOneIsSound) {
  Write([](Store::Changes& /*changes*/) { return absl::OkStatus(); });
  ASSERT_THAT(Examine(), IsOk());
  EXPECT_THAT(faults_, IsEmpty());
}

TEST_F(StoreFileTest, ADamagedValueIsNamed) {
  Fill(10);
  std::string value = EncodePin(FullPin());
  value[5] ^= 1;
  Write([&](Store::Changes& changes) { return changes.Put(StoreTable::kPins, "joe@example.com", value, Lifetimes()); });
  EXPECT_EQ(Examine()->faults, 1U);
  EXPECT_THAT(faults_, ElementsAre(HasSubstr("pin joe@example.com: it can not be read")));
}

TEST_F(StoreFileTest, AMissingEntryOfTheDueIndexIsAFault) {
  Fill(10);
  const std::vector<Due> dues =
      DuesOf(StoreTable::kRecords, "full@example.com", EncodeRecord(FullRecord()), Lifetimes());
  ASSERT_EQ(dues.size(), 2U);
  Write([&](Store::Changes& changes) -> absl::Status {
    for (const Due& due : dues) RETURN_IF_ERROR(changes.DeleteDue(due));
    return absl::OkStatus();
  });
  EXPECT_EQ(Examine()->faults, 2U);
  EXPECT_THAT(faults_,
              testing::UnorderedElementsAre(
                  HasSubstr("record full@example.com: its next probe is not in the due index"),
                  HasSubstr("1 values have no entry there, so they are never cleaned away; the first is record "
                            "full@example.com")));
}

TEST_F(StoreFileTest, AProbeThatNoRecordAsksForIsAFault) {
  Fill(10);
  Write([&](Store::Changes& changes) {
    return changes.PutDue({.kind = DueKind::kProbe, .when = SampleTime(), .key = "user1@example.com"});
  });
  EXPECT_EQ(Examine()->faults, 1U);
  EXPECT_THAT(faults_, ElementsAre("due index, user1@example.com: a probe is planned that no record asks for"));
}

TEST_F(StoreFileTest, EntriesOfWhatIsGoneAreLeftOverAndNoFault) {
  Fill(10);
  Write([&](Store::Changes& changes) {
    return changes.PutDue({.kind = DueKind::kRecordExpiry, .when = SampleTime(), .key = "gone@example.com"});
  });
  const auto found = Examine();
  EXPECT_EQ(found->faults, 0U);
  EXPECT_EQ(found->left_over, 1U);
}

TEST_F(StoreFileTest, OtherLifetimesMakeNoFault) {
  Fill(10);
  Lifetimes lifetimes;
  lifetimes.former_user = absl::Hours(1);
  lifetimes.positive_expire = absl::Hours(2);
  const auto found = Examine(lifetimes);
  EXPECT_EQ(found->faults, 0U);
  EXPECT_GE(found->other_lifetimes, 11U);
}

TEST_F(StoreFileTest, WhatIsNoStoreIsSaid) {
  WriteFile(folder_.file(), std::string(8192, 'x'));
  EXPECT_EQ(StoreFile::CheckFormat(folder_.file()).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Examine().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(StoreFileTest, ACopyHasAllThatTheStoreHas) {
  Fill(2000);
  const std::string copy = folder_.path() + "/copy.mdb";
  ASSERT_THAT(StoreFile::Copy(folder_.file(), copy, GoOn), IsOk());
  struct stat file {};
  ASSERT_EQ(::stat(copy.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
  EXPECT_THAT(StoreFile::CheckFormat(copy), IsOk());
  const auto found = StoreFile::Examine(
      copy, Lifetimes(), [](absl::string_view, absl::string_view) { FAIL(); }, GoOn);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->records, 2001U);
}

TEST_F(StoreFileTest, ACopyOverwritesNothing) {
  Fill(1);
  WriteFile(folder_.path() + "/copy.mdb", "precious");
  EXPECT_EQ(StoreFile::Copy(folder_.file(), folder_.path() + "/copy.mdb", GoOn).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReadFile(folder_.path() + "/copy.mdb"), "precious");
}

TEST_F(StoreFileTest, ACopyThatIsStoppedLeavesNothingBehind) {
  Fill(20000);
  const size_t before = folder_.entries();
  const absl::Status status =
      StoreFile::Copy(folder_.file(), folder_.path() + "/copy.mdb", [](uint64_t, uint64_t) { return false; });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(folder_.entries(), before);
}

TEST_F(StoreFileTest, AnExaminationCanBeStopped) {
  Fill(10);
  const auto found = StoreFile::Examine(
      folder_.file(), Lifetimes(), [](absl::string_view, absl::string_view) {},
      [](uint64_t, uint64_t) { return false; });
  EXPECT_EQ(found.status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace verifyd
