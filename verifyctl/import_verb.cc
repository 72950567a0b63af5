#include "verifyctl/import_verb.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "boost/json.hpp"
#include "classifier/classifier.h"
#include "verifyctl/answer.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/import_source.h"
#include "verifyctl/interrupt.h"
#include "verifyctl/progress.h"
#include "verifyctl/result_text.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_cache.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// Records that are sent together, and their bytes: nobody notices when the daemon takes in so many at once.
constexpr size_t kTogether = 64;
constexpr size_t kBytesTogether = size_t{128} * 1024;
// The end waits so long for the cache to be written.
constexpr absl::Duration kStorePatience = absl::Seconds(20);
constexpr absl::Duration kStoreLook = absl::Milliseconds(20);
// Errors that are shown; the others are counted.
constexpr uint64_t kShownErrors = 10;

// The rules that the daemon judges by.
absl::StatusOr<std::shared_ptr<const Classifier>> ClassifierOf(const Place& place) {
  const absl::StatusOr<Settings> settings = LoadSettings(place);
  if (!settings.ok()) return settings.status();
  const std::string file = settings->Text("classifier_rules");
  absl::StatusOr<std::shared_ptr<const Classifier>> classifier =
      file.empty() ? Classifier::BuiltIn() : Classifier::FromFile(file);
  if (!classifier.ok()) return absl::FailedPreconditionError(classifier.status().message());
  return classifier;
}

class Importer {
 public:
  Importer(Asker& asker, Console& console) : asker_(asker), console_(console) {}

  // Returns 0, or the exit code.
  int Run(ImportSource& source) {
    const Interrupt interrupt;
    Progress progress(console_, "entries", source.total());
    for (;;) {
      absl::StatusOr<std::optional<ImportSource::Part>> part = source.Next();
      if (!part.ok()) {
        console_.err << "verifyctl: " << part.status().message() << "\n";
        return ExitCodeOfInput(part.status());
      }
      if (part->has_value()) Take(**part);
      const bool ended = !part->has_value() || interrupt.wanted();
      if (waiting_ == 0 && !ended) continue;
      if (!ended && waiting_ < kTogether && body_.size() < kBytesTogether) continue;
      if (const int code = Send(); code != 0) return code;
      progress.Show(entries);
      if (!part->has_value()) return 0;
      if (ended) {
        console_.err << "verifyctl: stopped after " << entries
                     << " entries; the same command goes on: what is there already is passed over\n";
        return Interrupt::kExitCode;
      }
    }
  }

  // Records are reported as imported once they are stored: waits until they are, or the cache gives them up.
  void AwaitStore() {
    const MonoTime deadline = console_.clock.Mono() + kStorePatience;
    while (imported > 0 && AskStore() && not_stored > 0 && why_not.empty() && console_.clock.Mono() < deadline) {
      absl::SleepFor(kStoreLook);
    }
    not_stored = std::min(not_stored, imported);
  }

  uint64_t not_stored = 0;  // of those imported
  std::string why_not;
  bool memory_only = false;  // there is no file

  uint64_t entries = 0;
  uint64_t uninformative = 0;
  uint64_t imported = 0;
  uint64_t older = 0;
  uint64_t expired = 0;
  uint64_t future = 0;
  uint64_t unreadable = 0;

 private:
  void Take(const ImportSource::Part& part) {
    ++entries;
    if (!part.error.empty()) return Wrong(part.error);
    if (!part.record.has_value()) {
      ++uninformative;
      return;
    }
    absl::StrAppend(&body_, waiting_ == 0 ? "" : ",", *part.record);
    ++waiting_;
  }

  void Wrong(absl::string_view what) {
    if (++unreadable <= kShownErrors) console_.err << "verifyctl: " << what << "\n";
  }

  int Send() {
    if (waiting_ == 0) return 0;
    ApiRequest request;
    request.method = "POST";
    request.target = "/v1/records";
    request.body = absl::StrCat("{\"records\":[", std::exchange(body_, std::string()), "]}");
    waiting_ = 0;
    return Answer(asker_, request, console_, [&](absl::string_view /*line*/, const json::object& answer) {
      const auto shown = FromJson<ShownImport>(answer);
      imported += shown.imported;
      older += shown.older;
      expired += shown.expired;
      future += shown.future;
      for (const ShownFault& fault : shown.errors) Wrong(fault.error);
    });
  }

  // False where the answer does not come.
  bool AskStore() {
    ApiRequest request;
    request.method = "GET";
    request.target = "/v1/stats";
    return Answer(asker_, request, console_, [&](absl::string_view /*line*/, const json::object& answer) {
             const json::object* const cache = ObjectField(answer, "cache");
             if (cache == nullptr) return;
             not_stored = static_cast<uint64_t>(NumberField(*cache, "uncommitted"));
             why_not = std::string(TextField(*cache, "write_error"));
             memory_only = !FlagField(*cache, "persistent");
             if (memory_only) not_stored = 0;
           }) == 0;
  }

  Asker& asker_;
  Console& console_;
  std::string body_;
  size_t waiting_ = 0;
};

std::string Summary(const Importer& importer, bool as_json) {
  if (as_json) {
    return absl::StrCat(json::serialize(json::object{{"entries", importer.entries},
                                                     {"imported", importer.imported - importer.not_stored},
                                                     {"not_stored", importer.not_stored},
                                                     {"older", importer.older},
                                                     {"expired", importer.expired},
                                                     {"future", importer.future},
                                                     {"uninformative", importer.uninformative},
                                                     {"unreadable", importer.unreadable}}),
                        "\n");
  }
  std::string text =
      absl::StrCat("imported ", importer.imported - importer.not_stored, " of ", importer.entries, " entries\n");
  if (importer.memory_only) absl::StrAppend(&text, "    into memory: the cache has no file\n");
  const auto put = [&](uint64_t count, absl::string_view what) {
    if (count > 0) absl::StrAppend(&text, "    ", count, " ", what, "\n");
  };
  put(importer.not_stored, "not stored: they are gone when verifyd ends");
  put(importer.older, "not newer than what is held");
  put(importer.expired, "expired");
  put(importer.future, "from the future: a clock is wrong");
  put(importer.uninformative, "without information");
  put(importer.unreadable, "that can not be read");
  return text;
}

}  // namespace

int Import(const ImportOptions& options, const Place& place, Asker& asker, Console& console) {
  const absl::StatusOr<std::shared_ptr<const Classifier>> classifier = ClassifierOf(place);
  if (!classifier.ok()) {
    console.err << "verifyctl: " << classifier.status().message() << "\n";
    return ExitCodeOf(classifier.status());
  }
  const absl::StatusOr<std::unique_ptr<ImportSource>> source =
      ImportSource::Open(options.file, console.in, **classifier);
  if (!source.ok()) {
    console.err << "verifyctl: " << source.status().message() << "\n";
    return ExitCodeOfInput(source.status());
  }
  Importer importer(asker, console);
  int code = importer.Run(**source);
  importer.AwaitStore();
  if (importer.not_stored > 0) {
    console.err << "verifyctl: not everything is stored: "
                << (importer.why_not.empty() ? "the cache is still being written" : importer.why_not) << "\n";
    if (code == 0) code = kExitUnavailable;
  }
  if (importer.entries > 0 || code == 0) console.out << Summary(importer, options.json);
  return code == 0 && importer.unreadable > 0 ? kExitBadAddress : code;
}

}  // namespace verifyd
