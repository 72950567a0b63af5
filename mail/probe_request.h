// The verifier's request to the prober. It carries what memory knows; the prober never looks into the cache.
//
// Thread: any (a value, posted between loops).
#ifndef VERIFYD_MAIL_PROBE_REQUEST_H_
#define VERIFYD_MAIL_PROBE_REQUEST_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "mail/address.h"
#include "mail/question.h"

namespace verifyd {

// Our identity towards the server. A greylisting retry must come with the identity of the first try.
struct ProbeIdentity {
  std::string sender;          // MAIL FROM, without brackets; empty is the null sender
  std::string helo;            // EHLO name
  std::string source_address;  // to bind to; empty: the system chooses

  friend bool operator==(const ProbeIdentity&, const ProbeIdentity&) = default;
};

// Whether to ask in the same session if the domain accepts addresses that can not exist.
enum class AskCatchAll : uint8_t { kNo, kOnConfiguredRoutes, kAlways };

struct Referral;

struct ProbeRequest {
  Address address;
  Urgency urgency = Urgency::kWaiting;
  // The prober answers by then, whatever happens.
  MonoTime deadline;
  ProbeIdentity identity;
  AskCatchAll ask_catch_all = AskCatchAll::kNo;
  // The operator has named the domain as his own: limits that protect other people's servers do not delay the probe.
  bool ours = false;
  // See Question.
  uint64_t asker = 0;
  bool dialogue = false;
  // A source that is not the one to ask names the one that is (mail/referral.h). Null: none has.
  std::shared_ptr<const Referral> referral;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_PROBE_REQUEST_H_
