// A question of a door to the verifier.
//
// Thread: any (a value).
#ifndef VERIFYD_MAIL_QUESTION_H_
#define VERIFYD_MAIL_QUESTION_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mail/address.h"

namespace verifyd {

enum class Role : uint8_t { kRecipient, kSender };

// How urgent a question is: a client that waits, a retry that is due, a refresh ahead of expiry, a list that is worked
// through. Earlier ones go first where a destination has a queue.
enum class Urgency : uint8_t { kWaiting, kRetry, kRefresh, kList };

struct Question {
  Address address;
  Role role = Role::kRecipient;
  Urgency urgency = Urgency::kWaiting;
  // How long the question waits for a probe; then the answer is "in progress", and the probe goes on.
  absl::Duration patience = absl::ZeroDuration();
  // Ask the server even though memory has an answer.
  bool fresh = false;
  // Keep the dialogue and hand it back with the verdict.
  bool dialogue = false;
  // Answer from memory or not at all: no probe is started, none is joined.
  bool memory_only = false;
  // The asker has chosen the address, so verify_domains does not apply.
  bool any_domain = false;
  // Set where the text asked about is no address: it says what is wrong. `address` is then Address::DomainOf it, and
  // memory answers: bad_address_syntax, if the domain's addresses may be asked about.
  std::string no_address;
  // The asker wants to know if the server accepts everybody. A positive then waits for that answer, too, as long as
  // there is patience. Else it is told at once, and the later answer is only remembered.
  bool wants_catch_all = false;
  // A number that stands for the asker. Questions in vain count against it. 0: nobody.
  uint64_t asker = 0;
};

absl::string_view RoleName(Role role);  // "recipient", "sender"

}  // namespace verifyd

#endif  // VERIFYD_MAIL_QUESTION_H_
