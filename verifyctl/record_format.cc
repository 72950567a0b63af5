#include "verifyctl/record_format.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "boost/json.hpp"
#include "verifyd/json/described.h"

namespace verifyd {
namespace {

namespace json = boost::json;

bool OfRecord(absl::string_view column) {
  return absl::EndsWith(column, "_seen") || absl::EndsWith(column, "_positive") || absl::EndsWith(column, "_since");
}

std::string Quoted(absl::string_view field) {
  if (field.find_first_of(",\"\r\n") == absl::string_view::npos) return std::string(field);
  return absl::StrCat("\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
}

std::string FieldText(const json::object& object, absl::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr) return "";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

std::string CsvLine(const ShownEntry& entry) {
  const json::object record = AsJson(*entry.record);
  const json::object finding = AsJson(*entry.record->finding);
  std::vector<std::string> fields;
  for (const absl::string_view column : CsvColumns()) {
    fields.push_back(Quoted(column == "address" ? std::string(entry.address)
                                                : FieldText(OfRecord(column) ? record : finding, column)));
  }
  return absl::StrCat(absl::StrJoin(fields, ","), "\n");
}

// verify(8) knows no doubt, so a risky address counts as one that would be accepted.
absl::string_view PostfixStatus(absl::string_view status) {
  if (status == "deliverable" || status == "risky") return "0";
  return status == "undeliverable" ? "2" : "1";
}

std::string PostfixLine(absl::string_view address, const ShownStanding& standing) {
  const ShownFinding& finding = standing.finding;
  if (finding.updated == absl::InfinitePast()) return "";
  // A line that begins with "#" is a comment to postmap, and a quote begins a key in quotes.
  if (address.find_first_of(" \t\"") != absl::string_view::npos || absl::StartsWith(address, "#")) return "";
  return absl::StrCat(absl::StrReplaceAll(address, {{":", "_"}}), "\t", PostfixStatus(standing.status),
                      ":0:", absl::ToUnixSeconds(finding.updated), ":",
                      finding.text.empty() ? finding.reason : finding.text, "\n");
}

}  // namespace

std::optional<RecordFormat> RecordFormatFromName(absl::string_view name) {
  if (name == "jsonl") return RecordFormat::kJsonLines;
  if (name == "csv") return RecordFormat::kCsv;
  if (name == "postfix") return RecordFormat::kPostfix;
  return std::nullopt;
}

const std::vector<absl::string_view>& CsvColumns() {
  static const auto* const kColumns = new std::vector<absl::string_view>{
      "address", "status", "reason",     "scope",   "stage",      "rule",          "code",          "enhanced",
      "text",    "mx",     "mx_address", "updated", "first_seen", "last_positive", "negative_since"};
  return *kColumns;
}

std::string HeadOf(RecordFormat format) {
  return format == RecordFormat::kCsv ? absl::StrCat(absl::StrJoin(CsvColumns(), ","), "\n") : "";
}

std::string LineOf(RecordFormat format, absl::string_view line, const ShownEntry& entry) {
  if (format == RecordFormat::kJsonLines) return absl::StrCat(line, "\n");
  if (!entry.record.has_value() || !entry.record->finding.has_value()) return "";
  return format == RecordFormat::kCsv ? CsvLine(entry) : PostfixLine(entry.address, *entry.record->finding);
}

std::optional<std::string> FromCsv(const std::vector<std::string>& fields) {
  if (fields.size() != CsvColumns().size()) return std::nullopt;
  json::object record;
  json::object finding;
  for (size_t i = 1; i < fields.size(); ++i) {
    const absl::string_view column = CsvColumns()[i];
    if (fields[i].empty()) continue;
    json::object& into = OfRecord(column) ? record : finding;
    int code = 0;
    if (column == "code" && absl::SimpleAtoi(fields[i], &code)) {
      into["code"] = code;
    } else {
      into[json::string_view(column.data(), column.size())] = json::string(fields[i]);
    }
  }
  finding["learned_from"] = "import";
  record["finding"] = std::move(finding);
  return json::serialize(json::object{{"address", json::string(fields[0])}, {"record", std::move(record)}});
}

}  // namespace verifyd
