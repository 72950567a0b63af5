#include "verifyd/history/decision_log.h"

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "classifier/reason.h"
#include "verifyd/history/decision_word.h"

namespace verifyd {
namespace {

constexpr size_t kMaxValue = 320;

std::string Value(absl::string_view text) { return Printable(text, kMaxValue); }

absl::string_view CacheWord(const Verdict& verdict) {
  switch (verdict.source) {
    case VerdictSource::kRecord:
      return "hit";
    case VerdictSource::kDomainFact:
      return "domain";
    case VerdictSource::kPin:
      return "pin";
    case VerdictSource::kProbe:
    case VerdictSource::kNothing:
      return "miss";
  }
  return "miss";
}

absl::string_view ResultWord(const Verdict& verdict) {
  switch (verdict.state) {
    case VerdictState::kKnown:
      return DeliverabilityName(verdict.finding.deliverability);
    case VerdictState::kInProgress:
      return "in_progress";
    case VerdictState::kNotCached:
      return "not_cached";
    case VerdictState::kNotVerifiable:
      return "not_verifiable";
  }
  return "unknown";
}

}  // namespace

std::string DecisionLine(const MailRequest& request, const Ruling& ruling, absl::Duration wait) {
  std::string line = absl::StrCat("action=", DecisionWordName(WordFor(ruling)));
  const Decision* const said = RefusalIn(ruling);
  if (said != nullptr && said->code != 0) absl::StrAppend(&line, " code=", said->code, " dsn=", said->dsn);
  if (ruling.verdict.has_value()) {
    const Verdict& verdict = *ruling.verdict;
    absl::StrAppend(&line, " result=", ResultWord(verdict), " reason=", ReasonName(verdict.finding.reason),
                    " cache=", CacheWord(verdict));
    if (verdict.source == VerdictSource::kRecord || verdict.source == VerdictSource::kDomainFact) {
      absl::StrAppend(&line, " age=", absl::ToInt64Seconds(verdict.age), "s");
    }
  } else if (!ruling.not_asked.empty()) {
    absl::StrAppend(&line, " result=not_asked reason=", ruling.not_asked);
  }
  absl::StrAppend(&line, " client_address=", Value(request.client_address), " sender=<", Value(request.sender),
                  "> recipient=<", Value(request.recipient), ">");
  absl::StrAppend(&line, " instance=", Value(request.instance), " queue_id=", Value(request.queue_id));
  // Milliseconds as a fraction, without the cost of formatting a double.
  const int64_t milliseconds = absl::ToInt64Milliseconds(wait);
  absl::StrAppend(&line, " wait=", milliseconds / 1000, ".", absl::Dec(milliseconds % 1000, absl::kZeroPad3));
  if (ruling.dry_run) absl::StrAppend(&line, " dry_run=yes");
  if (!request.helo_name.empty()) absl::StrAppend(&line, " helo_name=<", Value(request.helo_name), ">");
  if (!request.sasl_username.empty()) absl::StrAppend(&line, " sasl_username=<", Value(request.sasl_username), ">");
  if (!ruling.restriction.empty()) absl::StrAppend(&line, " restriction=", ruling.restriction);
  if (!ruling.action.empty()) absl::StrAppend(&line, " told=\"", Value(ruling.action), "\"");
  return line;
}

bool DecisionIsLogged(DecisionsLogged logged, const Ruling& ruling) {
  if (logged != DecisionsLogged::kRefused) return logged == DecisionsLogged::kAll;
  return RefusalIn(ruling) != nullptr;
}

}  // namespace verifyd
