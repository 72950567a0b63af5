#include "verifyctl/cache_verbs.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "boost/json.hpp"
#include "verifyctl/answer.h"
#include "verifyctl/colour.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/interrupt.h"
#include "verifyctl/progress.h"
#include "verifyctl/record_format.h"
#include "verifyctl/result_text.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_cache.h"
#include "verifyd/json/shown_record.h"

namespace verifyd {
namespace {

namespace json = boost::json;

json::object ArgumentsOf(const RecordSelection& selection) {
  json::object arguments;
  const auto put = [&](const char* name, const std::string& text) {
    if (!text.empty()) arguments[name] = text;
  };
  put("domain", selection.domain);
  put("deliverability", selection.status);
  put("reason", selection.reason);
  put("mx", selection.mx);
  put("older", selection.older);
  put("newer", selection.newer);
  return arguments;
}

// Returns the number of records, for the progress that is shown; 0 where nobody looks, or it is not known.
uint64_t RecordsHeld(Asker& asker, const Console& console) {
  if (!console.err_is_terminal) return 0;
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/stats";
  uint64_t records = 0;
  const auto take = [&](const std::vector<absl::string_view>& lines) {
    boost::system::error_code error;
    const json::value stats = json::parse(json::string_view(lines[0].data(), lines[0].size()), error);
    const json::object* const cache = error || !stats.is_object() ? nullptr : ObjectField(stats.get_object(), "cache");
    if (cache != nullptr) records = static_cast<uint64_t>(NumberField(*cache, "records"));
  };
  return asker.Ask(request, take).ok() ? records : 0;
}

// A walk through all pages. It shows the lines of a page only when the page is whole: the reader may be slow, and the
// daemon waits for nobody.
class Walk {
 public:
  Walk(absl::string_view method, json::object arguments, Asker& asker, Console& console)
      : method_(method), arguments_(std::move(arguments)), asker_(asker), console_(console) {}

  // Returns 0, or the exit code. `words` puts a record in words.
  int Run(absl::FunctionRef<std::string(absl::string_view line, const ShownEntry& entry)> words) {
    const Interrupt interrupt;
    Progress progress(console_, "records", RecordsHeld(asker_, console_));
    for (;;) {
      std::string next;
      std::string page;
      ApiRequest request;
      request.method = method_;
      request.target = "/v1/records";
      request.body = json::serialize(arguments_);
      const int code = Answer(asker_, request, console_, [&](absl::string_view line, const json::object& answer) {
        const auto entry = FromJson<ShownEntry>(answer);
        if (!entry.address.empty()) {
          absl::StrAppend(&page, words(line, entry));
          return;
        }
        const auto end = FromJson<ShownPage>(answer);
        sum.examined += end.examined;
        sum.matched = *sum.matched + end.matched.value_or(0);
        sum.deleted = *sum.deleted + end.deleted.value_or(0);
        sum.domains = sum.domains + end.domains;
        next = std::string(end.next);
      });
      if (!page.empty()) progress.Wipe();
      console_.out << page << std::flush;
      if (code != 0) return code;
      if (!console_.out) {
        console_.err << "verifyctl: the output can not be written\n";
        return kExitOutput;
      }
      progress.Show(sum.examined);
      if (next.empty()) return 0;
      if (interrupt.wanted()) {
        console_.err << "verifyctl: stopped after " << sum.examined << " records\n";
        return Interrupt::kExitCode;
      }
      arguments_["after"] = next;
    }
  }

  ShownPage sum{.matched = 0, .deleted = 0};  // of all pages

 private:
  const std::string method_;
  json::object arguments_;
  Asker& asker_;
  Console& console_;
};

constexpr char kRow[] = "%-40s %-13s %-24s %-11s %s";

std::string Row(const ShownEntry& entry, const Console& console) {
  if (!entry.record.has_value() || !entry.record->finding.has_value()) return "";
  const ShownStanding& standing = *entry.record->finding;
  const ShownFinding& finding = standing.finding;
  const absl::Duration age = std::max(console.clock.Now() - finding.updated, absl::ZeroDuration());
  std::string row = absl::StrFormat(kRow, SpelledAddress(entry.address), standing.status, finding.reason,
                                    finding.updated == absl::InfinitePast() ? "" : Rough(age), finding.mx);
  row.erase(row.find_last_not_of(' ') + 1);
  absl::StrAppend(&row, "\n");
  return console.out_colours ? Coloured(row, standing.status) : row;
}

}  // namespace

int List(const CacheOptions& options, Asker& asker, Console& console) {
  bool headed = options.json;
  Walk walk("GET", ArgumentsOf(options.selection), asker, console);
  return walk.Run([&](absl::string_view line, const ShownEntry& entry) {
    if (options.json) return absl::StrCat(line, "\n");
    std::string row = Row(entry, console);
    if (std::exchange(headed, true)) return row;
    return absl::StrCat(absl::StrFormat(kRow, "ADDRESS", "STATUS", "REASON", "AGE", "MX"), "\n", row);
  });
}

int Purge(const CacheOptions& options, Asker& asker, Console& console) {
  json::object arguments = ArgumentsOf(options.selection);
  if (arguments.empty()) {
    // A slip must not forget everything.
    console.err << "verifyctl: purge: say which (--domain, --status, --reason, --mx, --older, --newer); --older 0s is "
                   "all\n";
    return kExitUsage;
  }
  if (options.dry_run) arguments["dry_run"] = true;
  Walk walk("DELETE", std::move(arguments), asker, console);
  const int code = walk.Run([](absl::string_view, const ShownEntry&) { return std::string(); });
  if (code != 0 && code != Interrupt::kExitCode) return code;
  if (options.json) {
    console.out << JsonLine(walk.sum);
  } else if (options.dry_run) {
    console.out << "would delete " << *walk.sum.matched << " of " << walk.sum.examined << " records\n";
  } else {
    console.out << "deleted " << *walk.sum.deleted << " of " << walk.sum.examined << " records"
                << (walk.sum.domains > 0 ? ", and what was held of the domain" : "") << "\n";
  }
  return code;
}

int Clean(const CacheOptions& options, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "POST";
  request.target = "/v1/clean";
  return Answer(asker, request, console, [&](absl::string_view line, const json::object& answer) {
    const auto clean = FromJson<ShownCleaning>(answer);
    console.out << (options.json ? absl::StrCat(line, "\n")
                                 : absl::StrCat(clean.records_before, " records and ", clean.domains_before,
                                                " domains before, ", clean.records, " and ", clean.domains, " now\n"));
  });
}

int Export(const CacheOptions& options, Asker& asker, Console& console) {
  const std::optional<RecordFormat> format = RecordFormatFromName(options.format);
  if (!format.has_value()) {
    console.err << "verifyctl: --format: found \"" << options.format << "\", expected jsonl, csv or postfix\n";
    return kExitUsage;
  }
  console.out << HeadOf(*format);
  int64_t left_out = 0;
  Walk walk("GET", ArgumentsOf(options.selection), asker, console);
  const int code = walk.Run([&](absl::string_view line, const ShownEntry& entry) {
    std::string text = LineOf(*format, line, entry);
    if (text.empty()) ++left_out;
    return text;
  });
  if (left_out > 0) console.err << "verifyctl: " << left_out << " records do not fit this format and are left out\n";
  return code;
}

}  // namespace verifyd
