#include "verifyd/json/record_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boost/json.hpp"
#include "tests/cache/samples.h"
#include "tests/status_matchers.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_record.h"

namespace verifyd {
namespace {

namespace json = boost::json;

json::object Shown(const Record& record) {
  return {{"address", "joe@example.com"}, {"record", AsJson(Shown(record, Lifetimes(), SampleTime()))}};
}

TEST(RecordReaderTest, WhatIsShownIsReadBackButForTheIdentityOfARetryAndPartsOfSeconds) {
  Record record = FullRecord();
  record.last_positive = SampleTime();
  record.finding.source = FindingSource::kMailLog;
  record.pending->source = FindingSource::kReported;
  const absl::StatusOr<NamedRecord> read = RecordFromJson(Shown(record));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->key, "joe@example.com");
  record.retry_identity.reset();
  EXPECT_EQ(read->record, record);
}

TEST(RecordReaderTest, AFindingAloneSaysWhatItCan) {
  const json::value value = json::parse(
      R"({"address": "Joe@Example.com", "record": {"finding": {"status": "undeliverable", "updated": "2023-11-14T22:13:20Z"}}})");
  const absl::StatusOr<NamedRecord> read = RecordFromJson(value);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->key, "Joe@example.com");
  EXPECT_EQ(read->record.first_seen, SampleTime());
  EXPECT_EQ(read->record.negative_since, SampleTime());
  EXPECT_EQ(read->record.last_positive, absl::InfinitePast());
  EXPECT_EQ(read->record.history.size(), 1U);
}

TEST(RecordReaderTest, WhatIsWrongIsNamed) {
  EXPECT_THAT(RecordFromJson(json::value(7)), FailsWith("found 7, expected an object"));
  EXPECT_THAT(RecordFromJson(json::object{{"record", {}}}), FailsWith("\"address\": found none"));
  EXPECT_THAT(RecordFromJson(json::object{{"address", "joe"}}), FailsWith("\"joe\": byte 3"));
  const auto with = [](const char* field, json::value value) {
    json::object shown = Shown(PositiveRecord(SampleTime()));
    shown["record"].as_object()["finding"].as_object()[field] = std::move(value);
    return RecordFromJson(shown);
  };
  EXPECT_THAT(with("status", "fine"), FailsWith("\"status\": found \"fine\""));
  EXPECT_THAT(with("reason", "bad_luck"), FailsWith("\"reason\": found \"bad_luck\""));
  EXPECT_THAT(with("code", 7000), FailsWith("a number from 0 to 599"));
  EXPECT_THAT(with("updated", "yesterday"), FailsWith("\"updated\": found \"yesterday\""));
  EXPECT_THAT(with("text", 1), FailsWith("\"text\": found 1, expected a text"));
}

TEST(RecordReaderTest, TextsAreMadePrintableAndCut) {
  json::object shown = Shown(PositiveRecord(SampleTime()));
  shown["record"].as_object()["finding"].as_object()["text"] = "\x1b[31m" + std::string(10000, 'x');
  const absl::StatusOr<NamedRecord> read = RecordFromJson(shown);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->record.finding.text.size(), Finding::kMaxText);
  EXPECT_EQ(read->record.finding.text[0], '?');
  EXPECT_TRUE(DecodeRecord(EncodeRecord(read->record)).ok());
}

}  // namespace
}  // namespace verifyd
