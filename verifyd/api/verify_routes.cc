#include "verifyd/api/verify_routes.h"

#include <utility>

#include "mail/question.h"
#include "verifyd/api/question_list.h"

namespace verifyd {
namespace {

ApiReply HandleVerify(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  if (!arguments.names_addresses()) return NoAddresses("addresses");
  Question question;
  question.fresh = arguments.fresh;
  question.wants_catch_all = true;  // the status differs
  question.dialogue = arguments.trace;
  question.patience = arguments.patience.value_or(memory.settings.patience);
  question.role = arguments.role;
  question.urgency = arguments.addresses.size() == 1 ? Urgency::kWaiting : Urgency::kList;
  ApiReply reply;
  reply.lines = QuestionList::Answers(memory.loop, daemon.verifier, std::move(question), LinesOf(arguments));
  return reply;
}

}  // namespace

std::vector<ApiRoute> VerifyRoutes() {
  return {
      {"POST",
       "/v1/verify",
       ApiRight::kChange,
       {"addresses", "fresh", "patience", "role", "trace"},
       "Verify addresses, from memory or by a probe; a line for each as its answer comes. A body of text/plain has an "
       "address a line, without end; the other arguments are then in the query.",
       HandleVerify},
  };
}

}  // namespace verifyd
