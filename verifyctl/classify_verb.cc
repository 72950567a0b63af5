#include "verifyctl/classify_verb.h"

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "classifier/classifier.h"
#include "classifier/marks.h"
#include "classifier/reason.h"
#include "mail/address.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/input_text.h"
#include "verifyd/json/json.h"

namespace verifyd {
namespace {

namespace json = boost::json;

struct Line {
  Stage stage = Stage::kRcpt;
  std::string reply;
  std::string mx_name;
};

struct Judgement {
  std::string status;
  Classification meaning;
  std::vector<std::string> explanation;
};

absl::StatusOr<Line> ParseLine(absl::string_view text) {
  const std::vector<absl::string_view> columns = absl::StrSplit(text, '\t');
  if (columns.size() < 2 || columns.size() > 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("found ", columns.size(), " columns, expected STAGE<TAB>REPLY[<TAB>MX]"));
  }
  Line line;
  const std::optional<Stage> stage = StageFromName(columns[0]);
  if (!stage.has_value() || *stage < Stage::kBanner) {
    return absl::InvalidArgumentError(absl::StrCat("found stage \"", Printable(columns[0], 40),
                                                   "\", expected banner, ehlo, starttls, mail, rcpt, data or quit"));
  }
  line.stage = *stage;
  // Text that is no escape is meant as it stands.
  if (!absl::CUnescape(columns[1], &line.reply)) line.reply = std::string(columns[1]);
  if (columns.size() > 2) line.mx_name = std::string(columns[2]);
  return line;
}

Judgement Judge(const Classifier& classifier, const Line& line, const Marks& marks, bool explain) {
  Judgement judgement;
  const absl::StatusOr<Reply> reply = Reply::Parse(line.reply);
  if (!reply.ok()) {
    const Event event = line.stage == Stage::kBanner ? Event::kNotSmtp : Event::kProtocolError;
    judgement.meaning = Classifier::Classify(event, line.stage);
    if (explain) judgement.explanation.push_back(absl::StrCat("no reply: ", reply.status().message()));
  } else {
    judgement.meaning = classifier.Classify(line.stage, *reply, line.mx_name, marks);
    if (explain) judgement.explanation = classifier.Explain(line.stage, *reply, line.mx_name, marks);
    if (Classifier::DialogueGoesOn(line.stage, *reply, judgement.meaning)) judgement.status = "continue";
  }
  if (judgement.status.empty()) judgement.status = std::string(DeliverabilityName(judgement.meaning.deliverability));
  return judgement;
}

std::string Shown(const Judgement& judgement, bool as_json) {
  const Classification& meaning = judgement.meaning;
  if (!as_json) {
    std::string shown = absl::StrCat(judgement.status, "\t", ReasonName(meaning.reason), "\t", ScopeName(meaning.scope),
                                     "\t", meaning.rule.empty() ? "none" : meaning.rule, "\n");
    for (const std::string& step : judgement.explanation) absl::StrAppend(&shown, "# ", step, "\n");
    return shown;
  }
  json::object object;
  object["status"] = JsonText(judgement.status);
  object["reason"] = JsonText(ReasonName(meaning.reason));
  object["scope"] = JsonText(ScopeName(meaning.scope));
  object["rule"] = JsonText(meaning.rule);
  json::array explanation;
  for (const std::string& step : judgement.explanation) explanation.emplace_back(JsonText(step));
  if (!explanation.empty()) object["explanation"] = std::move(explanation);
  return absl::StrCat(json::serialize(object), "\n");
}

std::string ShownError(absl::string_view why, bool as_json) {
  if (!as_json) return absl::StrCat("error\t", why, "\n");
  json::object object;
  object["error"] = JsonText(why);
  return absl::StrCat(json::serialize(object), "\n");
}

}  // namespace

int Classify(const ClassifyOptions& options, Console& console) {
  const absl::StatusOr<std::shared_ptr<const Classifier>> classifier =
      options.rules.empty() ? Classifier::BuiltIn() : Classifier::FromFile(options.rules);
  if (!classifier.ok()) {
    console.err << "verifyctl: " << classifier.status().message() << "\n";
    return absl::IsInvalidArgument(classifier.status()) ? kExitConfiguration : ExitCodeOf(classifier.status());
  }
  if (const absl::Status begun = BeginText(console.in, "-", "classify"); !begun.ok()) {
    console.err << "verifyctl: " << begun.message() << "\n";
    return ExitCodeOfInput(begun);
  }
  Marks marks;
  absl::StatusOr<Address> recipient = Address();
  if (!options.recipient.empty()) {
    recipient = Address::Parse(options.recipient);
    if (!recipient.ok()) {
      console.err << "verifyctl: --recipient: " << recipient.status().message() << "\n";
      return kExitBadAddress;
    }
    marks.recipient = &*recipient;
  }
  int exit_code = 0;
  int number = 0;
  for (std::string text; std::getline(console.in, text);) {
    ++number;
    const absl::StatusOr<Line> line = ParseLine(absl::StripSuffix(text, "\r"));
    if (line.ok()) {
      console.out << Shown(Judge(**classifier, *line, marks, options.explain), options.json);
    } else {
      console.err << "verifyctl: line " << number << ": " << line.status().message() << "\n";
      console.out << ShownError(line.status().message(), options.json);
      exit_code = kExitBadAddress;
    }
  }
  if (const absl::Status read = ReadError(console.in, "-"); !read.ok()) {
    console.err << "verifyctl: " << read.message() << "\n";
    return ExitCodeOfInput(read);
  }
  return exit_code;
}

}  // namespace verifyd
