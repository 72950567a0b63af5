#include "cache/record.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "absl/base/internal/endian.h"
#include "absl/strings/str_cat.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace verifyd {
namespace {

// The first byte of a value. It tells the tables apart, so that no value is taken for one of another table.
constexpr char kRecordTag = 'r';
constexpr char kDomainTag = 'd';
constexpr char kDestinationTag = 't';
constexpr char kPinTag = 'p';
constexpr char kBreakerTag = 'b';
// Between destination and domain in the key of a breaker: neither has it.
constexpr char kKeySeparator = '\0';
constexpr char kVersion = 1;
constexpr size_t kHead = 2;
constexpr size_t kChecksum = 4;

constexpr size_t kLongestName = 255;
constexpr size_t kMaxResting = 255;
constexpr int kMaxCode = 999;

enum RecordFlag : uint8_t {
  kHasPending = 1,
  kHasLastPositive = 2,
  kHasTemporary = 4,
  kHasIdentity = 8,
  kHasNextProbe = 16,
  kHasNegativeSince = 32,
  kHasSources = 64,
  kAllFlags = 127,
};
// Flags of the fields that follow the others in a domain fact, in the state of a destination, and in the breaker of a
// domain. Where no field follows, there are no flags, either.
enum DomainFlag : uint8_t { kHasAlive = 1, kHasPendingFact = 2, kHasCatchAllAt = 4, kAllDomainFlags = 7 };
enum DestinationFlag : uint8_t {
  kHasAccepted = 1,
  kHasDoubt = 2,
  kHasHold = 4,
  kHasHoldWhy = 8,
  kAllDestinationFlags = 15,
  kAllBreakerFlags = 3,
};
constexpr uint8_t kPinTells = 1;

uint32_t ChecksumOf(absl::string_view bytes) { return static_cast<uint32_t>(XXH3_64bits(bytes.data(), bytes.size())); }

// Encoder and Decoder have the same functions, so that one list of fields (the Fields functions below) serves both and
// they can not drift apart. An encoder cuts a field that is too long; a decoder refuses it.
class Encoder {
 public:
  explicit Encoder(char tag) {
    out_.reserve(320);
    out_.push_back(tag);
    out_.push_back(kVersion);
  }

  template <typename T>
  void Int(T value) {
    static_assert(std::is_unsigned_v<T>);
    for (size_t i = 0; i < sizeof(T); ++i) out_.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  }
  template <typename E>
  void Enum(E value, uint8_t /*max*/) {
    Int(static_cast<uint8_t>(value));
  }
  void Code(int code) { Int(static_cast<uint16_t>(std::clamp(code, 0, kMaxCode))); }
  void Moment(absl::Time t) { Int(static_cast<uint64_t>(absl::ToUnixNanos(t))); }
  void Span(absl::Duration d) { Int(static_cast<uint64_t>(absl::ToInt64Nanoseconds(d))); }
  void Rate(double rate) {
    if (!std::isfinite(rate) || rate <= 0) rate = 0;  // also -0.0, which equals 0 but has other bits
    uint64_t bits = 0;
    std::memcpy(&bits, &rate, sizeof bits);
    Int(bits);
  }
  void Text(absl::string_view text, size_t max) {
    text = text.substr(0, max);
    Int(static_cast<uint8_t>(text.size()));
    out_.append(text.data(), text.size());
  }
  template <typename T>
  size_t Count(const std::vector<T>& items, size_t max) {
    const size_t count = std::min(items.size(), max);
    Int(static_cast<uint8_t>(count));
    return count;
  }

  std::string Seal() && {
    Int(ChecksumOf(out_));
    return std::move(out_);
  }

 private:
  std::string out_;
};

class Decoder {
 public:
  // `bytes` without head and checksum.
  explicit Decoder(absl::string_view bytes) : rest_(bytes) {}

