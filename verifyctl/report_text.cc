#include "verifyctl/report_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "base/text.h"
#include "classifier/reason.h"
#include "verifyctl/result_text.h"
#include "verifyd/json/described.h"

namespace verifyd {
namespace {

struct Column {
  uint64_t ShownCounts::*count;
  absl::string_view title;
  absl::string_view above;  // the same on two lines
  absl::string_view below;
};

constexpr std::array<Column, 6> kColumns = {{{&ShownCounts::reject, "rejected", "", "rejected"},
                                             {&ShownCounts::defer, "deferred", "", "deferred"},
                                             {&ShownCounts::would_reject, "would reject", "would", "reject"},
                                             {&ShownCounts::would_defer, "would defer", "would", "defer"},
                                             {&ShownCounts::dunno, "let through", "let", "through"},
                                             {&ShownCounts::not_known, "not known", "not", "known"}}};
// The widest line: a terminal, and a mail with the report in it, shows it as one.
constexpr size_t kWidest = 100;
constexpr int kNumberWidth = 9;
constexpr size_t kWidestName = kWidest - kColumns.size() * (kNumberWidth + 1);

template <typename Entry>
int WidthOf(const std::vector<Entry>& entries, absl::string_view title, Always<absl::string_view> Entry::*name) {
  size_t width = title.size();
  for (const Entry& entry : entries) width = std::max(width, (entry.*name).value.size());
  return static_cast<int>(std::min(width, kWidestName));
}

// Cuts a line that is too long.
void PutLine(std::string& out, const std::string& line) {
  absl::StrAppend(&out, line.size() <= kWidest ? line : absl::StrCat(Printable(line, kWidest - 3), "..."), "\n");
}

void PutTitles(std::string& out, absl::string_view title, int width) {
  absl::StrAppendFormat(&out, "\n%*s", width, "");
  for (const Column& column : kColumns) absl::StrAppendFormat(&out, " %*s", kNumberWidth, column.above);
  absl::StrAppendFormat(&out, "\n%-*s", width, title);
  for (const Column& column : kColumns) absl::StrAppendFormat(&out, " %*s", kNumberWidth, column.below);
  absl::StrAppend(&out, "\n");
}

// Puts a line for each entry of which something was refused: its name and its numbers.
template <typename Entry, typename Under>
void PutTable(std::string& out, const std::vector<Entry>& entries, absl::string_view title,
              Always<absl::string_view> Entry::*name, Under under) {
  const int width = WidthOf(entries, title, name);
  bool titled = false;
  for (const Entry& entry : entries) {
    if (entry.counts.refused() + entry.counts.not_known == 0) continue;
    if (!std::exchange(titled, true)) PutTitles(out, title, width);
    // A name that is too long has a line for itself.
    const absl::string_view called = entry.*name;
    const bool fits = called.size() <= static_cast<size_t>(width);
    if (!fits) PutLine(out, std::string(called));
    absl::StrAppendFormat(&out, "%-*s", width, fits ? called : "");
    for (const Column& column : kColumns) {
      absl::StrAppendFormat(&out, " %*d", kNumberWidth, entry.counts.*column.count);
    }
    absl::StrAppend(&out, "\n");
    under(entry);
  }
}

void PutTotals(std::string& out, const ShownReport& report) {
  absl::StrAppendFormat(&out, "%12d  decisions\n", report.tally.decisions);
  for (const Column& column : kColumns) {
    absl::StrAppendFormat(&out, "%12d  %s\n", report.tally.totals.*column.count, column.title);
  }
  if (const uint64_t malformed = report.malformed.value_or(0); malformed > 0) {
    absl::StrAppendFormat(&out, "%12d  requests that could not be read\n", malformed);
  }
}

// Recipients known not to exist are deferred with a code of 4yz, as those of whom nothing definite is known. Before the
// operator changes the code, he must see how many these are.
void PutKnownBad(std::string& out, const ShownReport& report) {
  uint64_t deferred = 0;
  for (const ShownReason& entry : report.tally.reasons) {
    if (KnownNotToExist(entry)) deferred += entry.counts.defer + entry.counts.would_defer;
  }
  if (deferred == 0) return;
  absl::StrAppendFormat(&out, "%12d  of the deferred are known not to exist: code 550 rejects them\n", deferred);
}

void PutNotices(std::string& out, const ShownReport& report) {
  if (!report.notices.has_value()) return;
  absl::string_view title = "\nnoticed\n";
  for (const ShownNotice& notice : *report.notices) {
    absl::StrAppend(&out, std::exchange(title, ""), "  ", notice.text, "\n");
  }
}

// Puts the entries of `list`, with the `number` of each.
void PutAddresses(std::string& out, const std::vector<ShownAddressCount>& list,
                  std::optional<uint64_t> ShownAddressCount::*number, absl::string_view title) {
  bool titled = false;
  for (const ShownAddressCount& entry : list) {
    absl::StrAppend(&out, std::exchange(titled, true) ? "" : absl::StrCat("\n", title, "\n"));
    absl::StrAppendFormat(&out, "%12d  %s%s%s%s\n", (entry.*number).value_or(0), entry.address.value,
                          entry.reason.empty() ? "" : "  ", entry.reason,
                          entry.error == 0 ? "" : absl::StrCat("  (or up to ", entry.error, " less)"));
  }
}

void PutTime(std::string& out, absl::Time from, absl::Time until, absl::string_view kept) {
  if (from != absl::InfinitePast()) absl::StrAppend(&out, ShownTime(from), " to ", ShownTime(until), "\n");
  if (!kept.empty()) absl::StrAppend(&out, "only ", kept, " are kept (report_keep_time)\n");
}

constexpr char kRefusedMost[] = "addresses refused or deferred most";

void PutRow(std::string& out, absl::string_view label, absl::string_view text) {
  if (!text.empty()) absl::StrAppendFormat(&out, "  %-14s%s\n", label, text);
}

}  // namespace

bool KnownNotToExist(const ShownReason& entry) {
  const std::optional<Reason> reason = ReasonFromName(entry.reason);
  return reason.has_value() && *reason != Reason::kNone &&
         RowOf(*reason).deliverability == Deliverability::kUndeliverable;
}

std::string ReportText(const ShownReport& report) {
  std::string out;
  PutTime(out, report.from, report.until, report.kept);
  PutTotals(out, report);
  PutKnownBad(out, report);
  PutNotices(out, report);
  PutTable(out, report.tally.reasons, "reasons", &ShownReason::reason, [&](const ShownReason& reason) {
    for (const ShownSample& sample : reason.samples) {
      PutLine(out, absl::StrCat("    ", sample.address.value, ": ", sample.reply.value));
    }
  });
  PutTable(out, report.tally.domains, "domains", &ShownDomainCounts::domain, [](const ShownDomainCounts&) {});
  PutAddresses(out, report.tally.addresses, &ShownAddressCount::refused, kRefusedMost);
  return out;
}

ShownTop TopOf(ShownReport report, size_t number) {
  const auto first = [&](std::vector<ShownAddressCount>& list) {
    list.resize(std::min(list.size(), number));
    return std::move(list);
  };
  return {.from = report.from,
          .until = report.until,
          .kept = std::move(report.kept),
          .asked = first(report.tally.asked),
          .refused = first(report.tally.addresses)};
}

std::string TopText(const ShownTop& top) {
  std::string out;
  PutTime(out, top.from, top.until, top.kept);
  PutAddresses(out, top.asked, &ShownAddressCount::asked, "addresses asked about most");
  PutAddresses(out, top.refused, &ShownAddressCount::refused, kRefusedMost);
  return out;
}

std::string RefusalText(const ShownRefusal& refusal) {
  const std::string& subject = refusal.subject;
  std::string out = absl::StrCat(refusal.id, ": ", refusal.action, " of ", subject, "\n");
  PutRow(out, "when", ShownTime(refusal.when));
  PutRow(out, "client", refusal.client_address);
  PutRow(out, "helo", refusal.helo_name);
  PutRow(out, "login", refusal.sasl_username);
  PutRow(out, "sender", absl::StrCat("<", refusal.sender.value, ">"));
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
