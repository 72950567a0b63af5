#include "cache/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/cache/samples.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

TEST(RecordTest, KeepsEveryField) {
  const auto record = DecodeRecord(EncodeRecord(FullRecord()));
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(*record, FullRecord());
  const auto fact = DecodeDomainFact("example.org", EncodeDomainFact(FullDomainFact()));
  ASSERT_THAT(fact, IsOk());
  EXPECT_EQ(*fact, FullDomainFact());
  const auto state = DecodeDestinationState("mx:example.com", EncodeDestinationState(FullDestinationState()));
  ASSERT_THAT(state, IsOk());
  EXPECT_EQ(*state, FullDestinationState());
  const DomainBreaker full = FullDomainBreaker();
  const auto breaker = DecodeDomainBreaker(DomainBreakerKey(full.destination, full.domain), EncodeDomainBreaker(full));
  ASSERT_THAT(breaker, IsOk());
  EXPECT_EQ(*breaker, full);
  const auto pin = DecodePin(EncodePin(FullPin()));
  ASSERT_THAT(pin, IsOk());
  EXPECT_EQ(*pin, FullPin());
}

TEST(RecordTest, KeepsTheFieldsThatWereAddedLater) {
  Record record = FullRecord();
  record.negative_since = SampleTime() - absl::Hours(5);
  record.finding.source = FindingSource::kMailLog;
  record.pending->source = FindingSource::kReported;
  const auto decoded = DecodeRecord(EncodeRecord(record));
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(*decoded, record);
  DomainFact fact = FullDomainFact();
  fact.alive = SampleTime();
  fact.pending = NegativeFinding(SampleTime());
  fact.catch_all_at = "mx1.example.org";
  const auto decoded_fact = DecodeDomainFact("example.org", EncodeDomainFact(fact));
  ASSERT_THAT(decoded_fact, IsOk());
  EXPECT_EQ(*decoded_fact, fact);
  DestinationState state = FullDestinationState();
  state.held_until = absl::InfiniteFuture();
  state.held_why = "disks";
  state.trust = {.last_accepted = SampleTime(),
                 .doubt = Doubt::kManyRefused,
                 .doubted_since = SampleTime() + absl::Hours(1),
                 .why = "it refuses everybody"};
  const auto decoded_state = DecodeDestinationState("mx:example.com", EncodeDestinationState(state));
  ASSERT_THAT(decoded_state, IsOk());
  EXPECT_EQ(*decoded_state, state);
  Pin pin = FullPin();
  pin.tell = true;
  const auto decoded_pin = DecodePin(EncodePin(pin));
  ASSERT_THAT(decoded_pin, IsOk());
  EXPECT_EQ(*decoded_pin, pin);
  EXPECT_FALSE(DecodePin(EncodePin(FullPin()))->tell) << "as an older version has stored it";
}

TEST(RecordTest, KeepsTheSourceOfEachFindingAndWritesNoneForAProbe) {
  Record record = FullRecord();
  const std::string probed = EncodeRecord(record);
  record.pending->source = FindingSource::kImport;
  EXPECT_EQ(EncodeRecord(record).size(), probed.size() + 2);
  EXPECT_EQ(*DecodeRecord(EncodeRecord(record)), record);
  record.pending.reset();
  EXPECT_EQ(*DecodeRecord(EncodeRecord(record)), record);
  record.finding.source = FindingSource::kMailLog;
  EXPECT_EQ(*DecodeRecord(EncodeRecord(record)), record);
}

TEST(RecordTest, KeepsWhatHasNoValue) {
  const auto record = DecodeRecord(EncodeRecord(Record()));
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(*record, Record());
  const auto fact = DecodeDomainFact("", EncodeDomainFact(DomainFact()));
  ASSERT_THAT(fact, IsOk());
  EXPECT_EQ(*fact, DomainFact());
  const auto state = DecodeDestinationState("", EncodeDestinationState(DestinationState()));
  ASSERT_THAT(state, IsOk());
  EXPECT_EQ(*state, DestinationState());
  const auto breaker = DecodeDomainBreaker(DomainBreakerKey("", ""), EncodeDomainBreaker(DomainBreaker()));
  ASSERT_THAT(breaker, IsOk());
  EXPECT_EQ(*breaker, DomainBreaker());
  const auto pin = DecodePin(EncodePin(Pin()));
  ASSERT_THAT(pin, IsOk());
  EXPECT_EQ(*pin, Pin());
}

