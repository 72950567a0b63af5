#include "verifyd/json/record_reader.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "classifier/reason.h"
#include "mail/address.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_delivery.h"
#include "verifyd/json/shown_record.h"

namespace verifyd {
namespace {

namespace json = boost::json;

constexpr size_t kShown = 80;
constexpr int kLargestCode = 599;
// A text of a record holds 255 bytes.
constexpr size_t kMaxName = 250;

absl::Status Expected(absl::string_view field, absl::string_view what, const json::value* found) {
  return absl::InvalidArgumentError(absl::StrCat("\"", field, "\": ", FoundInstead(found, what)));
}

absl::Status Expected(absl::string_view field, absl::string_view what, absl::string_view found) {
  if (found.empty()) return Expected(field, what, nullptr);
  const json::value text = json::string_view(found.data(), found.size());
  return Expected(field, what, &text);
}

// Reads one of an enumeration's words, where there is one.
template <typename Enum, typename Name>
absl::Status ReadWord(absl::string_view field, absl::string_view word, Enum last, Name name, Enum& found) {
  if (word.empty()) return absl::OkStatus();
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (word != name(static_cast<Enum>(i))) continue;
    found = static_cast<Enum>(i);
    return absl::OkStatus();
  }
  return Expected(field, absl::StrCat("a ", field, " as records have it"), word);
}

// Reads the fields that a finding and a past one have in common.
template <typename Shown, typename T>
absl::Status ReadMeaning(absl::string_view status, const Shown& shown, T& finding) {
  if (status.empty()) return Expected("status", "deliverable, undeliverable, ...", nullptr);
  RETURN_IF_ERROR(ReadWord("status", status, Deliverability::kRisky, DeliverabilityName, finding.deliverability));
  RETURN_IF_ERROR(ReadWord("scope", shown.scope, Scope::kSession, ScopeName, finding.scope));
  RETURN_IF_ERROR(ReadWord("stage", shown.stage, Stage::kQuit, StageName, finding.stage));
  if (!shown.reason.empty() && shown.reason != "none") {
    const std::optional<Reason> known = ReasonFromName(shown.reason);
    if (!known.has_value()) return Expected("reason", "the name of a reason", shown.reason);
    finding.reason = *known;
  }
  // A catch-all is shown as risky and kept as a positive (classifier/reason.h).
  if (finding.reason == Reason::kCatchAll && finding.deliverability == Deliverability::kRisky) {
    finding.deliverability = Deliverability::kDeliverable;
  }
  if (shown.code > kLargestCode) {
    const json::value code = shown.code.value;
    return Expected("code", absl::StrCat("a number from 0 to ", kLargestCode), &code);
  }
  finding.code = shown.code;
  return absl::OkStatus();
}

absl::StatusOr<Finding> ReadFinding(const ShownStanding& standing) {
  const ShownFinding& shown = standing.finding;
  Finding finding;
  RETURN_IF_ERROR(ReadMeaning(standing.status, shown, finding));
  if (shown.updated == absl::InfinitePast()) return Expected("updated", "a time", nullptr);
  absl::string_view enhanced = shown.enhanced;
  finding.rule = Printable(shown.rule, kMaxName);
  finding.enhanced = EnhancedCode::TakeFrom(enhanced);
  finding.text = Printable(shown.text, Finding::kMaxText);
  finding.mx_name = Printable(shown.mx, kMaxName);
  finding.mx_address = Printable(shown.mx_address, kShown);
  finding.when = shown.updated;
  RETURN_IF_ERROR(
      ReadWord("learned_from", shown.learned_from, FindingSource::kMailLog, FindingSourceName, finding.source));
  return finding;
}

absl::StatusOr<Finding> ReadFindingIn(absl::string_view name, const std::optional<ShownStanding>& shown) {
  if (!shown.has_value()) return Expected(name, "an object", nullptr);
  absl::StatusOr<Finding> finding = ReadFinding(*shown);
  if (finding.ok()) return finding;
  return absl::InvalidArgumentError(absl::StrCat("\"", name, "\": ", finding.status().message()));
}

// Takes a time that is there.
void TakeTime(absl::Time shown, absl::Time& time) {
  if (shown != absl::InfinitePast()) time = shown;
}

absl::Status ReadHistory(const std::vector<ShownPast>& shown, std::vector<PastFinding>& history) {
  for (const ShownPast& entry : shown) {
    if (history.size() == Record::kMaxHistory) break;
    PastFinding past;
    RETURN_IF_ERROR(ReadMeaning(entry.status, entry, past));
    TakeTime(entry.when, past.when);
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

// The record of a finding of which nothing more is said.
Record RecordOf(const Finding& finding) {
  Record record{.finding = finding, .first_seen = finding.when};
  if (finding.deliverability == Deliverability::kDeliverable) record.last_positive = finding.when;
  if (finding.deliverability == Deliverability::kUndeliverable) record.negative_since = finding.when;
  if (finding.deliverability == Deliverability::kUnknown) {
    record.first_temporary = finding.when;
    record.temporary_count = 1;
  }
  return record;
}

absl::StatusOr<Record> ReadRecord(const ShownRecord& shown) {
  ASSIGN_OR_RETURN(const Finding finding, ReadFindingIn("finding", shown.finding));
  Record record = RecordOf(finding);
  TakeTime(shown.first_seen, record.first_seen);
  TakeTime(shown.last_positive, record.last_positive);
  TakeTime(shown.negative_since, record.negative_since);
  TakeTime(shown.first_temporary, record.first_temporary);
  if (shown.temporary_count > 0) record.temporary_count = shown.temporary_count;
  if (shown.pending.has_value()) {
    ASSIGN_OR_RETURN(record.pending, ReadFindingIn("pending", shown.pending));
    TakeTime(shown.next_probe, record.next_probe);
  }
  RETURN_IF_ERROR(ReadHistory(shown.history, record.history));
  if (record.history.empty()) record.history.push_back(PastOf(record.finding));
  return record;
}

absl::StatusOr<Address> ReadAddress(absl::string_view shown) {
  if (shown.empty()) return Expected("address", "an address", nullptr);
  absl::StatusOr<Address> address = Address::FromUnquoted(shown);
  if (address.ok()) return address;
  return absl::InvalidArgumentError(absl::StrCat("\"", Printable(shown, kShown), "\": ", address.status().message()));
}

}  // namespace

absl::StatusOr<NamedRecord> RecordFromJson(const json::value& value) {
  if (!value.is_object()) return Expected("record", "an object with \"address\" and \"record\"", &value);
  ShownEntry shown;
  const absl::Status read = ReadJson(value.get_object(), shown);
  if (shown.address.empty() && !read.ok()) return read;
  const absl::StatusOr<Address> address = ReadAddress(shown.address);
  if (!address.ok()) return address.status();
  if (!shown.record.has_value() && read.ok()) return Expected("record", "an object", nullptr);
  absl::StatusOr<Record> record = read.ok() ? ReadRecord(*shown.record) : read;
  if (!record.ok()) return absl::InvalidArgumentError(absl::StrCat(address->Key(), ": ", record.status().message()));
  return NamedRecord{.key = address->Key(), .record = *std::move(record)};
}

absl::StatusOr<Delivery> DeliveryFromJson(const json::value& value) {
  if (!value.is_object()) return Expected("delivery", "an object with \"address\" and \"reply\"", &value);
  ShownDelivery shown;
  RETURN_IF_ERROR(ReadJson(value.get_object(), shown));
  Delivery delivery;
  ASSIGN_OR_RETURN(delivery.address, ReadAddress(shown.address));
  if (shown.when == absl::InfinitePast()) return Expected("when", "a time", nullptr);
  delivery.when = shown.when;
  delivery.relay = Printable(shown.relay, kMaxName);
  delivery.relay_address = Printable(shown.relay_address, kMaxName);
  if (delivery.relay_address.empty()) return Expected("relay_address", "an address or a path", nullptr);
  delivery.relay_port = shown.relay_port;
  delivery.lmtp = shown.protocol == "lmtp";
  if (!delivery.lmtp && shown.protocol != "smtp") {
    return Expected("protocol", "\"smtp\" or \"lmtp\"", shown.protocol);
  }
  const absl::StatusOr<Reply> reply = Reply::Parse(shown.reply);
  if (!reply.ok() || (reply->code_class() != 2 && reply->code_class() != 5)) {
    return Expected("reply", "a 2yz, or a 5yz to RCPT", shown.reply);
  }
  delivery.reply = *reply;
  return delivery;
}

}  // namespace verifyd
