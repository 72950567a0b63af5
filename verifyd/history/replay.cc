#include "verifyd/history/replay.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "boost/json.hpp"
#include "verifyd/history/decision_entry.h"
#include "verifyd/history/shown_report.h"
#include "verifyd/json/described.h"

namespace verifyd {
namespace {

// False where `line` is no request. The views are those of `line`.
bool ParseRequest(absl::string_view line, MailRequest& request) {
  std::array<absl::string_view, 4> fields;
  size_t count = 0;
  for (const absl::string_view field : absl::StrSplit(line, '\t')) {
    if (count == fields.size()) return false;
    fields[count++] = field;
  }
  if (count < 2 || fields[1].empty()) return false;
  request.protocol_state = "RCPT";
  request.sender = fields[0] == "<>" ? "" : fields[0];
  request.recipient = fields[1];
  request.client_address = fields[2];
  request.sasl_username = fields[3];
  return true;
}

}  // namespace

LineSource Replay::Report(const Rooms& rooms, bool probe, absl::Duration patience, LineSource requests) {
  const std::shared_ptr<Replay> replay(new Replay(rooms, probe, patience));
  return [replay, requests = std::move(requests),
          done = false]() mutable -> boost::asio::awaitable<std::optional<std::string>> {
    if (std::exchange(done, true)) co_return std::nullopt;
    co_return absl::StrCat(co_await Run(replay, std::move(requests)), "\n");
  };
}

boost::asio::awaitable<std::string> Replay::Run(std::shared_ptr<Replay> replay, LineSource requests) {
  size_t in_this_turn = 0;
  for (;;) {
    const std::optional<std::string> lines = co_await requests();
    if (!lines.has_value()) break;
    for (const absl::string_view line : absl::StrSplit(*lines, '\n', absl::SkipEmpty())) {
      if (replay->Decide(line, replay->probe_).has_value()) {
        while (replay->asking_ >= kAtOnce) co_await replay->room_.Wait();
        ++replay->asking_;
        replay->rooms_.loop.Spawn(Ask(replay, std::string(line)));
      }
      if (++in_this_turn % kInATurn == 0) co_await replay->rooms_.loop.Yield();
    }
  }
  while (replay->asking_ > 0) co_await replay->room_.Wait();
  const ShownReport report{
      .requests = replay->requests_, .malformed = replay->malformed_, .tally = {replay->tally_.Report()}};
  co_return boost::json::serialize(AsJson(report));
}

// Asks the restrictions from memory only, and again after each answer. Their own way to a probe would take from the
// budgets of clients, and go before the questions of clients that wait.
boost::asio::awaitable<void> Replay::Ask(std::shared_ptr<Replay> replay, std::string line) {
  // A sender and a recipient, at most.
  constexpr int kQuestions = 2;
  for (int i = 0; i < kQuestions; ++i) {
    std::optional<Question> question = replay->Decide(line, true);
    if (!question.has_value()) break;
    co_await replay->rooms_.verifier.Verify(*std::move(question));
    if (i + 1 == kQuestions) replay->Decide(line, false);
  }
  --replay->asking_;
  replay->room_.NotifyAll();
}

std::optional<Question> Replay::Decide(absl::string_view line, bool may_ask) {
  MailRequest request;
  if (!ParseRequest(line, request)) {
    ++malformed_;
    return std::nullopt;
  }
  const Evaluation evaluation = rooms_.restrictions.Rehearse(request);
  if (!evaluation.settled() && may_ask) {
    Question question = *evaluation.question();
    question.urgency = Urgency::kList;
    question.patience = patience_;
    question.memory_only = false;
    return question;
  }
  DecisionEntry entry = DecisionEntryFor(request, evaluation.ruling(), rooms_.cache, rooms_.loop.clock().Now());
  if (!evaluation.settled()) {
    entry.word = DecisionWord::kNotKnown;
    entry.reason = "not_known";
  }
  ++requests_;
  tally_.Count(entry);
  return std::nullopt;
}

}  // namespace verifyd
