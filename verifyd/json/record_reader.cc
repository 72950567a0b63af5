#include "verifyd/json/record_reader.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "classifier/reason.h"
#include "mail/address.h"

namespace verifyd {
namespace {

namespace json = boost::json;

constexpr size_t kShown = 80;
constexpr int kLargestCode = 599;
// A text of a record holds 255 bytes.
constexpr size_t kMaxName = 250;

absl::Status Expected(absl::string_view field, absl::string_view what, const json::value* found) {
  return absl::InvalidArgumentError(absl::StrCat("\"", field, "\": found ",
                                                 found == nullptr ? "none" : Printable(json::serialize(*found), kShown),
                                                 ", expected ", what));
}

const json::value* Field(const json::object& object, absl::string_view name) {
  return object.if_contains(json::string_view(name.data(), name.size()));
}

absl::string_view TextOf(const json::value* value) {
  const json::string* const text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? absl::string_view() : absl::string_view(text->data(), text->size());
}

// Reads a field that may be missing; `text` is left alone then.
absl::Status ReadText(const json::object& object, absl::string_view name, size_t most, std::string& text) {
  const json::value* const value = Field(object, name);
  if (value == nullptr) return absl::OkStatus();
  if (!value->is_string()) return Expected(name, "a text", value);
  text = Printable(TextOf(value), most);
  return absl::OkStatus();
}

absl::Status ReadTime(const json::object& object, absl::string_view name, absl::Time& time) {
  const json::value* const value = Field(object, name);
  if (value == nullptr) return absl::OkStatus();
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, TextOf(value), &time, &error) || time < absl::UnixEpoch()) {
    return Expected(name, "a time, \"2026-01-31T12:00:00Z\"", value);
  }
  return absl::OkStatus();
}

absl::Status ReadNumber(const json::object& object, absl::string_view name, int64_t most, int64_t& number) {
  const json::value* const value = Field(object, name);
  if (value == nullptr) return absl::OkStatus();
  boost::system::error_code error;
  const auto whole = value->to_number<int64_t>(error);
  if (error || whole < 0 || whole > most) return Expected(name, absl::StrCat("a number from 0 to ", most), value);
  number = whole;
  return absl::OkStatus();
}

// Reads one of an enumeration's words.
template <typename Enum, typename Name>
absl::Status ReadWord(const json::object& object, absl::string_view field, Enum last, Name name, Enum& found) {
  const json::value* const value = Field(object, field);
  if (value == nullptr) return absl::OkStatus();
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (TextOf(value) != name(static_cast<Enum>(i))) continue;
    found = static_cast<Enum>(i);
    return absl::OkStatus();
  }
  return Expected(field, absl::StrCat("a ", field, " as records have it"), value);
}

// Reads the fields that a finding and a past one have in common.
template <typename T>
absl::Status ReadMeaning(const json::object& object, T& finding) {
  if (Field(object, "status") == nullptr) return Expected("status", "deliverable, undeliverable, ...", nullptr);
  RETURN_IF_ERROR(ReadWord(object, "status", Deliverability::kRisky, DeliverabilityName, finding.deliverability));
  RETURN_IF_ERROR(ReadWord(object, "scope", Scope::kSession, ScopeName, finding.scope));
  RETURN_IF_ERROR(ReadWord(object, "stage", Stage::kQuit, StageName, finding.stage));
  if (const json::value* const reason = Field(object, "reason"); reason != nullptr && TextOf(reason) != "none") {
    const std::optional<Reason> known = ReasonFromName(TextOf(reason));
    if (!known.has_value()) return Expected("reason", "the name of a reason", reason);
    finding.reason = *known;
  }
  // A catch-all is shown as risky and kept as a positive (classifier/reason.h).
  if (finding.reason == Reason::kCatchAll && finding.deliverability == Deliverability::kRisky) {
    finding.deliverability = Deliverability::kDeliverable;
  }
  int64_t code = 0;
  RETURN_IF_ERROR(ReadNumber(object, "code", kLargestCode, code));
  finding.code = static_cast<int>(code);
  return absl::OkStatus();
}

absl::StatusOr<Finding> ReadFinding(const json::object& object) {
  Finding finding;
  RETURN_IF_ERROR(ReadMeaning(object, finding));
  RETURN_IF_ERROR(ReadText(object, "rule", kMaxName, finding.rule));
  std::string enhanced;
  RETURN_IF_ERROR(ReadText(object, "enhanced", kShown, enhanced));
  finding.enhanced = EnhancedCode::TakeFrom(enhanced);
  RETURN_IF_ERROR(ReadText(object, "text", Finding::kMaxText, finding.text));
  RETURN_IF_ERROR(ReadText(object, "mx", kMaxName, finding.mx_name));
  RETURN_IF_ERROR(ReadText(object, "mx_address", kShown, finding.mx_address));
  RETURN_IF_ERROR(ReadTime(object, "updated", finding.when));
  if (finding.when == absl::InfinitePast()) return Expected("updated", "a time", nullptr);
  RETURN_IF_ERROR(ReadWord(object, "learned_from", FindingSource::kMailLog, FindingSourceName, finding.source));
  return finding;
}

absl::StatusOr<Finding> ReadFindingIn(const json::object& record, absl::string_view name) {
  const json::value* const value = Field(record, name);
  if (value == nullptr || !value->is_object()) return Expected(name, "an object", value);
  absl::StatusOr<Finding> finding = ReadFinding(value->get_object());
  if (finding.ok()) return finding;
  return absl::InvalidArgumentError(absl::StrCat("\"", name, "\": ", finding.status().message()));
}

