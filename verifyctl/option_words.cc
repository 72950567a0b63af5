#include "verifyctl/option_words.h"

#include <map>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest_name.h"
#include "base/text.h"
#include "classifier/reason.h"
#include "mail/address.h"
#include "mail/finding.h"
#include "verifyd/settings/settings.h"

namespace verifyd {
namespace {

constexpr size_t kShownWord = 80;
// If there are more words, an error does not list them.
constexpr size_t kMostListed = 5;

std::map<std::string, std::vector<std::string>, std::less<>> MakeWords() {
  std::map<std::string, std::vector<std::string>, std::less<>> words = {
      {"STATUS", {"deliverable", "undeliverable"}},
      {"--status", {"deliverable", "undeliverable", "risky", "unknown"}},
      {"--format", {"jsonl", "csv", "postfix"}},
      {"SHELL", {"bash", "zsh", "fish"}},
  };
  for (int reason = 1; reason < kReasonCount; ++reason) {
    words["--reason"].emplace_back(ReasonName(static_cast<Reason>(reason)));
  }
  for (const SettingRow& row : kSettingTable) words["NAME"].emplace_back(row.name);
  return words;
}

std::string ErrorOf(const absl::Status& status) { return status.ok() ? "" : std::string(status.message()); }

}  // namespace

const std::vector<std::string>& WordsOf(absl::string_view name) {
  static const auto* const kWords = new auto(MakeWords());
  static const auto* const kNone = new std::vector<std::string>;
  const auto found = kWords->find(name);
  return found == kWords->end() ? *kNone : found->second;
}

CLI::Validator OneOfItsWords(absl::string_view name) {
  const std::vector<std::string>& words = WordsOf(name);
  const auto judge = [&words](std::string& text) -> std::string {
    if (absl::c_linear_search(words, text)) return "";
    const absl::string_view meant = NearestName(text, {words.begin(), words.end()});
    std::string error = absl::StrCat("found \"", Printable(text, kShownWord), "\"");
    if (words.size() <= kMostListed) {
      absl::StrAppend(&error, ", expected ", absl::StrJoin(words.begin(), words.end() - 1, ", "), " or ", words.back());
    }
    if (!meant.empty()) absl::StrAppend(&error, "; did you mean \"", meant, "\"?");
    return error;
  };
  return CLI::Validator(judge, "");
}

CLI::Validator ATime(absl::Duration most) {
  return CLI::Validator(
      [most](std::string& text) {
        const absl::StatusOr<absl::Duration> time = ParseTimeValue(text);
        if (!time.ok() || *time <= most) return ErrorOf(time.status());
        return absl::StrCat("found ", FormatTimeValue(*time), ", expected at most ", FormatTimeValue(most));
      },
      "");
}

CLI::Validator ADomain() {
  return CLI::Validator(
      [](std::string& text) {
        return ErrorOf(ParseDomain(absl::string_view(text).substr(absl::StartsWith(text, ".") ? 1 : 0)).status());
      },
      "");
}

}  // namespace verifyd
