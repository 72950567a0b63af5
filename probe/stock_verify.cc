#include "probe/stock_verify.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "probe/postfix_service.h"

namespace verifyd {
namespace {

Finding FindingOf(const Classification& classified, absl::string_view text, const std::string& path, absl::Time now) {
  Finding finding = ToFinding(classified, Stage::kRcpt, text, now);
  finding.mx_name = "verify";
  finding.mx_address = path;
  return finding;
}

// verify(8) tells OK, DEFER and BOUNCE apart; the words of the server are in the text.
Reply ReplyOf(absl::string_view recipient_status, absl::string_view text) {
  Reply reply;
  reply.code = recipient_status == "0" ? 250 : recipient_status == "2" ? 550 : 450;
  reply.lines = {std::string(text)};
  if (reply.code == 250) reply.enhanced = EnhancedCode::TakeFrom(absl::StripPrefix(text, "250 "));
  return reply;
}

}  // namespace

boost::asio::awaitable<absl::StatusOr<Finding>> AskStockVerify(Loop& loop, Dialer& dialer, const Classifier& classifier,
                                                               std::string path, const Address& address,
                                                               MonoTime deadline) {
  const Clock& clock = loop.clock();
  const Attributes query = {{"request", "query"}, {"address", address.Key()}};
  // All polls use one connection: each connection brings verify(8) nearer to its max_use, and when it ends it forgets
  // the probe it began. If it ends all the same, it is asked anew.
  absl::StatusOr<std::unique_ptr<PostfixConnection>> connection = absl::UnavailableError("");
  for (;;) {
    absl::StatusOr<Attributes> answer = absl::UnavailableError("");
    if (connection.ok()) answer = co_await (*connection)->Ask(query);
    if (!answer.ok()) {
      connection = co_await PostfixConnection::Open(loop, dialer, path, deadline);
      answer = connection.ok() ? co_await (*connection)->Ask(query) : absl::StatusOr<Attributes>(connection.status());
    }
    if (!answer.ok()) co_return answer.status();
    if (ValueOf(*answer, "status") != "0") {
      co_return absl::UnavailableError(absl::StrCat(path, ": the request was not understood"));
    }
    const std::string status = ValueOf(*answer, "recipient_status").value_or("");
    const std::string text = ValueOf(*answer, "reason").value_or("");
    if (status != "3") {
      const Reply reply = ReplyOf(status, text);
      Finding finding = FindingOf(classifier.Classify(Stage::kRcpt, reply, "", Marks{.recipient = &address}), text,
                                  path, clock.Now());
      finding.code = reply.code;
      finding.enhanced = reply.enhanced;
      co_return finding;
    }
    if (clock.Mono() + kStockVerifyPollDelay >= deadline) break;
    co_await loop.Sleep(kStockVerifyPollDelay);
  }
  co_return FindingOf(Classifier::Classify(Event::kDeadline, Stage::kConnect),
                      "address verification in progress at Postfix's verify(8)", path, clock.Now());
}

}  // namespace verifyd
