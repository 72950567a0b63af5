#include "verifyctl/report_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "classifier/reason.h"
#include "verifyctl/result_text.h"
#include "verifyd/json/described.h"
#include "verifyd/json/json.h"

namespace verifyd {
namespace {

namespace json = boost::json;

struct Column {
  absl::string_view field;
  absl::string_view title;
  absl::string_view above;  // the same on two lines
  absl::string_view below;
};

constexpr std::array<Column, 6> kColumns = {{{"reject", "rejected", "", "rejected"},
                                             {"defer", "deferred", "", "deferred"},
                                             {"would_reject", "would reject", "would", "reject"},
                                             {"would_defer", "would defer", "would", "defer"},
                                             {"dunno", "let through", "let", "through"},
                                             {"not_known", "not known", "not", "known"}}};
// The widest line: a terminal, and a mail with the report in it, shows it as one.
constexpr size_t kWidest = 100;
constexpr int kNumberWidth = 9;
constexpr size_t kWidestName = kWidest - kColumns.size() * (kNumberWidth + 1);

// Calls `take` with the entries of a list that are objects, as they should be.
template <typename Take>
void ForEach(const json::object& report, absl::string_view name, Take take) {
  const json::array* const entries = ArrayField(report, name);
  if (entries == nullptr) return;
  for (const json::value& entry : *entries) {
    if (entry.is_object()) take(entry.get_object());
  }
}

int64_t RefusedIn(const json::object& counts) {
  return NumberField(counts, "reject") + NumberField(counts, "defer") + NumberField(counts, "would_reject") +
         NumberField(counts, "would_defer");
}

int WidthOf(const json::object& report, absl::string_view list, absl::string_view name) {
  size_t width = list.size();
  ForEach(report, list, [&](const json::object& entry) { width = std::max(width, TextField(entry, name).size()); });
  return static_cast<int>(std::min(width, kWidestName));
}

// Cuts a line that is too long.
void PutLine(std::string& out, const std::string& line) {
  absl::StrAppend(&out, line.size() <= kWidest ? line : absl::StrCat(Printable(line, kWidest - 3), "..."), "\n");
}

// Writes a line for each entry with refusals: its name and its numbers.
template <typename Under>
void PutTable(std::string& out, const json::object& report, absl::string_view list, absl::string_view name,
              Under under) {
  const int width = WidthOf(report, list, name);
  bool titled = false;
  ForEach(report, list, [&](const json::object& entry) {
    const json::object* const counts = ObjectField(entry, "counts");
    if (counts == nullptr || RefusedIn(*counts) + NumberField(*counts, "not_known") == 0) return;
    if (!std::exchange(titled, true)) {
      absl::StrAppendFormat(&out, "\n%*s", width, "");
      for (const Column& column : kColumns) absl::StrAppendFormat(&out, " %*s", kNumberWidth, column.above);
      absl::StrAppendFormat(&out, "\n%-*s", width, list);
      for (const Column& column : kColumns) absl::StrAppendFormat(&out, " %*s", kNumberWidth, column.below);
      absl::StrAppend(&out, "\n");
    }
    // A name that is too long has a line to itself.
    const absl::string_view called = TextField(entry, name);
    const bool fits = called.size() <= static_cast<size_t>(width);
    if (!fits) PutLine(out, std::string(called));
    absl::StrAppendFormat(&out, "%-*s", width, fits ? called : "");
    for (const Column& column : kColumns) {
      absl::StrAppendFormat(&out, " %*d", kNumberWidth, NumberField(*counts, column.field));
    }
    absl::StrAppend(&out, "\n");
    under(entry);
  });
}

void PutTotals(std::string& out, const json::object& report) {
  const json::object* const totals = ObjectField(report, "totals");
  if (totals == nullptr) return;
  absl::StrAppendFormat(&out, "%12d  decisions\n", NumberField(report, "decisions"));
  for (const Column& column : kColumns) {
    absl::StrAppendFormat(&out, "%12d  %s\n", NumberField(*totals, column.field), column.title);
  }
  if (const int64_t malformed = NumberField(report, "malformed"); malformed > 0) {
    absl::StrAppendFormat(&out, "%12d  requests that could not be read\n", malformed);
  }
}

// Recipients known not to exist are deferred with a code of 4yz, as those of whom nothing definite is known. Before the
// operator changes the code, he must see how many these are.
void PutKnownBad(std::string& out, const json::object& report) {
  int64_t deferred = 0;
  ForEach(report, "reasons", [&](const json::object& entry) {
    const std::optional<Reason> reason = ReasonFromName(TextField(entry, "reason"));
    const json::object* const counts = ObjectField(entry, "counts");
    if (!reason.has_value() || *reason == Reason::kNone || counts == nullptr) return;
    if (RowOf(*reason).deliverability != Deliverability::kUndeliverable) return;
    deferred += NumberField(*counts, "defer") + NumberField(*counts, "would_defer");
  });
  if (deferred == 0) return;
  absl::StrAppendFormat(&out, "%12d  of the deferred are known not to exist: code 550 rejects them\n", deferred);
}

void PutNotices(std::string& out, const json::object& report) {
  bool titled = false;
  ForEach(report, "notices", [&](const json::object& notice) {
    absl::StrAppend(&out, std::exchange(titled, true) ? "" : "\nnoticed\n", "  ", TextField(notice, "text"), "\n");
  });
}

// Writes the entries of `list`, with the number named `counted`.
void PutAddresses(std::string& out, const json::object& report, absl::string_view list, absl::string_view counted,
                  absl::string_view title) {
  bool titled = false;
  ForEach(report, list, [&](const json::object& entry) {
    const int64_t error = NumberField(entry, "error");
    const absl::string_view reason = TextField(entry, "reason");
    absl::StrAppend(&out, std::exchange(titled, true) ? "" : absl::StrCat("\n", title, "\n"));
    absl::StrAppendFormat(&out, "%12d  %s%s%s%s\n", NumberField(entry, counted), TextField(entry, "address"),
                          reason.empty() ? "" : "  ", reason,
                          error == 0 ? "" : absl::StrCat("  (or up to ", error, " less)"));
  });
}

void PutTime(std::string& out, const json::object& report) {
  const absl::string_view from = TextField(report, "from");
  if (!from.empty()) absl::StrAppend(&out, from, " to ", TextField(report, "until"), "\n");
  const absl::string_view kept = TextField(report, "kept");
  if (!kept.empty()) absl::StrAppend(&out, "only ", kept, " are kept (report_keep_time)\n");
}

constexpr char kRefusedMost[] = "addresses refused or deferred most";

void PutRow(std::string& out, absl::string_view label, absl::string_view text) {
  if (!text.empty()) absl::StrAppendFormat(&out, "  %-14s%s\n", label, text);
}

}  // namespace

std::string ReportText(const json::object& report) {
  std::string out;
  PutTime(out, report);
  PutTotals(out, report);
  PutKnownBad(out, report);
  PutNotices(out, report);
  PutTable(out, report, "reasons", "reason", [&](const json::object& reason) {
    ForEach(reason, "samples", [&](const json::object& sample) {
      PutLine(out, absl::StrCat("    ", TextField(sample, "address"), ": ", TextField(sample, "reply")));
    });
  });
  PutTable(out, report, "domains", "domain", [](const json::object& /*domain*/) {});
  PutAddresses(out, report, "addresses", "refused", kRefusedMost);
  return out;
}

json::object TopOf(const json::object& report, size_t number) {
  json::object top;
  for (const char* const time : {"from", "until", "kept"}) {
    if (report.contains(time)) top[time] = JsonText(TextField(report, time));
  }
  for (const auto& [list, name] : {std::pair{"asked", "asked"}, std::pair{"addresses", "refused"}}) {
    json::array& first = top[name].emplace_array();
    ForEach(report, list, [&](const json::object& entry) {
      if (first.size() < number) first.push_back(entry);
    });
  }
  return top;
}

std::string TopText(const json::object& top) {
  std::string out;
  PutTime(out, top);
  PutAddresses(out, top, "asked", "asked", "addresses asked about most");
  PutAddresses(out, top, "refused", "refused", kRefusedMost);
  return out;
}

std::string RefusalText(const ShownRefusal& refusal) {
  const std::string& subject = refusal.subject;
  std::string out = absl::StrCat(refusal.id, ": ", refusal.action, " of ", subject, "\n");
  PutRow(out, "when", ShownTime(refusal.when));
  PutRow(out, "client", refusal.client_address);
  PutRow(out, "helo", refusal.helo_name);
  PutRow(out, "login", refusal.sasl_username);
  PutRow(out, "sender", absl::StrCat("<", refusal.sender.value_or(""), ">"));
  PutRow(out, "recipient", absl::StrCat("<", refusal.recipient, ">"));
  PutRow(out, "queue id", refusal.queue_id);
  PutRow(out, "said",
         absl::StrCat(refusal.code == 0 ? "" : absl::StrCat(refusal.code.value, " "), refusal.dsn, " ", refusal.said));
  PutRow(out, "why", refusal.why);
  PutRow(out, "restriction", refusal.restriction);
  if (refusal.finding.has_value()) {
    PutRow(out, "rule", refusal.finding->rule);
    PutRow(out, "server", ServerText(*refusal.finding));
    PutRow(out, "stage", absl::AsciiStrToUpper(refusal.finding->stage));
    PutRow(out, "reply", refusal.finding->text);
    PutRow(out, "found", ShownTime(refusal.finding->updated));
  }
  PutRow(out, "asked", ShownTime(refusal.asked));
  if (refusal.transcript.has_value()) out += DialogueText(*refusal.transcript);
  if (subject.empty()) return out;
  PutRow(out, "to see more", absl::StrCat("verifyctl show ", ShellWord(subject)));
  PutRow(
      out, "to let it in",
      absl::StrCat("verifyctl set ", ShellWord(subject), " deliverable --for 7d --why \"refusal ", refusal.id, "\""));
  return out;
}

}  // namespace verifyd
