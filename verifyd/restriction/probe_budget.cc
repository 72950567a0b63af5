#include "verifyd/restriction/probe_budget.h"

#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/text.h"
#include "verifyd/restriction/client.h"

namespace verifyd {

ProbeBudget::Count& ProbeBudget::Find(Counts& counts, uint64_t key) const {
  const MonoTime now = clock_.Mono();
  const auto past = [&](const Count& count) { return now - count.begun >= counts.length; };
  const auto worth = [&](const Count& count) { return past(count) ? -1 : count.taken; };
  Count& count = counts.counts.FindOrAdd(key, {.begun = now}, worth);
  if (past(count)) count = {.begun = now};
  return count;
}

bool ProbeBudget::Take(absl::string_view client_address, absl::string_view instance,
                       const ProbeBudgetSettings& settings) {
  Count nobody;
  const uint64_t number = ClientNumber(client_address);
  Count& client = number != 0 ? Find(clients_, number) : nobody;
  Count& message = instance.empty() ? nobody : Find(messages_, absl::Hash<absl::string_view>()(instance));
  const bool client_over = settings.client_limit > 0 && client.taken >= settings.client_limit;
  const bool message_over = settings.message_limit > 0 && message.taken >= settings.message_limit;
  if (!client_over && !message_over) {
    ++client.taken;
    ++message.taken;
    return true;
  }
  Count& teller = number != 0 ? client : message;
  if (std::exchange(teller.said, true)) return false;
  LogWarning(
      absl::StrCat("client ", client_address.empty() ? "unknown" : Printable(client_address, 60), " has had more than ",
                   client_over ? absl::StrCat(settings.client_limit, " new addresses asked about in a minute ",
                                              "(client_new_probe_rate_limit)")
                               : absl::StrCat(settings.message_limit, " new addresses asked about for one message ",
                                              "(message_new_probe_limit)"),
                   ": further ones are answered from memory only"));
  return false;
}

}  // namespace verifyd