  template <typename T>
  void Int(T& value) {
    static_assert(std::is_unsigned_v<T>);
    value = 0;
    if (rest_.size() < sizeof(T)) return Fail();
    for (size_t i = 0; i < sizeof(T); ++i) {
      value = static_cast<T>(value | static_cast<T>(static_cast<T>(static_cast<uint8_t>(rest_[i])) << (8 * i)));
    }
    rest_.remove_prefix(sizeof(T));
  }
  template <typename E>
  void Enum(E& value, uint8_t max) {
    uint8_t number = 0;
    Int(number);
    if (number > max) return Fail();
    value = static_cast<E>(number);
  }
  void Code(int& code) {
    uint16_t number = 0;
    Int(number);
    if (number > kMaxCode) return Fail();
    code = number;
  }
  void Moment(absl::Time& t) {
    const int64_t nanos = Signed();
    if (nanos == std::numeric_limits<int64_t>::max()) {
      t = absl::InfiniteFuture();
    } else if (nanos == std::numeric_limits<int64_t>::min()) {
      t = absl::InfinitePast();
    } else {
      t = absl::FromUnixNanos(nanos);
    }
  }
  void Span(absl::Duration& d) {
    const int64_t nanos = Signed();
    if (nanos == std::numeric_limits<int64_t>::max()) {
      d = absl::InfiniteDuration();
    } else if (nanos == std::numeric_limits<int64_t>::min()) {
      d = -absl::InfiniteDuration();
    } else {
      d = absl::Nanoseconds(nanos);
    }
  }
  void Rate(double& rate) {
    uint64_t bits = 0;
    Int(bits);
    std::memcpy(&rate, &bits, sizeof rate);
    if (!std::isfinite(rate) || std::signbit(rate)) Fail();
  }
  void Text(std::string& text, size_t max) {
    uint8_t size = 0;
    Int(size);
    if (size > max || size > rest_.size()) return Fail();
    text.assign(rest_.data(), size);
    rest_.remove_prefix(size);
  }
  template <typename T>
  size_t Count(std::vector<T>& items, size_t max) {
    uint8_t count = 0;
    Int(count);
    if (count > max) Fail();
    if (failed_) return 0;
    items.resize(count);
    return count;
  }

  void Fail() {
    failed_ = true;
    rest_ = {};
  }
  bool more() const { return !rest_.empty(); }
  bool Done() const { return !failed_ && rest_.empty(); }

 private:
  int64_t Signed() {
    uint64_t bits = 0;
    Int(bits);
    return static_cast<int64_t>(bits);
  }

