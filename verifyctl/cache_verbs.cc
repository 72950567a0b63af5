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
  int Run(absl::FunctionRef<std::string(absl::string_view line, const json::object& shown)> words) {
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
        if (!answer.contains("examined")) {
          absl::StrAppend(&page, words(line, answer));
          return;
        }
        examined += NumberField(answer, "examined");
        matched += NumberField(answer, "matched");
        deleted += NumberField(answer, "deleted");
        domains += NumberField(answer, "domains");
        next = std::string(TextField(answer, "next"));
      });
      if (!page.empty()) progress.Wipe();
      console_.out << page << std::flush;
      if (code != 0) return code;
      if (!console_.out) {
        console_.err << "verifyctl: the output can not be written\n";
        return kExitOutput;
      }
      progress.Show(static_cast<uint64_t>(examined));
      if (next.empty()) return 0;
      if (interrupt.wanted()) {
        console_.err << "verifyctl: stopped after " << examined << " records\n";
        return Interrupt::kExitCode;
      }
      arguments_["after"] = next;
    }
  }

  int64_t examined = 0;
  int64_t matched = 0;
  int64_t deleted = 0;
  int64_t domains = 0;

 private:
  const std::string method_;
  json::object arguments_;
  Asker& asker_;
  Console& console_;
};

constexpr char kRow[] = "%-40s %-13s %-24s %-11s %s";

std::string Row(const json::object& shown, const Console& console) {
  const absl::Time now = console.clock.Now();
  const json::object* const record = ObjectField(shown, "record");
  const json::object* const finding = record == nullptr ? nullptr : ObjectField(*record, "finding");
  if (finding == nullptr) return "";
  absl::Time updated;
  std::string error;
  const bool dated = absl::ParseTime(absl::RFC3339_full, TextField(*finding, "updated"), &updated, &error);
  std::string row = absl::StrFormat(
      kRow, SpelledAddress(TextField(shown, "address")), TextField(*finding, "status"), TextField(*finding, "reason"),
      dated ? Rough(std::max(now - updated, absl::ZeroDuration())) : "", TextField(*finding, "mx"));
  row.erase(row.find_last_not_of(' ') + 1);
  absl::StrAppend(&row, "\n");
  return console.out_colours ? Coloured(row, TextField(*finding, "status")) : row;
}

}  // namespace

int List(const CacheOptions& options, Asker& asker, Console& console) {
  bool headed = options.json;
  Walk walk("GET", ArgumentsOf(options.selection), asker, console);
  return walk.Run([&](absl::string_view line, const json::object& shown) {
    if (options.json) return absl::StrCat(line, "\n");
    std::string row = Row(shown, console);
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
  const int code = walk.Run([](absl::string_view, const json::object&) { return std::string(); });
  if (code != 0 && code != Interrupt::kExitCode) return code;
  if (options.json) {
    json::object summary = {{"examined", walk.examined}, {"matched", walk.matched}, {"deleted", walk.deleted}};
    if (walk.domains > 0) summary["domains"] = walk.domains;
    console.out << json::serialize(summary) << "\n";
  } else if (options.dry_run) {
    console.out << "would delete " << walk.matched << " of " << walk.examined << " records\n";
  } else {
    console.out << "deleted " << walk.deleted << " of " << walk.examined << " records"
                << (walk.domains > 0 ? ", and what was held of the domain" : "") << "\n";
  }
  return code;
}

int Clean(const CacheOptions& options, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "POST";
  request.target = "/v1/clean";
  return Answer(asker, request, console, [&](absl::string_view line, const json::object& answer) {
    console.out << (options.json ? absl::StrCat(line, "\n")
                                 : absl::StrCat(NumberField(answer, "records_before"), " records and ",
                                                NumberField(answer, "domains_before"), " domains before, ",
                                                NumberField(answer, "records"), " and ", NumberField(answer, "domains"),
                                                " now\n"));
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
  const int code = walk.Run([&](absl::string_view line, const json::object& shown) {
    std::string text = LineOf(*format, line, shown);
    if (text.empty()) ++left_out;
    return text;
  });
  if (left_out > 0) console.err << "verifyctl: " << left_out << " records do not fit this format and are left out\n";
  return code;
}

}  // namespace verifyd
