#include "verifyd/restriction/decision.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/network.h"
#include "base/text.h"
#include "classifier/reason.h"

namespace verifyd {
namespace {

DefaultDecision DefaultOf(const ReasonRow& row, Use use) {
  switch (use) {
    case Use::kInbound:
      return row.inbound;
    case Use::kSender:
      return row.sender;
    case Use::kOutbound:
      return row.outbound;
  }
  return row.inbound;
}

const DecisionTable& TableOf(const DecisionTables& tables, Use use) {
  switch (use) {
    case Use::kInbound:
      return tables.inbound;
    case Use::kSender:
      return tables.sender;
    case Use::kOutbound:
      return tables.outbound;
  }
  return tables.inbound;
}

DefaultDecision DecisionFor(const Verdict& verdict, Use use, const DecisionTables& tables) {
  const Finding& finding = verdict.finding;
  if (finding.reason == Reason::kNone) {  // a pin: the operator's word
    return finding.deliverability == Deliverability::kUndeliverable ? DefaultDecision::kReject
                                                                    : DefaultDecision::kPermit;
  }
  DefaultDecision decision = DefaultDecision::kPermit;
  if (const auto& said = TableOf(tables, use)[static_cast<size_t>(finding.reason)]; said.has_value()) {
    decision = *said;
  } else {
    decision = DefaultOf(RowOf(finding.reason), use);
    // A finding may be more careful than its reason's row, never less.
    if (decision == DefaultDecision::kReject && finding.deliverability != Deliverability::kUndeliverable) {
      decision = DefaultDecision::kDefer;
    }
  }
  if (verdict.grace && decision == DefaultDecision::kReject) decision = DefaultDecision::kDefer;
  return decision;
}

// The outside may not know which hosts stand behind the gateway, nor their names.
bool MayBeTold(const Finding& finding, Disclosure disclosure) {
  // A pin or a hold: the operator's words.
  if (finding.reason == Reason::kNone || finding.rule == kHoldRule) return true;
  // Our own files, sockets and hosts are nobody's business, whatever is disclosed of others.
  if (IsOwnTrouble(finding.reason) && finding.code == 0) return false;
  if (disclosure != Disclosure::kPublic) return disclosure == Disclosure::kYes;
  // DNS answers about the domain and our own words name no host.
  if (finding.stage == Stage::kDns && finding.mx_name.empty() && finding.mx_address.empty()) return true;
  return IsIpAddress(finding.mx_address) && !IsBogusAddress(finding.mx_address) &&
         absl::StrContains(finding.mx_name, '.');
}

std::optional<DefaultDecision> WordOf(absl::string_view word) {
  if (word == "permit") return DefaultDecision::kPermit;
  if (word == "defer") return DefaultDecision::kDefer;
  if (word == "reject") return DefaultDecision::kReject;
  return std::nullopt;
}

}  // namespace

absl::Status DecisionTables::Set(Reason reason, absl::string_view value) {
  const auto number = static_cast<size_t>(reason);
  for (const absl::string_view item : absl::StrSplit(value, absl::ByAnyChar(" \t,"), absl::SkipEmpty())) {
    const size_t equals = item.find('=');
    const absl::string_view use = equals == absl::string_view::npos ? "" : item.substr(0, equals);
    const std::optional<DefaultDecision> decision =
        WordOf(equals == absl::string_view::npos ? item : item.substr(equals + 1));
    const bool known_use = use.empty() || use == "inbound" || use == "sender" || use == "outbound";
    if (!decision.has_value() || !known_use || (use.empty() && equals != absl::string_view::npos)) {
      return absl::InvalidArgumentError(absl::StrCat("found \"", Printable(item, 40),
                                                     "\", expected permit, defer or reject, with inbound=, sender= or "
                                                     "outbound= before it or not"));
    }
    if (use.empty() || use == "inbound") inbound[number] = decision;
    if (use.empty() || use == "sender") sender[number] = decision;
    if (use.empty() || use == "outbound") outbound[number] = decision;
  }
  return absl::OkStatus();
}

bool CatchAllMatters(Use use, const DecisionTables& tables) {
  const auto decision_for = [&](Reason reason) {
    Verdict verdict;
    verdict.finding.reason = reason;
    verdict.finding.deliverability = RowOf(reason).deliverability;
    return DecisionFor(verdict, use, tables);
  };
  const DefaultDecision accepted = decision_for(Reason::kAccepted);
  return decision_for(Reason::kCatchAll) != accepted || decision_for(Reason::kAcceptedCatchallUnknown) != accepted;
}

namespace {

DefaultDecision WantedDecision(const Verdict& verdict, Use use, const DecisionTables& tables) {
  switch (verdict.state) {
    case VerdictState::kKnown:
      return DecisionFor(verdict, use, tables);
    case VerdictState::kInProgress:
    case VerdictState::kNotCached:  // only memory could be asked: too many connections, or no budget for a probe
      return DefaultDecision::kDefer;
    case VerdictState::kNotVerifiable:
      break;
  }
  return DefaultDecision::kPermit;
}

// The words that a client may be told.
std::string ToldWords(const Verdict& verdict, Disclosure disclosure) {
  if (verdict.state == VerdictState::kNotCached) return "Too many address verification requests";
  if (verdict.state == VerdictState::kKnown && !MayBeTold(verdict.finding, disclosure)) {
    return absl::StrReplaceAll(ReasonName(verdict.finding.reason), {{"_", " "}});
  }
  return verdict.finding.text;
}

}  // namespace

Decision DecideOnVerdict(const Verdict& verdict, Use use, const UnverifiedSettings& settings) {
  Decision decision;
  const DefaultDecision wanted = WantedDecision(verdict, use, settings.decisions);
  if (wanted == DefaultDecision::kPermit) return decision;
  if (!settings.worded) {
    decision.kind = wanted == DefaultDecision::kReject ? DecisionKind::kReject : DecisionKind::kDefer;
    decision.text = Printable(ToldWords(verdict, settings.disclosure), Finding::kMaxText);
    return decision;
  }
  decision.code = wanted == DefaultDecision::kReject ? settings.reject_code : settings.defer_code;
  const int code_class = decision.code / 100;
  if (code_class == 2) {  // the operator accepts a bad address, as Postfix allows
    decision.code = 0;
    return decision;
  }
  // A malformed address was not asked about.
  const bool syntax = verdict.finding.reason == Reason::kBadAddressSyntax && verdict.finding.code == 0;
  decision.dsn = absl::StrCat(code_class, use == Use::kSender ? ".1.7" : syntax ? ".1.3" : ".1.1");
  const std::string why =
      settings.reject_reason.empty() ? ToldWords(verdict, settings.disclosure) : settings.reject_reason;
  decision.text = absl::StrCat(code_class == 4 ? "unverified address: " : "undeliverable address: ",
                               Printable(why, Finding::kMaxText));
  if (code_class != 4) {
    decision.kind = DecisionKind::kReject;
  } else {
    decision.kind = settings.defer_if_permit ? DecisionKind::kDeferIfPermit : DecisionKind::kDefer;
  }
  return decision;
}

}  // namespace verifyd