TEST(RecordTest, KeepsTimesBefore1970AndForEver) {
  Record record;
  record.finding.when = absl::FromUnixNanos(-1);
  record.first_seen = absl::InfiniteFuture();
  record.next_probe = absl::InfinitePast();
  const auto decoded = DecodeRecord(EncodeRecord(record));
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(*decoded, record);
}

// The bytes are the format: if this fails, a store of today can not be read tomorrow.
TEST(RecordTest, WritesTheBytesOfFormat1) {
  const std::string bytes = EncodePin({.deliverability = Deliverability::kUndeliverable,
                                       .set_at = absl::FromUnixNanos(0x0102030405060708),
                                       .until = absl::InfiniteFuture(),
                                       .why = "x"});
  EXPECT_EQ(bytes.substr(0, bytes.size() - 4),
            std::string("p\x01\x02\x08\x07\x06\x05\x04\x03\x02\x01\xff\xff\xff\xff\xff\xff\xff\x7f\x01x", 21));
}

TEST(RecordTest, RefusesEveryTruncation) {
  const std::string bytes = EncodeRecord(FullRecord());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(DecodeRecord(absl::string_view(bytes).substr(0, size)), FailsWith("damaged value")) << size;
  }
}

TEST(RecordTest, RefusesEveryFlippedBit) {
  const std::string bytes = EncodeRecord(FullRecord());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(DecodeRecord(damaged).status().code(), absl::StatusCode::kDataLoss) << bit;
  }
}

TEST(RecordTest, RefusesTheValueOfAnotherTable) {
  EXPECT_THAT(DecodeRecord(EncodePin(FullPin())), FailsWith("of another table"));
  EXPECT_THAT(DecodePin(EncodeRecord(FullRecord())), FailsWith("of another table"));
  EXPECT_THAT(DecodeDomainFact("d", EncodeRecord(FullRecord())), FailsWith("of another table"));
  EXPECT_THAT(DecodeDestinationState("d", EncodeRecord(FullRecord())), FailsWith("of another table"));
  EXPECT_THAT(DecodeDestinationState("d", EncodeDomainBreaker(FullDomainBreaker())), FailsWith("of another table"));
}

TEST(RecordTest, RefusesABreakerWhoseKeyNamesNoDomain) {
  EXPECT_THAT(DecodeDomainBreaker("mx.example.com customer.example", EncodeDomainBreaker(FullDomainBreaker())),
              FailsWith("its key names no domain"));
}

TEST(RecordTest, CutsWhatIsTooLong) {
  Record record = FullRecord();
  record.finding.text = std::string(1000, 'x');
  record.finding.rule = std::string(1000, 'r');
  record.finding.code = 70000;
  record.history.resize(9);
  const auto decoded = DecodeRecord(EncodeRecord(record));
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->finding.text.size(), Finding::kMaxText);
  EXPECT_EQ(decoded->finding.rule.size(), 255U);
  EXPECT_EQ(decoded->finding.code, 999);
  EXPECT_EQ(decoded->history.size(), Record::kMaxHistory);
}

TEST(RecordTest, TakesARateThatIsNoNumberForUnknown) {
  DestinationState state;
  for (const double rate :
       {-1.0, -0.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    state.questions_per_second = rate;
    const auto decoded = DecodeDestinationState("", EncodeDestinationState(state));
    ASSERT_THAT(decoded, IsOk());
    EXPECT_EQ(decoded->questions_per_second, 0);
  }
}

}  // namespace
}  // namespace verifyd
