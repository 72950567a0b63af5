// The probe sender: the MAIL FROM of a probe. Its local part can change with time, so that addresses that spammers
// harvest are soon worth nothing. Exactly Postfix's scheme (address_verify_sender, address_verify_sender_ttl), so that
// a Postfix in front recognises our probes and we recognise its own.
//
// Thread: any (a value).
#ifndef VERIFYD_MAIL_PROBE_SENDER_H_
#define VERIFYD_MAIL_PROBE_SENDER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace verifyd {

class ProbeSender {
 public:
  // `base` is address_verify_sender: "double-bounce", "probe@example.com", or "" or "<>" for the null sender. Without a
  // domain it gets `myorigin`. `ttl` (address_verify_sender_ttl, whole seconds) zero: the sender does not change.
  // Errors: a leading or trailing @, text that is no address, a local part that leaves no room for a code.
  static absl::StatusOr<ProbeSender> Create(absl::string_view base, absl::string_view myorigin, absl::Duration ttl);

  // Returns the address that MAIL FROM says at `now`, quoted where it must be; empty for the null sender.
  std::string At(absl::Time now) const;

  // Returns true if `address` (unquoted form) is our own probe sender of this slot or a neighbouring one. Local part,
  // domain and code are compared without regard to case. Never true for the null sender.
  bool IsOurs(absl::string_view address, absl::Time now) const;

  // Returns the code of a slot: base 31 in digits and upper-case consonants, most significant first; slot 0 is empty.
  static std::string EncodeSlot(uint64_t slot);

 private:
  ProbeSender() = default;
  std::string UnquotedAt(absl::Time now) const;

  std::string local_;  // without quotes and code; empty for the null sender
  std::string domain_;
  absl::Duration ttl_;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_PROBE_SENDER_H_