  absl::string_view rest_;
  bool failed_ = false;
};

// Each of these takes (Encoder, const value) or (Decoder, value).
template <typename Io, typename F>
void FindingFields(Io& io, F& f) {
  io.Enum(f.deliverability, static_cast<uint8_t>(Deliverability::kRisky));
  io.Enum(f.reason, kReasonCount - 1);
  io.Enum(f.scope, static_cast<uint8_t>(Scope::kSession));
  io.Enum(f.stage, static_cast<uint8_t>(Stage::kQuit));
  io.Code(f.code);
  io.Int(f.enhanced.status_class);
  io.Int(f.enhanced.subject);
  io.Int(f.enhanced.detail);
  io.Moment(f.when);
  io.Text(f.rule, kLongestName);
  io.Text(f.text, Finding::kMaxText);
  io.Text(f.mx_name, kLongestName);
  io.Text(f.mx_address, kLongestName);
}

template <typename Io, typename P>
void PastFields(Io& io, P& past) {
  io.Enum(past.deliverability, static_cast<uint8_t>(Deliverability::kRisky));
  io.Enum(past.reason, kReasonCount - 1);
  io.Enum(past.scope, static_cast<uint8_t>(Scope::kSession));
  io.Enum(past.stage, static_cast<uint8_t>(Stage::kQuit));
  io.Code(past.code);
  io.Moment(past.when);
}

// The sources of the standing finding and of the pending one; a missing pending finding counts as a probe.
void SourceFields(Encoder& encoder, const Record& record) {
  constexpr auto kLast = static_cast<uint8_t>(FindingSource::kMailLog);
  encoder.Enum(record.finding.source, kLast);
  encoder.Enum(record.pending.has_value() ? record.pending->source : FindingSource::kProbe, kLast);
}
void SourceFields(Decoder& decoder, Record& record) {
  constexpr auto kLast = static_cast<uint8_t>(FindingSource::kMailLog);
  FindingSource pending = FindingSource::kProbe;
  decoder.Enum(record.finding.source, kLast);
  decoder.Enum(pending, kLast);
  if (record.pending.has_value()) {
    record.pending->source = pending;
  } else if (pending != FindingSource::kProbe) {
    decoder.Fail();
  }
}

template <typename Io, typename I>
void IdentityFields(Io& io, I& identity) {
  io.Text(identity.sender, kLongestName);
  io.Text(identity.helo, kLongestName);
  io.Text(identity.source_address, kLongestName);
}

uint8_t FlagsOf(const Record& record) {
  uint8_t flags = 0;
  if (record.pending.has_value()) flags |= kHasPending;
  if (record.last_positive != absl::InfinitePast()) flags |= kHasLastPositive;
  if (record.first_temporary != absl::InfinitePast() || record.temporary_count != 0) flags |= kHasTemporary;
  if (record.retry_identity.has_value()) flags |= kHasIdentity;
  if (record.next_probe != absl::InfiniteFuture()) flags |= kHasNextProbe;
  if (record.negative_since != absl::InfinitePast()) flags |= kHasNegativeSince;
  const bool pending_is_probe = !record.pending.has_value() || record.pending->source == FindingSource::kProbe;
  if (record.finding.source != FindingSource::kProbe || !pending_is_probe) flags |= kHasSources;
  return flags;
}

template <typename Io, typename R>
void RecordFields(Io& io, R& record, uint8_t flags) {
  FindingFields(io, record.finding);
  io.Moment(record.first_seen);
  if ((flags & kHasLastPositive) != 0) io.Moment(record.last_positive);
  if ((flags & kHasPending) != 0) FindingFields(io, *record.pending);
  if ((flags & kHasTemporary) != 0) {
    io.Moment(record.first_temporary);
    io.Int(record.temporary_count);
  }
  if ((flags & kHasIdentity) != 0) IdentityFields(io, *record.retry_identity);
  if ((flags & kHasNextProbe) != 0) io.Moment(record.next_probe);
  if ((flags & kHasNegativeSince) != 0) io.Moment(record.negative_since);
  if ((flags & kHasSources) != 0) SourceFields(io, record);
  const size_t count = io.Count(record.history, Record::kMaxHistory);
  for (size_t i = 0; i < count; ++i) PastFields(io, record.history[i]);
}

template <typename Io, typename D>
void DomainFields(Io& io, D& fact) {
  FindingFields(io, fact.finding);
  io.Span(fact.ttl);
  io.Enum(fact.catch_all, static_cast<uint8_t>(CatchAll::kInconsistent));
  io.Moment(fact.catch_all_when);
}

uint8_t FlagsOf(const DomainFact& fact) {
  uint8_t flags = 0;
  if (fact.alive != absl::InfinitePast()) flags |= kHasAlive;
  if (fact.pending.has_value()) flags |= kHasPendingFact;
  if (!fact.catch_all_at.empty()) flags |= kHasCatchAllAt;
  return flags;
}

template <typename Io, typename D>
void DomainTail(Io& io, D& fact, uint8_t flags) {
  if ((flags & kHasAlive) != 0) io.Moment(fact.alive);
  if ((flags & kHasPendingFact) != 0) FindingFields(io, *fact.pending);
  if ((flags & kHasCatchAllAt) != 0) io.Text(fact.catch_all_at, kLongestName);
}

template <typename Io, typename B>
void BreakerFields(Io& io, B& state) {
  io.Int(state.failures);
  io.Enum(state.last_failure, kReasonCount - 1);
  io.Moment(state.last_failure_when);
  io.Moment(state.last_success);
  io.Moment(state.open_until);
  io.Enum(state.open_reason, kReasonCount - 1);
  io.Span(state.back_off);
}

template <typename Io, typename D>
void DestinationFields(Io& io, D& state) {
  BreakerFields(io, state.breaker);
  io.Rate(state.questions_per_second);
  const size_t count = io.Count(state.resting, kMaxResting);
  for (size_t i = 0; i < count; ++i) {
    io.Text(state.resting[i].source_address, kLongestName);
    io.Moment(state.resting[i].until);
  }
}

uint8_t FlagsOf(const Trust& trust) {
  uint8_t flags = 0;
  if (trust.last_accepted != absl::InfinitePast()) flags |= kHasAccepted;
  if (trust.doubt != Doubt::kNone) flags |= kHasDoubt;
  return flags;
}

uint8_t FlagsOf(const DomainBreaker& breaker) { return FlagsOf(breaker.trust); }

uint8_t FlagsOf(const DestinationState& state) {
  uint8_t flags = FlagsOf(state.trust);
  if (state.held_until != absl::InfinitePast()) flags |= kHasHold;
  if (!state.held_why.empty()) flags |= kHasHoldWhy;
  return flags;
}

template <typename Io, typename T>
void TrustFields(Io& io, T& trust, uint8_t flags) {
  if ((flags & kHasAccepted) != 0) io.Moment(trust.last_accepted);
  if ((flags & kHasDoubt) != 0) {
    io.Enum(trust.doubt, static_cast<uint8_t>(Doubt::kManyRefused));
    io.Moment(trust.doubted_since);
    io.Text(trust.why, kLongestName);
  }
}

template <typename Io, typename D>
void DestinationTail(Io& io, D& state, uint8_t flags) {
  TrustFields(io, state.trust, flags);
  if ((flags & kHasHold) != 0) io.Moment(state.held_until);
  if ((flags & kHasHoldWhy) != 0) io.Text(state.held_why, kLongestName);
}

template <typename Io, typename P>
void PinFields(Io& io, P& pin) {
  io.Enum(pin.deliverability, static_cast<uint8_t>(Deliverability::kRisky));
  io.Moment(pin.set_at);
  io.Moment(pin.until);
  io.Text(pin.why, kLongestName);
}

absl::Status Damaged(absl::string_view what) { return absl::DataLossError(absl::StrCat("damaged value: ", what)); }

// Returns the fields of a value: the bytes between head and checksum.
absl::StatusOr<absl::string_view> Open(char tag, absl::string_view bytes) {
  if (bytes.size() < kHead + kChecksum) return Damaged(absl::StrCat("only ", bytes.size(), " bytes"));
  const absl::string_view sealed = bytes.substr(0, bytes.size() - kChecksum);
  uint32_t checksum = 0;
  Decoder(bytes.substr(sealed.size())).Int(checksum);
  if (checksum != ChecksumOf(sealed)) return Damaged("wrong checksum");
  if (sealed[0] != tag) return Damaged("of another table");
  if (sealed[1] != kVersion) return Damaged(absl::StrCat("unknown version ", static_cast<uint8_t>(sealed[1])));
  return sealed.substr(kHead);
}

absl::Status Malformed() { return Damaged("its fields make no sense"); }

}  // namespace

