#include "opensmtpd/filter_protocol.h"

#include <array>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/text.h"

namespace verifyd {
namespace {

// An SMTP reply may not be longer.
constexpr size_t kMaxReply = 500;

// Takes a field off the front of `rest`.
absl::string_view Field(absl::string_view& rest) {
  const size_t bar = rest.find('|');
  const absl::string_view field = rest.substr(0, bar);
  rest.remove_prefix(bar == absl::string_view::npos ? rest.size() : bar + 1);
  return field;
}

// Parses "0.6". Text that is no version counts as a new one.
bool IsBefore05(absl::string_view version) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(version, absl::MaxSplits('.', 1));
  int major = 0;
  int minor = 0;
  if (!absl::SimpleAtoi(parts.first, &major) || !absl::SimpleAtoi(parts.second, &minor)) return false;
  return std::tie(major, minor) < std::make_tuple(0, 5);
}

// Takes an address of one line only: the door takes one line, and no address has more.
std::string RecipientOf(absl::string_view field) {
  if (absl::ConsumePrefix(&field, "<")) field = field.substr(0, field.rfind('>'));
  return Printable(field, field.size()) == field ? std::string(field) : "";
}

// Returns true for a refusal in SMTP's words whose class is that of the door's word.
bool IsReply(absl::string_view text, char first) {
  return text.size() > 4 && text[0] == first && absl::ascii_isdigit(text[1]) && absl::ascii_isdigit(text[2]) &&
         text[3] == ' ' && Printable(text, kMaxReply) == text;
}

}  // namespace

std::optional<FilterQuestion> ParseFilterQuestion(absl::string_view line) {
  absl::ConsumeSuffix(&line, "\r");
  if (!absl::ConsumePrefix(&line, "filter|")) return std::nullopt;
  FilterQuestion question;
  question.token_first = IsBefore05(Field(line));
  Field(line);  // the time
  const absl::string_view subsystem = Field(line);
  const absl::string_view phase = Field(line);
  question.session = std::string(Field(line));
  question.token = std::string(Field(line));
  if (question.session.empty() || question.token.empty()) return std::nullopt;
  if (subsystem == "smtp-in" && phase == "rcpt-to") question.recipient = RecipientOf(line);
  return question;
}

std::string FilterResult(const FilterQuestion& question, absl::string_view answer) {
  const std::string& first = question.token_first ? question.token : question.session;
  const std::string& second = question.token_first ? question.session : question.token;
  const std::string result = absl::StrCat("filter-result|", first, "|", second, "|");
  const bool refused = (absl::ConsumePrefix(&answer, "deny ") && IsReply(answer, '5')) ||
                       (absl::ConsumePrefix(&answer, "defer ") && IsReply(answer, '4'));
  return refused ? absl::StrCat(result, "reject|", answer, "\n") : absl::StrCat(result, "proceed\n");
}

}  // namespace verifyd