absl::Status ReadHistory(const json::object& object, std::vector<PastFinding>& history) {
  const json::value* const value = Field(object, "history");
  if (value == nullptr) return absl::OkStatus();
  if (!value->is_array()) return Expected("history", "a list", value);
  for (const json::value& entry : value->get_array()) {
    if (history.size() == Record::kMaxHistory) break;
    if (!entry.is_object()) return Expected("history", "objects", &entry);
    PastFinding past;
    RETURN_IF_ERROR(ReadMeaning(entry.get_object(), past));
    RETURN_IF_ERROR(ReadTime(entry.get_object(), "when", past.when));
    history.push_back(past);
  }
  return absl::OkStatus();
}

PastFinding PastOf(const Finding& finding) {
  return {.when = finding.when,
          .deliverability = finding.deliverability,
          .reason = finding.reason,
          .scope = finding.scope,
          .stage = finding.stage,
          .code = finding.code};
}

absl::StatusOr<Record> ReadRecord(const json::object& object) {
  Record record;
  ASSIGN_OR_RETURN(record.finding, ReadFindingIn(object, "finding"));
  record.first_seen = record.finding.when;
  if (record.finding.deliverability == Deliverability::kDeliverable) record.last_positive = record.finding.when;
  if (record.finding.deliverability == Deliverability::kUndeliverable) record.negative_since = record.finding.when;
  if (record.finding.deliverability == Deliverability::kUnknown) {
    record.first_temporary = record.finding.when;
    record.temporary_count = 1;
  }
  RETURN_IF_ERROR(ReadTime(object, "first_seen", record.first_seen));
  RETURN_IF_ERROR(ReadTime(object, "last_positive", record.last_positive));
  RETURN_IF_ERROR(ReadTime(object, "negative_since", record.negative_since));
  RETURN_IF_ERROR(ReadTime(object, "first_temporary", record.first_temporary));
  int64_t count = record.temporary_count;
  RETURN_IF_ERROR(ReadNumber(object, "temporary_count", UINT32_MAX, count));
  record.temporary_count = static_cast<uint32_t>(count);
  if (Field(object, "pending") != nullptr) {
    ASSIGN_OR_RETURN(record.pending, ReadFindingIn(object, "pending"));
    RETURN_IF_ERROR(ReadTime(object, "next_probe", record.next_probe));
  }
  RETURN_IF_ERROR(ReadHistory(object, record.history));
  if (record.history.empty()) record.history.push_back(PastOf(record.finding));
  return record;
}

absl::StatusOr<Address> ReadAddress(const json::object& object) {
  const json::value* const name = Field(object, "address");
  if (name == nullptr || !name->is_string()) return Expected("address", "an address", name);
  absl::StatusOr<Address> address = Address::FromUnquoted(TextOf(name));
  if (address.ok()) return address;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", Printable(TextOf(name), kShown), "\": ", address.status().message()));
}

}  // namespace

absl::StatusOr<NamedRecord> RecordFromJson(const json::value& value) {
  if (!value.is_object()) return Expected("record", "an object with \"address\" and \"record\"", &value);
  const json::object& object = value.get_object();
  const absl::StatusOr<Address> address = ReadAddress(object);
  if (!address.ok()) return address.status();
  const json::value* const held = Field(object, "record");
  if (held == nullptr || !held->is_object()) return Expected("record", "an object", held);
  absl::StatusOr<Record> record = ReadRecord(held->get_object());
  if (!record.ok()) return absl::InvalidArgumentError(absl::StrCat(address->Key(), ": ", record.status().message()));
  return NamedRecord{.key = address->Key(), .record = *std::move(record)};
}

absl::StatusOr<Delivery> DeliveryFromJson(const json::value& value) {
  if (!value.is_object()) return Expected("delivery", "an object with \"address\" and \"reply\"", &value);
  const json::object& object = value.get_object();
  Delivery delivery;
  ASSIGN_OR_RETURN(delivery.address, ReadAddress(object));
  RETURN_IF_ERROR(ReadTime(object, "when", delivery.when));
  if (delivery.when == absl::InfinitePast()) return Expected("when", "a time", nullptr);
  RETURN_IF_ERROR(ReadText(object, "relay", kMaxName, delivery.relay));
  RETURN_IF_ERROR(ReadText(object, "relay_address", kMaxName, delivery.relay_address));
  if (delivery.relay_address.empty()) return Expected("relay_address", "an address or a path", nullptr);
  int64_t port = 0;
  RETURN_IF_ERROR(ReadNumber(object, "relay_port", UINT16_MAX, port));
  delivery.relay_port = static_cast<uint16_t>(port);
  const json::value* const protocol = Field(object, "protocol");
  delivery.lmtp = TextOf(protocol) == "lmtp";
  if (!delivery.lmtp && TextOf(protocol) != "smtp") return Expected("protocol", "\"smtp\" or \"lmtp\"", protocol);
  const json::value* const said = Field(object, "reply");
  const absl::StatusOr<Reply> reply = Reply::Parse(TextOf(said));
  if (!reply.ok() || (reply->code_class() != 2 && reply->code_class() != 5)) {
    return Expected("reply", "a 2yz, or a 5yz to RCPT", said);
  }
  delivery.reply = *reply;
  return delivery;
}

}  // namespace verifyd
