#include "verifyd/history/tally_reader.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "boost/json.hpp"

namespace verifyd {
namespace {

namespace json = boost::json;

// The longest name, address or reply.
constexpr size_t kLongestText = 500;

absl::Status Wrong(absl::string_view name, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("\"", name, "\": expected ", expected));
}

const json::value* Field(const json::object& object, absl::string_view name) {
  return object.if_contains(json::string_view(name.data(), name.size()));
}

absl::StatusOr<std::string> TextIn(const json::object& object, absl::string_view name) {
  const json::value* const value = Field(object, name);
  const json::string* const text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr) return Wrong(name, "a text");
  return Printable(absl::string_view(text->data(), text->size()), kLongestText);
}

absl::StatusOr<uint64_t> NumberOf(const json::value* value, absl::string_view name) {
  if (value != nullptr && value->is_uint64()) return value->get_uint64();
  if (value != nullptr && value->is_int64() && value->get_int64() >= 0) {
    return static_cast<uint64_t>(value->get_int64());
  }
  return Wrong(name, "a number that is not negative");
}

absl::StatusOr<absl::Time> TimeIn(const json::object& object, absl::string_view name) {
  ASSIGN_OR_RETURN(const std::string text, TextIn(object, name));
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return Wrong(name, "a time as of RFC 3339");
  return time;
}

absl::StatusOr<ActionCounts> CountsIn(const json::object& object, absl::string_view name) {
  const json::value* const value = Field(object, name);
  if (value == nullptr || !value->is_object()) return Wrong(name, "an object of numbers");
  ActionCounts counts;
  for (size_t i = 0; i < kActionCount; ++i) {
    const auto action = static_cast<Action>(i);
    ASSIGN_OR_RETURN(counts[action], NumberOf(Field(value->get_object(), ActionName(action)), ActionName(action)));
  }
  return counts;
}

}  // namespace

absl::StatusOr<Tally> TallyReader::Read() {
  ASSIGN_OR_RETURN(tally_.counts_, CountsIn(object_, "totals"));
  ASSIGN_OR_RETURN(tally_.accepted_before_, NumberOf(Field(object_, "accepted_before"), "accepted_before"));
  RETURN_IF_ERROR(ReadEach("reasons", &TallyReader::ReadReason));
  RETURN_IF_ERROR(ReadEach("domains", &TallyReader::ReadDomain));
  RETURN_IF_ERROR(ReadEach("addresses", &TallyReader::ReadRefused));
  // Older records have none.
  if (Field(object_, "asked") != nullptr) RETURN_IF_ERROR(ReadEach("asked", &TallyReader::ReadAsked));
  RETURN_IF_ERROR(ReadEach("deferred", &TallyReader::ReadDeferred));
  return std::move(tally_);
}

absl::Status TallyReader::ReadEach(absl::string_view name, absl::Status (TallyReader::*read)(const json::object&)) {
  const json::value* const value = Field(object_, name);
  if (value == nullptr || !value->is_array()) return Wrong(name, "a list");
  for (const json::value& entry : value->get_array()) {
    if (!entry.is_object()) return Wrong(name, "a list of objects");
    RETURN_IF_ERROR((this->*read)(entry.get_object()));
  }
  return absl::OkStatus();
}

absl::Status TallyReader::ReadReason(const json::object& entry) {
  ASSIGN_OR_RETURN(const std::string name, TextIn(entry, "reason"));
  Tally::ReasonTally& reason = tally_.ReasonOf(name);
  ASSIGN_OR_RETURN(const ActionCounts counts, CountsIn(entry, "counts"));
  reason.counts.Add(counts);
  const json::value* const samples = Field(entry, "samples");
  if (samples == nullptr || !samples->is_array()) return Wrong("samples", "a list");
  for (const json::value& value : samples->get_array()) {
    if (!value.is_object()) return Wrong("samples", "a list of objects");
    if (reason.samples.size() >= Tally::kMostSamples) break;
    Tally::Sample sample;
    ASSIGN_OR_RETURN(sample.address, TextIn(value.get_object(), "address"));
    ASSIGN_OR_RETURN(sample.rule, TextIn(value.get_object(), "rule"));
    ASSIGN_OR_RETURN(sample.reply, TextIn(value.get_object(), "reply"));
    ASSIGN_OR_RETURN(sample.when, TimeIn(value.get_object(), "when"));
    reason.samples.push_back(std::move(sample));
  }
  return absl::OkStatus();
}

absl::Status TallyReader::ReadDomain(const json::object& entry) {
  ASSIGN_OR_RETURN(const std::string name, TextIn(entry, "domain"));
  Tally::Domain domain;
  ASSIGN_OR_RETURN(domain.counts, CountsIn(entry, "counts"));
  const json::value* const accepts_all = Field(entry, "accepts_all");
  domain.accepts_all = accepts_all != nullptr && accepts_all->is_bool() && accepts_all->get_bool();
  const json::value* const bits = Field(entry, "accepted");
  if (bits == nullptr || !bits->is_array() || bits->get_array().size() != domain.accepted.size()) {
    return Wrong("accepted", absl::StrCat("a list of ", domain.accepted.size(), " numbers"));
  }
  for (size_t i = 0; i < domain.accepted.size(); ++i) {
    ASSIGN_OR_RETURN(domain.accepted[i], NumberOf(&bits->get_array()[i], "accepted"));
  }
  tally_.DomainOf(name).Add(domain);
  return absl::OkStatus();
}

absl::Status TallyReader::ReadRefused(const json::object& entry) {
  ASSIGN_OR_RETURN(const std::string address, TextIn(entry, "address"));
  TopAddresses::Entry refused;
  ASSIGN_OR_RETURN(refused.count, NumberOf(Field(entry, "refused"), "refused"));
  ASSIGN_OR_RETURN(refused.error, NumberOf(Field(entry, "error"), "error"));
  ASSIGN_OR_RETURN(refused.reason, TextIn(entry, "reason"));
  tally_.refused_.Add(address, refused);
  return absl::OkStatus();
}

absl::Status TallyReader::ReadAsked(const json::object& entry) {
  ASSIGN_OR_RETURN(const std::string address, TextIn(entry, "address"));
  TopAddresses::Entry asked;
  ASSIGN_OR_RETURN(asked.count, NumberOf(Field(entry, "asked"), "asked"));
  ASSIGN_OR_RETURN(asked.error, NumberOf(Field(entry, "error"), "error"));
  tally_.asked_.Add(address, asked);
  return absl::OkStatus();
}

absl::Status TallyReader::ReadDeferred(const json::object& entry) {
  ASSIGN_OR_RETURN(const std::string address, TextIn(entry, "address"));
  ASSIGN_OR_RETURN(const absl::Time since, TimeIn(entry, "since"));
  tally_.NoteDeferred(address, since);
  return absl::OkStatus();
}

}  // namespace verifyd
