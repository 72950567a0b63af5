// The formats in which records leave and enter: JSON lines as the api shows records, CSV (RFC 4180) with the standing
// finding and the times, and the input of postmap(1) for a cache of Postfix's verify(8): ADDRESS, a tab,
// STATUS:PROBED:UPDATED:TEXT.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYCTL_RECORD_FORMAT_H_
#define VERIFYD_VERIFYCTL_RECORD_FORMAT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "verifyd/json/shown_record.h"

namespace verifyd {

enum class RecordFormat : uint8_t { kJsonLines, kCsv, kPostfix };

// "jsonl", "csv", "postfix".
std::optional<RecordFormat> RecordFormatFromName(absl::string_view name);

// Returns the text in front of the first record, with its line end; often nothing.
std::string HeadOf(RecordFormat format);
// Returns one record as the api shows it (`line` is its JSON text), with the line end. Empty where the format can not
// hold it: Postfix has no place for an address with white space, or for one that was never confirmed.
std::string LineOf(RecordFormat format, absl::string_view line, const ShownEntry& entry);

// Names of the columns. All but the first, "status" and those that end in "_seen", "_positive", "_since" are fields of
// the finding.
const std::vector<absl::string_view>& CsvColumns();
// Turns a row of CSV into the JSON of a record; empty fields are left out. Nothing where it has another number of
// fields.
std::optional<std::string> FromCsv(const std::vector<std::string>& fields);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_RECORD_FORMAT_H_
