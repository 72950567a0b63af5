#include "probe/stock_source.h"

#include <iterator>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "mail/event.h"
#include "mail/finding.h"
#include "mail/referral.h"
#include "probe/dialogue.h"
#include "probe/stock_verify.h"

namespace verifyd {

StockSource::StockSource(Loop& front, Alarms& alarms)
    : Source(front), dialer_(MakeSocketDialer(front)), alarms_(alarms) {}

boost::asio::awaitable<void> StockSource::Begin(ProbeRequest request, Answer answer, Accepted /*accepted*/) {
  const std::shared_ptr<const Referral> referral = request.referral;
  ProbeOutcome outcome;
  outcome.identity = request.identity;
  outcome.not_mine = referral == nullptr;
  if (outcome.not_mine) co_return answer(std::move(request), std::move(outcome));
  const std::shared_ptr<const Classifier> judge = classifier_;
  Dialogue dialogue(loop().clock(), request.dialogue);
  const MonoTime began = loop().clock().Mono();
  absl::StatusOr<Finding> said =
      co_await AskStockVerify(loop(), *dialer_, *judge, referral->service, referral->address, request.deadline);
  if (said.ok()) {
    outcome.finding = *std::move(said);
  } else {
    outcome.finding = ToFinding(Classifier::Classify(Event::kRouteBroken, Stage::kDns), Stage::kDns,
                                "Postfix's verify(8) can not be asked", loop().clock().Now());
    if (dialogue.wanted()) dialogue.Note(said.status().message());
    alarms_.Raise(referral->service,
                  absl::StrCat("verify(8) can not be asked: ", said.status().message(),
                               "; addresses whose transport is verify: are not verified until it can be"));
  }
  if (dialogue.wanted()) dialogue.Note(outcome.finding.text);
  outcome.delays.dns = referral->dns;
  outcome.delays.dialogue = loop().clock().Mono() - began;
  outcome.dialogue = referral->dialogue;
  for (DialogueLine& line : dialogue.Take()) {
    line.at += referral->dns;
    outcome.dialogue.push_back(std::move(line));
  }
  answer(std::move(request), std::move(outcome));
}

}  // namespace verifyd
