#include "cache/overlay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace verifyd {
namespace {

using testing::Optional;
using testing::Pointee;
using testing::UnorderedElementsAre;

class OverlayTest : public testing::Test {
 protected:
  void Put(const std::string& key, std::optional<std::string> value) {
    overlay_.Put(++sequence_, StoreTable::kRecords, key, std::move(value), /*queued=*/true);
  }
  // As Put, where the writer's queue had no room.
  void PutRefused(const std::string& key, std::optional<std::string> value) {
    overlay_.Put(++sequence_, StoreTable::kRecords, key, std::move(value), /*queued=*/false);
  }
  const std::optional<std::string>* Find(const std::string& key) const {
    return overlay_.Find(StoreTable::kRecords, key);
  }

  Overlay overlay_{100};
  uint64_t sequence_ = 0;
};

TEST_F(OverlayTest, ServesTheLatestValueAndWhatIsDeletedAsDeleted) {
  Put("a", "old");
  Put("a", "new");
  EXPECT_THAT(Find("a"), Pointee(Optional(std::string("new"))));
  Put("a", std::nullopt);
  ASSERT_NE(Find("a"), nullptr);
  EXPECT_FALSE(Find("a")->has_value());
  EXPECT_EQ(Find("b"), nullptr);
  EXPECT_EQ(overlay_.size(), 1U);
}

TEST_F(OverlayTest, AKeyIsOfItsTableOnly) {
  Put("a", "record");
  overlay_.Put(++sequence_, StoreTable::kPins, "a", "pin", /*queued=*/true);
  EXPECT_THAT(Find("a"), Pointee(Optional(std::string("record"))));
  EXPECT_THAT(overlay_.Find(StoreTable::kPins, "a"), Pointee(Optional(std::string("pin"))));
  EXPECT_EQ(overlay_.size(StoreTable::kPins), 1U);
  EXPECT_EQ(overlay_.size(StoreTable::kDomains), 0U);
  std::vector<std::string> keys;
  overlay_.ForEach(StoreTable::kRecords,
                   [&](absl::string_view key, const std::optional<std::string>& /*value*/) { keys.emplace_back(key); });
  EXPECT_THAT(keys, UnorderedElementsAre("a"));
}

TEST_F(OverlayTest, WhatIsCommittedGoesAndWhatWasPutSinceStays) {
  Put("a", "1");
  Put("b", "2");
  Put("a", "3");
  overlay_.Drop(1, 2);
  EXPECT_THAT(Find("a"), Pointee(Optional(std::string("3")))) << "an older commit does not uncover a newer change";
  EXPECT_EQ(Find("b"), nullptr);
  EXPECT_EQ(overlay_.queued(), 1U);
  overlay_.Drop(3, 3);
  EXPECT_EQ(overlay_.size(), 0U);
  EXPECT_EQ(overlay_.queued(), 0U);
}

TEST_F(OverlayTest, AValueThatTheQueueRefusedIsNotReplacedByTheOlderOneInTheStore) {
  Put("a", "older");
  PutRefused("a", "newer");
  Put("b", "later");
  overlay_.Drop(1, 3);
  EXPECT_THAT(Find("a"), Pointee(Optional(std::string("newer"))));
  EXPECT_EQ(Find("b"), nullptr);
}

TEST_F(OverlayTest, ADeletedRecordDoesNotComeBackWhereTheQueueRefusedToDeleteIt) {
  PutRefused("a", std::nullopt);
  Put("b", "later");
  overlay_.Drop(1, 2);
  ASSERT_NE(Find("a"), nullptr);
  EXPECT_FALSE(Find("a")->has_value());
}

TEST_F(OverlayTest, WhatWasRefusedWaitsForNobodyAndIsReplacedLikeAnyOther) {
  PutRefused("a", "refused");
  EXPECT_EQ(overlay_.size(), 1U);
  EXPECT_EQ(overlay_.queued(), 0U);
  Put("a", "taken");
  EXPECT_EQ(overlay_.queued(), 1U);
  PutRefused("a", "refused again");
  EXPECT_EQ(overlay_.queued(), 0U);
  Put("a", "taken again");
  overlay_.Drop(sequence_, sequence_);
  EXPECT_EQ(Find("a"), nullptr);
  EXPECT_EQ(overlay_.size(), 0U);
}

TEST_F(OverlayTest, TooManyPushTheOldestOut) {
  overlay_.SetLimit(2);
  Put("a", "1");
  PutRefused("b", "2");
  Put("a", "3");  // not the oldest any more
  Put("c", "4");
  EXPECT_EQ(Find("b"), nullptr);
  EXPECT_THAT(Find("a"), Pointee(Optional(std::string("3"))));
  overlay_.SetLimit(1);
  EXPECT_EQ(Find("a"), nullptr);
  EXPECT_NE(Find("c"), nullptr);
  EXPECT_EQ(overlay_.queued(), 1U);
}

}  // namespace
}  // namespace verifyd