std::string EncodeRecord(const Record& record) {
  Encoder encoder(kRecordTag);
  const uint8_t flags = FlagsOf(record);
  encoder.Int(flags);
  RecordFields(encoder, record, flags);
  return std::move(encoder).Seal();
}

absl::StatusOr<Record> DecodeRecord(absl::string_view bytes) {
  const absl::StatusOr<absl::string_view> fields = Open(kRecordTag, bytes);
  if (!fields.ok()) return fields.status();
  Decoder decoder(*fields);
  uint8_t flags = 0;
  decoder.Int(flags);
  if (flags > kAllFlags) decoder.Fail();
  absl::StatusOr<Record> record(absl::in_place);
  if ((flags & kHasPending) != 0) record->pending.emplace();
  if ((flags & kHasIdentity) != 0) record->retry_identity.emplace();
  RecordFields(decoder, *record, flags);
  // Refuse a flag whose field holds the default: it would be a second way to write the same record.
  if (!decoder.Done() || FlagsOf(*record) != flags) return Malformed();
  return record;
}

std::string EncodeDomainFact(const DomainFact& fact) {
  Encoder encoder(kDomainTag);
  DomainFields(encoder, fact);
  if (const uint8_t flags = FlagsOf(fact); flags != 0) {
    encoder.Int(flags);
    DomainTail(encoder, fact, flags);
  }
  return std::move(encoder).Seal();
}

