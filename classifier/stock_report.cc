#include "classifier/stock_report.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "mail/address_forms.h"
#include "mail/event.h"
#include "mail/reply.h"

namespace verifyd {
namespace {

// smtp(8) words the stages so (smtp_proto.c, smtp_trouble.c). Other agents report on the recipient.
Stage StageOf(absl::string_view text) {
  struct Words {
    absl::string_view words;
    Stage stage;
  };
  static constexpr Words kWords[] = {
      {"(in reply to MAIL FROM command)", Stage::kMail}, {"(in reply to DATA command)", Stage::kData},
      {"(in reply to EHLO command)", Stage::kEhlo},      {"(in reply to HELO command)", Stage::kEhlo},
      {"refused to talk to me: ", Stage::kBanner},
  };
  for (const Words& row : kWords) {
    if (absl::StrContains(text, row.words)) return row.stage;
  }
  return Stage::kRcpt;
}

// The system's words follow "connect to HOST[ADDRESS]:PORT: ".
Event ConnectEventOf(absl::string_view text) {
  if (absl::EndsWith(text, ": Connection refused")) return Event::kConnectRefused;
  if (absl::EndsWith(text, ": Connection timed out")) return Event::kConnectTimeout;
  if (absl::EndsWith(text, ": Connection reset by peer")) return Event::kConnectReset;
  return Event::kConnectUnreachable;
}

// Marks the address, because it may be worded as Postfix words a stage.
std::string WithoutMarks(absl::string_view text, const Marks& marks) {
  return marks.recipient == nullptr ? std::string(text) : AddressForms(marks.recipient->local()).Marked(text);
}

int CodeOf(RecipientStatus status) {
  switch (status) {
    case RecipientStatus::kOk:
      return 250;
    case RecipientStatus::kBounce:
      return 550;
    case RecipientStatus::kDefer:
    case RecipientStatus::kTodo:
      return 450;
  }
  return 450;
}

Finding Judge(const Classifier& classifier, RecipientStatus status, absl::string_view text, const Marks& marks,
              absl::Time now) {
  if (absl::StartsWith(text, "connect to ")) {
    return ToFinding(Classifier::Classify(ConnectEventOf(text), Stage::kConnect), Stage::kConnect, text, now);
  }
  Reply reply;
  reply.code = CodeOf(status);
  reply.lines = {std::string(text)};
  if (reply.ok()) reply.enhanced = EnhancedCode::TakeFrom(absl::StripPrefix(text, "250 "));
  const Stage stage = reply.ok() ? Stage::kRcpt : StageOf(WithoutMarks(text, marks));
  Finding finding = ToFinding(classifier.Classify(stage, reply, "", marks), stage, text, now);
  finding.code = reply.code;
  finding.enhanced = reply.enhanced;
  return finding;
}

}  // namespace

Finding JudgeStockReport(const Classifier& classifier, RecipientStatus status, absl::string_view text,
                         const Marks& marks, absl::Time now) {
  Finding finding = Judge(classifier, status, text, marks, now);
  finding.mx_name = "verify";
  finding.mx_address = "update";
  return finding;
}

}  // namespace verifyd