absl::StatusOr<DomainFact> DecodeDomainFact(absl::string_view domain, absl::string_view bytes) {
  const absl::StatusOr<absl::string_view> fields = Open(kDomainTag, bytes);
  if (!fields.ok()) return fields.status();
  Decoder decoder(*fields);
  DomainFact fact;
  fact.domain = std::string(domain);
  DomainFields(decoder, fact);
  uint8_t flags = 0;
  if (decoder.more()) {
    decoder.Int(flags);
    if (flags == 0 || flags > kAllDomainFlags) decoder.Fail();
    if ((flags & kHasPendingFact) != 0) fact.pending.emplace();
    DomainTail(decoder, fact, flags);
  }
  if (!decoder.Done() || FlagsOf(fact) != flags) return Malformed();
  return fact;
}

std::string EncodeDestinationState(const DestinationState& state) {
  Encoder encoder(kDestinationTag);
  DestinationFields(encoder, state);
  if (const uint8_t flags = FlagsOf(state); flags != 0) {
    encoder.Int(flags);
    DestinationTail(encoder, state, flags);
  }
  return std::move(encoder).Seal();
}

absl::StatusOr<DestinationState> DecodeDestinationState(absl::string_view name, absl::string_view bytes) {
  const absl::StatusOr<absl::string_view> fields = Open(kDestinationTag, bytes);
  if (!fields.ok()) return fields.status();
  Decoder decoder(*fields);
  DestinationState state;
  state.name = std::string(name);
  DestinationFields(decoder, state);
  uint8_t flags = 0;
  if (decoder.more()) {
    decoder.Int(flags);
    if (flags == 0 || flags > kAllDestinationFlags) decoder.Fail();
    DestinationTail(decoder, state, flags);
  }
  if (!decoder.Done() || FlagsOf(state) != flags) return Malformed();
  return state;
}

std::string DomainBreakerKey(absl::string_view destination, absl::string_view domain) {
  return absl::StrCat(destination, absl::string_view(&kKeySeparator, 1), domain);
}

std::string EncodeDomainBreaker(const DomainBreaker& breaker) {
  Encoder encoder(kBreakerTag);
  BreakerFields(encoder, breaker.breaker);
  if (const uint8_t flags = FlagsOf(breaker); flags != 0) {
    encoder.Int(flags);
    TrustFields(encoder, breaker.trust, flags);
  }
  return std::move(encoder).Seal();
}

absl::StatusOr<DomainBreaker> DecodeDomainBreaker(absl::string_view key, absl::string_view bytes) {
  const absl::StatusOr<absl::string_view> fields = Open(kBreakerTag, bytes);
  if (!fields.ok()) return fields.status();
  const size_t separator = key.find(kKeySeparator);
  if (separator == absl::string_view::npos) return Damaged("its key names no domain");
  Decoder decoder(*fields);
  DomainBreaker breaker;
  breaker.destination = std::string(key.substr(0, separator));
  breaker.domain = std::string(key.substr(separator + 1));
  BreakerFields(decoder, breaker.breaker);
  uint8_t flags = 0;
  if (decoder.more()) {
    decoder.Int(flags);
    if (flags == 0 || flags > kAllBreakerFlags) decoder.Fail();
    TrustFields(decoder, breaker.trust, flags);
  }
  if (!decoder.Done() || FlagsOf(breaker) != flags) return Malformed();
  return breaker;
}

std::string Pin::HoldKey(absl::string_view domain) { return absl::StrCat("hold @", domain); }

std::string EncodePin(const Pin& pin) {
  Encoder encoder(kPinTag);
  PinFields(encoder, pin);
  if (pin.tell) encoder.Int(kPinTells);
  return std::move(encoder).Seal();
}

absl::StatusOr<Pin> DecodePin(absl::string_view bytes) {
  const absl::StatusOr<absl::string_view> fields = Open(kPinTag, bytes);
  if (!fields.ok()) return fields.status();
  Decoder decoder(*fields);
  Pin pin;
  PinFields(decoder, pin);
  if (decoder.more()) {
    uint8_t tells = 0;
    decoder.Int(tells);
    pin.tell = tells == kPinTells;
    if (!pin.tell) decoder.Fail();
  }
  if (!decoder.Done()) return Malformed();
  return pin;
}

}  // namespace verifyd
